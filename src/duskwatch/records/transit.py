"""Through whom an outage's prefixes were reached: before, how that changed to the second, and after."""

from dataclasses import dataclass
from typing import Literal

from duskwatch.records.signals import Carrier

TurnKind = Literal["moved", "lost", "back", "voters", "rose", "fell"]
"""Prefixes went from one way to another (moved), ceased to be visible by one (lost; voters: only because voters left),
or are visible again by one (back). A way came to carry a quarter of the routes (rose), or next to none (fell)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One change of the ways by which prefixes are reached. A way is named by the AS just outside of the entity."""

    kind: TurnKind
    from_us: int  # the first prefix; of a share, until when it was as before
    until_us: int  # the last prefix; of a share, when it was as told
    before: int  # AS; 0: none, or of which nobody knows
    after: int
    beyond: int  # the AS ahead of it on nearly all routes; 0: none is
    prefixes: int  # 0 of a share
    slash24: int  # of these prefixes, each once
    share: float = float("nan")  # of the routes that voting sessions hold; NaN of prefixes


@dataclass(frozen=True, slots=True)
class Entry:
    """One AS just outside, and how much of what was lost is entered through it."""

    outside: int  # 0: an AS_SET, of which nobody knows
    share: float  # mean over peer ASes, 0..1


@dataclass(frozen=True, slots=True)
class Dependence:
    """AS hegemony of one AS over what was lost: 0..1, NaN where nobody reached any of it."""

    asn: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """When one session let go of what was lost in the largest loss."""

    session: str  # collector, AS, address
    turned_us: int | None  # it left the path that it had; None: it went straight
    first_us: int
    last_us: int
    prefixes: int
    path: str  # that it had
    last_path: str  # the last one that it tried


@dataclass(frozen=True, slots=True)
class OutageTransit:
    """All of this is of the prefixes that were lost in one outage, by whole paths of full-feed sessions."""

    from_us: int  # what was looked at
    until_us: int
    before_us: int  # a second before the onset may have been
    after_us: int | None  # when it ended; None while it lasts
    prefixes: int
    slash24: int
    entries_before: tuple[Entry, ...]  # the largest first
    entries_after: tuple[Entry, ...]
    hegemony: tuple[Dependence, ...]  # the largest before first
    failures: tuple[Carrier, ...]  # what it hung on before
    turns: tuple[Turn, ...]  # in order of time
    left_out: int  # further turns
    withdrawals: tuple[Withdrawal, ...]  # the first to let go first
    let_go: int  # sessions that did, those left out too

    @property
    def ases(self) -> frozenset[int]:
        """Every AS that is named by its number."""
        numbers = {one.outside for one in (*self.entries_before, *self.entries_after)}
        numbers |= {one.asn for one in self.hegemony} | {one.asn for one in self.failures}
        numbers |= {asn for turn in self.turns for asn in (turn.before, turn.after, turn.beyond)}
        return frozenset(numbers - {0})

    @property
    def moved(self) -> bool | None:
        """Whether another AS was the main way in afterwards; None where one of both is not known."""
        if not self.entries_before or not self.entries_after:
            return None
        before, after = self.entries_before[0].outside, self.entries_after[0].outside
        return before != after if before and after else None


# What an OutageTransit holds in tuples, for whoever keeps it and reads it again.
LISTS: dict[str, type] = {
    "entries_before": Entry,
    "entries_after": Entry,
    "hegemony": Dependence,
    "failures": Carrier,
    "turns": Turn,
    "withdrawals": Withdrawal,
}
KINDS: tuple[type, ...] = (OutageTransit, *dict.fromkeys(LISTS.values()))
