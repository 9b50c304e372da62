"""Signals into alarms, alarms into outages."""
