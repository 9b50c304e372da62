"""Blocks of elems into routing state, and state into signals with coverage."""
