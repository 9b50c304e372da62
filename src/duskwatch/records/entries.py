"""Entries of files that others wrote: how many were used, and which were kept out and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BadEntry:
    """One entry of a file that was kept out."""

    place: str  # file and line, entry or byte
    reason: str


@dataclass(frozen=True, slots=True)
class EntryCount:
    """What became of the entries of one or several files."""

    read: int = 0  # entries that were used
    bad: int = 0  # entries that were kept out because they cannot be read
    doubled: int = 0  # entries that say what another one said, word for word
    examples: tuple[BadEntry, ...] = ()  # the first bad ones
