"""Alarms of any mix of signals into outages: one grouping, one end, one set of phases, one confidence."""
