"""Who calls analysis, over what time: archives of weeks, later live."""
