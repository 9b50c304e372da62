"""The outside world into blocks of columns."""
