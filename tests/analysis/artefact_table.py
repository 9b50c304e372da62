"""What the artefact guard changes: outages found with and without it on small archives with one fault each.

``python -m tests.analysis.artefact_table`` prints the table of docs/design/0010-artefact-guard.md.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from duskwatch.records.report import Report
from tests.small_archive import Archive, replay

BALANCED = {"rrc91": 6, "rrc92": 5, "route-views.a": 4}
LOPSIDED = {"rrc91": 10, "rrc92": 2, "route-views.a": 2}
Faults = dict[str, object]


def _made(collectors: dict[str, int], change: Callable[[Archive], None]) -> Archive:
    made = Archive(collectors)
    made.talk()
    change(made)
    return made


def _lone(minutes: float) -> Archive:
    return _made(LOPSIDED, lambda made: made.lose(made.peers("rrc91"), 100, 100 + minutes))


def _lost(made: Archive, minute: float, back: float) -> None:
    made.lose(made.peers(), minute, back)


def _steps(minute: float, until: float, seconds: float) -> Faults:
    return {"clock": {name: [(minute, until, seconds)] for name in BALANCED}}


CASES: list[tuple[str, int, Archive, Faults]] = [
    ("10 of 14 voters, all of one collector, lose it for 3 min", 0, _lone(3), {}),
    ("the same for an hour", 0, _lone(60), {}),
    ("a loss of 1 min; clocks 20 min behind from 54 s after it on", 0,
     _made(BALANCED, lambda made: _lost(made, 100, 101)), _steps(100.9, 112, -1200)),
    ("the same, clocks 700 days behind", 0,
     _made(BALANCED, lambda made: _lost(made, 100, 101)), _steps(100.9, 112, -86400 * 700)),
    ("an outage half an hour after clocks were an hour ahead for 2 min", 1,
     _made(BALANCED, lambda made: _lost(made, 130, 170)), _steps(101, 103, 3600)),
    ("an outage that begins while clocks are an hour ahead", 1,
     _made(BALANCED, lambda made: _lost(made, 130, 170)), _steps(128, 133, 3600)),
    ("one collector of three restarts", 0,
     _made(BALANCED, lambda made: made.reset(made.peers("rrc91"), 100, 104)), {}),
    ("7 of 15 peers are lost for an hour", 0, _made(BALANCED, lambda made: made.reset(made.peers()[:7], 100, 160)), {}),
    ("an outage of all, kept up by a stuck route at one peer", 1,
     _made(BALANCED, lambda made: made.lose(made.peers()[1:], 100, 200)), {}),
    ("an outage of all", 1, _made(BALANCED, lambda made: _lost(made, 100, 160)), {}),
]  # fmt: skip


def _run(archive: Archive, faults: Faults, folder: Path) -> Report:
    mrt = archive.write(folder / "mrt", **faults)  # type: ignore[arg-type]
    try:
        return replay(archive, mrt, folder)
    finally:
        shutil.rmtree(mrt)


def main() -> None:
    """Print the table."""
    print("| archive | true outages | without | with the guard | recognised |\n|---|---|---|---|---|")
    for name, true, archive, faults in CASES:
        with TemporaryDirectory() as folder:
            report = _run(archive, faults, Path(folder))
            with (
                patch("duskwatch.signals.bgp.artefacts.guard.without_lone_losses", lambda votes, *_: (votes, ())),
                patch("duskwatch.signals.bgp.fold.hear", lambda heard, block, *_: (heard, block)),
            ):
                bare = _run(archive, faults, Path(folder))
        kinds = ", ".join(sorted({artefact.kind for artefact in report.coverage.artefacts})) or "-"
        told = [", ".join(_told(outage_report)) or "none" for outage_report in (bare, report)]
        print(f"| {name} | {true} | {told[0]} | {told[1]} | {kinds} |")


def _told(report: Report) -> list[str]:
    return [
        f"{outage.duration_us // 60_000_000} min" + ("" if outage.end is not None else ", not over")
        for outage in report.outages
    ]


if __name__ == "__main__":
    main()
