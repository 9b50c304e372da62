"""What was measured and concluded, kept: Delta tables of signals and changes, an SQL database of outages.

The only package that knows a path or a query language. ``docs/reference/store.md`` describes tables and functions.
"""

from duskwatch.store.errors import ConflictError, StoreError
from duskwatch.store.frames import blocks_frame, change_frames, days_of, level_frames, signal_frames, wide_from_long
from duskwatch.store.store import Store

__all__ = [
    "ConflictError",
    "Store",
    "StoreError",
    "blocks_frame",
    "change_frames",
    "days_of",
    "level_frames",
    "signal_frames",
    "wide_from_long",
]
