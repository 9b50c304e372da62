"""Routes into state, state into what can be reached."""
