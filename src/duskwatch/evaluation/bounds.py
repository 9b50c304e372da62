"""Bounds on figures: what must hold, and what must not get worse."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from duskwatch.evaluation.run import OURS
from duskwatch.evaluation.scoring import Score, figures
from duskwatch.records.errors import InputError

TOLERANCES = "tolerances.toml"


class Tolerance(NamedTuple):
    """A bound on a figure of one detector over one group (or ``family:NAME``) of scenarios."""

    name: str
    over: str
    figure: str
    detector: str
    at_least: float | None
    at_most: float | None
    aim: float | None  # what must hold; where the bound is wider, it is not reached yet


class Checked(NamedTuple):
    """A bound beside what was measured; ``value`` None where there was nothing to measure it on."""

    tolerance: Tolerance
    value: float | None

    @property
    def holds(self) -> bool | None:
        """Whether the bound holds; None where it could not be measured."""
        return None if self.value is None else _within(self.value, self.tolerance.at_least, self.tolerance.at_most)

    @property
    def reached(self) -> bool | None:
        """Whether the aim is reached; None where there is none or it could not be measured."""
        aim = self.tolerance.aim
        if self.value is None or aim is None:
            return None
        return self.value >= aim if self.tolerance.at_most is None else self.value <= aim


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def tolerances(path: Path | None = None) -> tuple[Tolerance, ...]:
    """The bounds of a file, or those that come with the package. ValueError, naming the file, where it has none."""
    packaged = resources.files("duskwatch.evaluation.scenarios") / TOLERANCES
    try:
        text = packaged.read_text("utf-8") if path is None else path.read_text("utf-8")
        return tuple(_tolerance(row) for row in tomllib.loads(text)["bound"])
    except KeyError as error:
        raise InputError(f"{path or TOLERANCES}: not a file of bounds: no {error}") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path or TOLERANCES}: not a file of bounds: {error}") from None


def _tolerance(row: Mapping[str, Any]) -> Tolerance:
    unknown = sorted(set(row) - set(Tolerance._fields))
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r}")
    name, over, figure = (str(row[key]) for key in ("name", "over", "figure"))
    if ("at_least" in row) == ("at_most" in row):
        raise InputError(f"{name!r} needs at_least or at_most, not both")
    if figure not in figures(Score()):
        raise InputError(f"{name!r}: no figure is called {figure!r}")
    least, most, aim = (None if row.get(key) is None else float(row[key]) for key in ("at_least", "at_most", "aim"))
    return Tolerance(name, over, figure, str(row.get("detector", OURS)), least, most, aim)


def check(scores: Mapping[str, Mapping[str, Score]], bounds: Iterable[Tolerance]) -> tuple[Checked, ...]:
    """Each bound beside its figure; ``scores`` by group, then detector."""
    return tuple(Checked(bound, _figure(scores.get(bound.over, {}).get(bound.detector), bound)) for bound in bounds)


def _figure(scored: Score | None, bound: Tolerance) -> float | None:
    return None if scored is None else figures(scored)[bound.figure]
