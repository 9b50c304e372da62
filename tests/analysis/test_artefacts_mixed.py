"""Faults of the recording in any mixture, seeded: never an outage, and a true one among them is found."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from duskwatch.records.report import Report
from tests.small_archive import OWN, START_US, Archive, analyze, at

HOURS = 6
BALANCED = {"rrc91": 6, "rrc92": 5, "route-views.a": 4}
LOPSIDED = {"rrc91": 10, "rrc92": 2, "route-views.a": 2}


@dataclass
class Mixture:
    """An archive with some faults in it. ``dark`` is the true outage, in minutes."""

    archive: Archive
    rng: random.Random
    dark: tuple[float, float] | None = None
    clock: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    missing: dict[str, tuple[float, float]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def without(self, minute: float) -> tuple:
        """What a table that is sent at a time lacks."""
        return OWN if self.dark and self.dark[0] <= minute <= self.dark[1] else ()

    def apart(self, start: float, end: float) -> bool:
        """Whether a stretch is well away from the true outage."""
        return self.dark is None or end + 20 < self.dark[0] or start - 20 > self.dark[1]

    def add(self, kind: str) -> None:
        """Put a fault somewhere."""
        start = self.rng.uniform(40, 280)
        end = start + self.rng.uniform(1, 60)
        names = list(self.archive.collectors)
        name = self.rng.choice(names)
        if kind not in ("restart", "half", "clock") and not self.apart(start, end):
            return
        if kind == "restart":
            self.archive.reset(self.archive.peers(name), start, end, without=self.without(end))
        elif kind == "restart of all":
            self.archive.reset(self.archive.peers(), start, min(end, start + 5))
        elif kind == "half":
            peers = self.archive.peers()
            self.rng.shuffle(peers)
            self.archive.reset(peers[: len(peers) // 2], start, end, without=self.without(end))
        elif kind == "lone":
            self.archive.lose(self.archive.peers(names[0]), start, end)
        elif kind == "transfer":
            for peer in self.archive.peers(name):
                self.archive.send_table(peer, start)
        elif kind == "clock":
            step = self.rng.choice([3600, -3600, 1200, -1200, 10**7, -(10**8)])
            self.clock[name] = [(start, start + self.rng.uniform(0.5, 20), step)]
        elif kind == "silence":
            self.archive.silence(self.archive.peers(), start, end)
        elif kind == "missing":
            self.missing = dict.fromkeys(names, (start // 5 * 5, end // 5 * 5))
        elif kind == "flap":
            self.archive.lose(self.archive.peers(), start, start + 1.2)
        self.told.append(f"{kind} {start:.1f} to {end:.1f} {name}")

    def report(self, folder: Path) -> Report:
        """Replay it."""
        return analyze(self.archive, folder, clock=self.clock, missing=self.missing)


def mixture(seed: int, collectors: dict[str, int], kinds: tuple[str, ...], dark: bool) -> Mixture:
    rng = random.Random(seed)
    made = Mixture(Archive(collectors, hours=HOURS, talk_s=rng.choice((60, 120))), rng)
    made.archive.talk()
    if dark:
        start = rng.uniform(60, 250)
        made.dark = (start, start + rng.uniform(10, 80))
        made.archive.lose(made.archive.peers(), *made.dark)
    for _ in range(rng.choice((1, 2, 3))):
        made.add(rng.choice(kinds))
    return made


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("collectors", [BALANCED, LOPSIDED], ids=["balanced", "lopsided"])
def test_no_mixture_of_faults_is_an_outage(tmp_path, seed, collectors):
    kinds = ("restart", "restart of all", "half", "lone", "transfer", "clock", "silence", "missing", "flap")
    made = mixture(seed, collectors, kinds, dark=False)
    report = made.report(tmp_path)
    assert report.outages == (), made.told


@pytest.mark.parametrize("seed", range(15))
def test_a_true_outage_is_found_among_faults(tmp_path, seed):
    """Restarts of a collector, half of the peers lost and wrong clocks also while it begins, lasts or ends."""
    made = mixture(
        1000 + seed, BALANCED, ("restart", "half", "transfer", "clock", "lone", "flap", "missing"), dark=True
    )
    report = made.report(tmp_path)
    assert len(report.outages) == 1, made.told
    assert made.dark is not None
    onset = report.outages[0].onset
    assert abs(onset.best_us - at(made.dark[0])) < 2 * 60 * 10**6, (made.told, (onset.best_us - START_US) / 6e7)
    (witnesses,) = report.coverage.witnesses
    assert witnesses is not None
    assert witnesses.lost >= 3
    assert witnesses.verdict != "cannot be ruled out", made.told
