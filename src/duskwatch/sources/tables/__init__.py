"""Series measured by others: tables and API answers of time, entity, signal and value, into binned signals."""

from duskwatch.sources.tables.naming import said_roles
from duskwatch.sources.tables.read import SeriesData, SeriesError, SeriesOptions, read_series

__all__ = ["SeriesData", "SeriesError", "SeriesOptions", "read_series", "said_roles"]
