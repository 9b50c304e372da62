"""What the tests of the artefact guard ask of a report."""

from duskwatch.records.coverage import Artefact, Witnesses
from duskwatch.records.outages import When
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND
from tests.small_archive import Archive, at

BALANCED = {"rrc91": 6, "rrc92": 5, "route-views.a": 4}
LOPSIDED = {"rrc91": 10, "rrc92": 2, "route-views.a": 2}


def archive(collectors: dict[str, int] = BALANCED, **more: float) -> Archive:
    made = Archive(collectors, **more)
    made.talk()
    return made


def kinds(report: Report) -> list[str]:
    return [artefact.kind for artefact in report.coverage.artefacts]


def the(report: Report, kind: str) -> Artefact:
    (only,) = [artefact for artefact in report.coverage.artefacts if artefact.kind == kind]
    return only


def reasons(report: Report) -> set[str]:
    return {gap.reason for gap in report.history.gaps}


def near(when: When | None, minute: float, seconds: float = 30) -> bool:
    """The true moment lies in the interval, give or take, and near the best estimate."""
    slack = seconds * SECOND
    return (
        when is not None
        and when.earliest_us - slack <= at(minute) <= when.latest_us + slack
        and abs(when.best_us - at(minute)) <= slack
    )


def the_outage(report: Report, minute: float, back: float, seconds: float = 30) -> Witnesses:
    """The report has one outage and it is this one, a total loss; who witnessed it."""
    (outage,) = report.outages
    assert near(outage.onset, minute, seconds)
    assert near(outage.end, back, seconds)
    assert outage.depth == 1.0
    (witnesses,) = report.coverage.witnesses
    assert witnesses is not None
    return witnesses


def by_collector(witnesses: Witnesses) -> dict[str, tuple[int, int, int]]:
    """lost, held on, went away."""
    return {view.collector: (view.lost, view.kept, view.left) for view in witnesses.collectors}


# What every other test is measured against.
