"""All scenarios by id, and those that a pattern names."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from itertools import chain
from pathlib import Path

from duskwatch.evaluation.scenarios import few, mixed, recorded, synthetic
from duskwatch.evaluation.scenarios.scenario import Entry

HELD_OUT = (13, 31, 71)  # numbers of the first of each set


@cache
def library() -> Mapping[str, Entry]:
    """Every scenario that needs no archives, by id."""
    out: dict[str, Entry] = {}
    for entry in chain(synthetic.entries(), few.entries(), mixed.entries(), recorded.entries()):
        if entry.id in out:
            raise ValueError(f"two scenarios are called {entry.id}")
        out[entry.id] = entry
    return out


def held_out() -> tuple[Entry, ...]:
    """Three more drawings of every synthetic set, for figures on what nobody tuned a detector on."""
    return tuple(
        entry
        for first in HELD_OUT
        for entry in chain(synthetic.entries(first), few.entries(first), mixed.entries(first))
    )


def select(entries: Iterable[Entry], patterns: Sequence[str]) -> tuple[Entry, ...]:
    """Entries whose id any of the patterns matches (as in a shell), in their order; all where there is no pattern."""
    return tuple(
        entry for entry in entries if not patterns or any(fnmatchcase(entry.id, pattern) for pattern in patterns)
    )


def present(entry: Entry, data: Path | None) -> bool:
    """Whether what the scenario is cut from is there."""
    return not entry.needs or (data is not None and (data / entry.needs).exists())
