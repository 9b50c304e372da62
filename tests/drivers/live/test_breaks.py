"""After a long break of a feed that sends no tables nothing is taken to stand: an outage in the break is not hidden."""

import asyncio

import pytest

from duskwatch.analysis.rolling import watched_lots
from duskwatch.drivers.live.breaks import TRUST_US, Breaks
from duskwatch.drivers.live.source import LiveMessage, Reached, Said
from duskwatch.drivers.live.supervise import Supervised
from duskwatch.drivers.live.watch import Watch, begin_watch
from duskwatch.records.entity import parse_entity
from duskwatch.records.messages import Silence
from duskwatch.records.report import Report
from duskwatch.records.times import HOUR, MINUTE, SECOND, to_datetime
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_table import FeedTable, PeerHead
from duskwatch.sources.reference.geo import load_geo
from tests.drivers.live.test_supervise import Scripted
from tests.small_archive import OTHERS, OWN, START_US, at, delegations
from tests.sources.bgp.formats.bmp_make import Route, announce, withdraw

PEERS = 8


class Feed:
    """A collector that says what changes, straight into a watch."""

    def __init__(self, folder, changes_only: bool = True) -> None:
        ranges = load_geo([delegations(folder)], to_datetime(START_US).date())
        self.reports: dict[str, Report] = {}
        self.watch: Watch = begin_watch(
            watched_lots([parse_entity("KP")], ranges),
            START_US,
            lambda reports, window: self.reports.update({one.entity.code: one for one in reports}),
            lambda: at(1000),
        )
        source = Scripted("ris", [])
        source.changes_only = changes_only
        self.source = Supervised(source)
        self.watch.sources.append(self.source)
        self.watch.inline = True
        self.table = FeedTable("rrc00")

    def take(self, message: LiveMessage) -> None:
        self.source.reached_us = getattr(message, "until_us", self.source.reached_us)
        self.source.collectors.add("rrc00")
        asyncio.run(self.watch.take(self.source, message))

    def say(self, minute: float, body: bytes) -> None:
        for peer in range(PEERS):
            head = PeerHead(64500 + peer, bytes([192, 0, 2, peer + 1]))
            self.table.add(at(minute) + peer * SECOND, 4, head.wide, body, 0)
        for block in self.table.blocks(FeedCounts()):
            self.take(Said("rrc00", block.message))

    def announce(self, minute: float, prefixes, variant: int = 0) -> None:
        origin = 131279 if prefixes[0] in OWN else 64800
        self.say(minute, announce(Route((64500, 64600 + variant, 4837, origin), "192.0.2.1"), list(prefixes)))

    def talk(self, start: int, stop: int) -> None:
        """Every minute something about the background."""
        for minute in range(start, stop):
            self.announce(minute, [OTHERS[minute % 60]], minute % 2)
            self.take(Reached(at(minute)))

    def silent(self, start: int, stop: int) -> None:
        for minute in range(start, stop):
            self.take(Said("rrc00", Silence(at(minute), at(minute + 1), "no connection")))
            self.take(Reached(at(minute + 1)))

    def judged(self) -> Report:
        asyncio.run(self.watch.judge())
        return self.reports["KP"]


@pytest.fixture
def feed(tmp_path) -> Feed:
    """Five hours in which all is there."""
    made = Feed(tmp_path)
    made.announce(0, OTHERS)
    made.announce(0.5, OWN)
    made.talk(1, 300)
    return made


def judged_at(report: Report, minute: float) -> bool:
    return any(span.judged and span.from_us <= at(minute) < span.until_us for span in report.judged)


def test_after_a_long_break_what_is_not_said_is_not_judged(feed):
    """KP may have gone in the break. Nobody says so, and nobody says that it is there."""
    feed.silent(300, 320)
    feed.talk(320, 400)
    report = feed.judged()
    assert report.outages == ()
    assert judged_at(report, 290)
    assert not judged_at(report, 310)
    assert not judged_at(report, 390), "no all-clear of what nobody speaks of"
    assert sorted(feed.watch.lots[0].collectors) == ["rrc00", "rrc00~2"]


def test_what_is_said_again_is_judged_again(feed):
    feed.silent(300, 320)
    feed.announce(321, OWN, 1)
    feed.talk(322, 600)
    report = feed.judged()
    assert report.outages == ()
    assert judged_at(report, 590)
    feed.say(600, withdraw(list(OWN)))
    feed.talk(601, 630)
    (outage,) = feed.judged().outages
    assert abs(outage.onset.best_us - at(600)) < MINUTE


def test_a_short_break_changes_nothing(feed):
    feed.silent(300, 304)
    feed.talk(304, 330)
    report = feed.judged()
    assert sorted(feed.watch.lots[0].collectors) == ["rrc00"]
    assert judged_at(report, 320)


def test_who_tells_what_stands_goes_on(tmp_path):
    feed = Feed(tmp_path, changes_only=False)
    feed.announce(0, OTHERS)
    feed.announce(0.5, OWN)
    feed.talk(1, 120)
    feed.silent(120, 140)
    feed.talk(140, 150)
    assert sorted(feed.watch.lots[0].collectors) == ["rrc00"]


def test_pieces_of_a_silence_are_one_and_names_count_up():
    breaks = Breaks()
    for k in range(7):
        breaks.silence("rrc00", Silence(k * MINUTE, (k + 1) * MINUTE, "x"))
    assert breaks.heard("rrc00")
    assert not breaks.heard("rrc00")
    breaks.silence("rrc00", Silence(HOUR, HOUR + TRUST_US, "x"))
    assert not breaks.heard("rrc00")
    breaks.silence("rrc00", Silence(2 * HOUR, 2 * HOUR + TRUST_US + 1, "x"))
    assert breaks.heard("rrc00")
    assert breaks.name_of("rrc00") == "rrc00~3"
    assert sorted(breaks.silent) == ["rrc00", "rrc00~2"]
