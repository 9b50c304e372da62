"""Weeks of many collectors into a store."""
