"""Checks of web sites, made by others and read from files; lists of sites."""
