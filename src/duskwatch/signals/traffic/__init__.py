"""Traffic by flows: estimates of what was sent, with their error."""
