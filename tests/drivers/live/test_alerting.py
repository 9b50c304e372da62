"""Alerts from recorded outages to receivers: each told once, none lost, whatever a receiver does."""

import asyncio
import json
import random
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from duskwatch.analysis.entity import analyze
from duskwatch.analysis.replay import BIN_US
from duskwatch.drivers.live.alerting import Alerts
from duskwatch.drivers.live.concluding import Recorder
from duskwatch.drivers.live.run import replay_run
from duskwatch.publication.alerts.channels import RefusedError, UndeliveredError, Webhook
from duskwatch.publication.alerts.channels.webhook import SIGNATURE, verified
from duskwatch.publication.alerts.rules import Rule
from duskwatch.records.coverage import Coverage
from duskwatch.records.entity import parse_entity
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, SECOND
from duskwatch.store import Store, outbox
from tests.small_archive import START_US, Archive, at, delegations

WINDOW = START_US, at(240)


@dataclass
class Receiver:
    """Takes alerts as a script says: None, or what it raises; ``after`` it has taken them where that is set."""

    name: str = "noc"
    script: list[Exception | None] = field(default_factory=list)
    after: bool = False
    took: list[str] = field(default_factory=list)

    async def send(self, alert: dict[str, object]) -> None:
        error = self.script.pop(0) if self.script else None
        if error is None or self.after:
            self.took.append(str(alert["id"]))
        if error is not None:
            raise error


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Report:
    """KP, lost from minute 95 to minute 140: peers lose it and get it back a minute apart from each other."""
    folder = tmp_path_factory.mktemp("archive")
    archive = Archive({"rrc91": 4, "rrc92": 3, "route-views.a": 3}, hours=4)
    archive.talk()
    archive.lose(archive.peers(), 95, 140, step_s=20)
    mrt, geo = archive.write(folder / "mrt"), [delegations(folder)]
    return analyze(parse_entity("KP"), *WINDOW, [mrt], geo=geo, threads=1, networks=False)


class Desk:
    """A store with outages in it, and what tells of them."""

    def __init__(self, folder: Path, *receivers: Receiver, rule: Rule | None = None) -> None:
        self.store = Store.open(folder / "store", create=True)
        self.recorder = Recorder(self.store, "bgp-live")
        self.now_us = 10**15
        names = tuple(each.name for each in receivers)
        rules = (rule or Rule(names),)
        self.alerts = Alerts(
            self.store, "bgp-live", rules, {each.name: each for each in receivers}, lambda: self.now_us
        )

    def judged(self, report: Report) -> list[str]:
        """Record and plan; the keys of all alerts so far."""
        assert self.recorder.record([report], WINDOW)
        assert self.alerts.plan([report], WINDOW)
        return [one.key.partition("/")[2] for one in reversed(outbox.stored_alerts(self.store.events()))]

    def deliver(self, name: str = "noc") -> float:
        return asyncio.run(self.alerts.deliver_waiting(name, random.Random(1)))


def test_an_outage_is_told_from_its_beginning_to_its_end(tmp_path, report):
    receiver = Receiver()
    desk = Desk(tmp_path, receiver)
    (outage,) = report.outages
    lasting = replace(outage, end=None, dark_until=None, duration_us=20 * MINUTE)
    early = replace(report, outages=(lasting,), history=replace(report.history, level=_until(report, at(115))))
    assert desk.judged(early) == ["opened", "dark"]
    assert desk.judged(early) == ["opened", "dark"], "the same again tells nothing"
    told = desk.judged(report)
    assert told == ["opened", "dark", "back-first", "back-50", "back-90", "closed"]
    desk.deliver()
    (uid,) = {each.partition("/")[0] for each in receiver.took}
    assert receiver.took == [f"{uid}/{stage}" for stage in told]
    desk.deliver()
    assert len(receiver.took) == 6
    closed = outbox.stored_alerts(desk.store.events(), outage=uid)[0].document
    assert closed["duration_seconds"] == outage.duration_us / SECOND
    assert closed["text"].startswith("North Korea (KP) is back since ")
    assert "after 45 min" in closed["text"]
    assert (closed["peers_lost"], closed["peers_asked"], closed["severity"]) == (10, 10, "critical")


def without_outages(report: Report) -> Report:
    return replace(report, outages=(), coverage=Coverage(), around=())


def _until(report: Report, until_us: int):
    level = report.history.level
    rows = level.time_us < until_us
    columns = {name: getattr(level, name)[rows] for name in level.__dataclass_fields__ if name != "until_us"}
    return replace(level, until_us=until_us, **columns)


def test_one_that_was_none_is_withdrawn(tmp_path, report):
    receiver = Receiver()
    desk = Desk(tmp_path, receiver)
    (outage,) = report.outages
    desk.judged(replace(report, outages=(replace(outage, end=None, dark_from=None, dark_until=None),)))
    assert desk.judged(without_outages(report))[-1] == "withdrawn"
    assert desk.judged(without_outages(report)).count("withdrawn") == 1
    desk.deliver()
    assert receiver.took[-1].endswith("/withdrawn")


