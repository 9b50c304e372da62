"""Dated reference data: which country an address belongs to, what names and clocks go with it."""
