"""Benchmarks: seeded workloads, speed of the parts, and races beside other programs."""
