"""Compiled functions over NumPy arrays. Imports nothing of ours."""
