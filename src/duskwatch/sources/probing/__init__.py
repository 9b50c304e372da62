"""Measurements that probes made, read from files."""
