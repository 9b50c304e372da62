"""duskwatch: since when, how, and is it really back - outages of countries and networks from what the Internet says."""

__version__ = "0.1.0"
