"""Who saw an outage: the observers, counted once and named in one way wherever they stand.

An observer is a full-feed peer that votes: a router that knows nearly all routes and shows them to a collector.
"""

from typing import NamedTuple

from duskwatch.publication.facts import end_us, main_outage
from duskwatch.publication.levels import least_between, value_at
from duskwatch.publication.times_text import count, number_text
from duskwatch.publication.watching import voters_spread
from duskwatch.records.coverage import Witnesses
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report

WHAT = "routers that know nearly all routes of the Internet and show them to a collector"
WHAT_ONE = "a router that knows nearly all routes of the Internet and shows them to a collector"


class Observers(NamedTuple):
    """Observers of one outage. Those that were watching are lost + kept + left + silent."""

    watching: int  # when it began
    lost: int  # lost at least half of the networks in question that they had held
    kept: int  # held on to more than half of them
    left: int  # went away (session, silence, missing file) before they had said so
    silent: int  # were there, and had not said whether they held any
    collectors: int  # at which they saw it
    counted: bool  # False: only how many were watching is known

    @property
    def held(self) -> int:
        """Those that were known to hold a route, and stayed."""
        return self.lost + self.kept


def witnesses_of(report: Report, number: int) -> Witnesses | None:
    """Who saw the outage of that number; None where it was not worked out."""
    all_witnesses = report.coverage.witnesses
    return all_witnesses[number] if len(all_witnesses) == len(report.outages) else None


def observers(report: Report, outage: Outage) -> Observers:
    """The observers of one outage of the report."""
    number = next(i for i, other in enumerate(report.outages) if other is outage)
    witnesses = witnesses_of(report, number)
    if witnesses is None:
        level = report.history.level
        there = value_at(level, level.voters, outage.onset.best_us)
        if not there > 0:
            there = least_between(level, level.voters, outage.onset.best_us, end_us(outage, report))
        return Observers(int(there) if there > 0 else 0, 0, 0, 0, 0, len(report.collectors), False)
    return counted(witnesses)


def counted(witnesses: Witnesses) -> Observers:
    """The same of one outage's witnesses."""
    kept = sum(view.kept for view in witnesses.collectors)
    left = sum(view.left for view in witnesses.collectors)
    spoke = witnesses.lost + kept + left
    at = sum(view.lost > 0 for view in witnesses.collectors)
    watching = max(witnesses.voters_before, spoke)
    return Observers(watching, witnesses.lost, kept, left, watching - spoke, at, True)


def main_observers(report: Report) -> Observers | None:
    """Those of the main outage; None where there is no outage."""
    main = main_outage(report)
    return None if main is None else observers(report, main)


def saw_text(seen: Observers) -> str:
    """``25 of 25 observers that held a route lost it, at one collector``; how many of all said nothing follows."""
    if not seen.held and seen.left:
        which = {1: "the one observer", 2: "both observers"}.get(seen.left, f"all {seen.left:,} observers")
        return f"{which} that held a route stopped watching as it began; no other is known to have held one"
    if not seen.held:
        return "no observer is known to have held a route"
    text = f"{seen.lost:,} of {count_observers(seen.held)} that held a route lost it"
    text += f", at {count(seen.collectors, 'collector', 'collectors')}" if seen.lost else ""
    rest = []
    if seen.silent:
        rest.append(f"{seen.silent:,} more had not said whether they held a route")
    if seen.left:
        rest.append(f"{seen.left:,} more stopped watching")
    return text + (f" ({'; '.join(rest)})" if rest else "")


def saw_sentence(seen: Observers) -> str:
    """``All 25 that held a route lost it; the other 12 had not said whether they held one.``"""
    if not seen.held and seen.left:
        which = {1: "The only one", 2: "Both"}.get(seen.left, f"All {seen.left:,}")
        return (
            f"{which} that held a route stopped watching as it began: sessions ended, or nothing more was recorded. "
            "None of them said that the route was gone, and no other is known to have held one."
        )
    if not seen.held:
        return "None of them is known to have held a route."
    held = f"{seen.held:,}"
    if seen.lost == seen.held:
        all_ = {1: "The only one", 2: "Both"}.get(seen.held, f"All {held}")
        text = f"{all_} that held a route lost it"
    else:
        text = f"Of the {held} that held a route, {seen.lost:,} lost it and {seen.kept:,} kept it"
    more = []
    if seen.silent:
        verb = "has" if seen.silent == 1 else "had"
        more.append(f"{seen.silent:,} {verb} not said whether {'it' if seen.silent == 1 else 'they'} held one")
    if seen.left:
        more.append(f"{seen.left:,} stopped watching before saying so")
    return text + (f"; {' and '.join(more)}." if more else ".")


def count_observers(number: int) -> str:
    """``one observer``, ``25 observers``."""
    return f"{number_text(number) if number == 1 else f'{number:,}'} observer{'' if number == 1 else 's'}"


def over_window(report: Report) -> str:
    """``11 to 17 over the window, 17 for most of it``, of the whole window and never of an outage."""
    spread = voters_spread(report)
    if spread.least == spread.most:
        return f"{spread.median:,} all the time"
    return f"{spread.least:,} to {spread.most:,} over the window, {spread.median:,} in the middle"
