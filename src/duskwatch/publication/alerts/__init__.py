"""Outages told as they begin, deepen, come back and end."""
