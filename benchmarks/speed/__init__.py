"""Speed and memory of our own parts."""
