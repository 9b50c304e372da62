"""Verdicts with what was measured beside them."""

from typing import Any, NamedTuple

from duskwatch.records.claim import Verdict


class Found(NamedTuple):
    """A verdict and its measured values."""

    verdict: Verdict
    measured: dict[str, Any]


def found(verdict: Verdict, **measured: Any) -> Found:
    """A verdict with values."""
    return Found(verdict, measured)


def not_measured(why: str, **measured: Any) -> Found:
    """Nothing to compare with, and why."""
    return Found("not measured", {"why": why, **measured})


def not_testable(why: str, **measured: Any) -> Found:
    """No measurement could tell, and why."""
    return Found("not testable", {"why": why, **measured})