def test_who_was_not_told_that_it_began_is_not_told_that_it_ended(tmp_path, report):
    receiver = Receiver()
    desk = Desk(tmp_path, receiver, rule=Rule(("noc",), longer_s=3600))
    assert desk.judged(report) == []
    assert desk.deliver() > 0
    assert receiver.took == []


def test_a_receiver_that_fails_half_way_gets_the_rest_and_nothing_twice(tmp_path, report):
    receiver = Receiver(script=[None, None, UndeliveredError("answer 503")])
    other = Receiver(name="other")
    desk = Desk(tmp_path, receiver, other)
    told = desk.judged(report)
    wait_s = desk.deliver()
    assert len(receiver.took) == 2
    assert 0.9 <= wait_s <= 2
    desk.deliver("other")
    assert len(other.took) == len(told), "a slow receiver holds no other up"
    assert desk.deliver() > 0
    assert len(receiver.took) == 2, "not before its time"
    desk.now_us += 10 * SECOND
    desk.deliver()
    assert [each.partition("/")[2] for each in receiver.took] == told
    states = {one.deliveries[0][1] for one in outbox.stored_alerts(desk.store.events())}
    assert states == {"sent"}


def test_a_receiver_that_takes_it_and_dies_gets_the_same_id_again(tmp_path, report):
    """At least once: that it was taken is not known. The id tells the receiver."""
    receiver = Receiver(script=[None, UndeliveredError("connection reset")], after=True)
    desk = Desk(tmp_path, receiver)
    told = desk.judged(report)
    desk.deliver()
    desk.now_us += 10 * SECOND
    desk.deliver()
    assert receiver.took[1] == receiver.took[2]
    assert list(dict.fromkeys(each.partition("/")[2] for each in receiver.took)) == told


def test_what_is_refused_is_not_tried_again_and_stays_in_the_list(tmp_path, report):
    receiver = Receiver(script=[RefusedError("answer 404")])
    desk = Desk(tmp_path, receiver)
    told = desk.judged(report)
    desk.deliver()
    assert len(receiver.took) == len(told) - 1
    first = outbox.stored_alerts(desk.store.events())[-1]
    assert first.deliveries == (("noc", "refused", 1, "answer 404"),)


def test_waiting_grows_to_a_limit(tmp_path, report):
    receiver = Receiver(script=[UndeliveredError("no")] * 30)
    desk = Desk(tmp_path, receiver)
    desk.judged(report)
    waits = []
    for _ in range(12):
        waits.append(desk.deliver())
        desk.now_us += 600 * SECOND
    assert waits[0] < 3 < waits[4]
    assert max(waits) <= 300


def test_a_database_that_is_away_loses_nothing(tmp_path, report):
    receiver = Receiver()
    desk = Desk(tmp_path, receiver)
    events = Path(desk.store.events())
    assert desk.recorder.record([report], WINDOW)
    away = events.rename(events.with_suffix(".away"))
    assert not desk.alerts.plan([report], WINDOW)
    assert not desk.recorder.record([report], WINDOW)
    assert desk.alerts.last_error
    away.rename(events)
    assert desk.judged(report)[0] == "opened"


class _Handler(BaseHTTPRequestHandler):
    answers: ClassVar[list[int]] = []
    bodies: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append((dict(self.headers), body))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_signed_webhook(tmp_path, report):
    _Handler.answers, _Handler.bodies = [200, 503], []
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        desk = Desk(tmp_path, Receiver())
        desk.alerts.channels = {"noc": Webhook("noc", f"http://127.0.0.1:{server.server_port}/hook", "a secret")}
        told = desk.judged(report)
        desk.deliver()
        desk.now_us += 10 * SECOND
        desk.deliver()
    finally:
        server.shutdown()
    assert len(_Handler.bodies) == len(told) + 1
    for headers, body in _Handler.bodies:
        at_s = int(headers[SIGNATURE].partition(",")[0][2:])
        assert verified("a secret", body, headers[SIGNATURE], at_s + 10)
        assert not verified("another", body, headers[SIGNATURE], at_s + 10)
        assert not verified("a secret", body + b" ", headers[SIGNATURE], at_s + 10)
        assert not verified("a secret", body, headers[SIGNATURE], at_s + 1000), "too old to be believed"
        assert headers["Idempotency-Key"] == json.loads(body)["id"]


def test_alerts_of_a_live_run(tmp_path):
    """Told while it happens, in order, by the run itself."""
    archive = Archive({"rrc91": 4, "rrc92": 3, "route-views.a": 3}, hours=4)
    archive.talk()
    archive.lose(archive.peers(), 95, 140, step_s=20)
    mrt, geo = archive.write(tmp_path / "mrt"), [delegations(tmp_path)]
    store = Store.open(tmp_path / "store", create=True)
    run, _ = replay_run([mrt], [parse_entity("KP")], store, geo=geo, bin_us=BIN_US)
    receiver = Receiver()
    run.alerts = Alerts(store, "bgp-live", (Rule(("noc",)),), {"noc": receiver}, lambda: 10**15)
    asyncio.run(run.run())
    stages = [each.partition("/")[2] for each in receiver.took]
    assert stages[0] == "opened"
    assert stages[-1] == "closed"
    assert {"dark", "back-first", "back-50"} <= set(stages)
    assert len(stages) == len(set(stages))
