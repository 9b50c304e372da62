"""Faults of the recording: recognised, kept out of the result, and reported as coverage."""
