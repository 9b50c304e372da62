"""What others say about an outage, as claims, each compared with what was measured. Start with `said.examine`."""
