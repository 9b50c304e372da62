"""Channels that write files or speak to Alertmanager: what they make of alerts."""

import asyncio
import json

import pytest
from lxml import etree

from duskwatch.publication.alerts.alert import test_document as of_test
from duskwatch.publication.alerts.channels import AtomFile, Lines, UndeliveredError
from duskwatch.publication.alerts.channels.alertmanager import posted
from duskwatch.publication.alerts.channels.atom import ATOM, MOST_ENTRIES
from duskwatch.publication.alerts.rules import Rule, RuleError, channels_of

NOW_US = 1_419_264_900_000_000


def alert(uid: str = "KP-1", stage: str = "opened", **more: object) -> dict[str, object]:
    document = of_test("noc", NOW_US) | {"outage": uid, "stage": stage, "id": f"{uid}/{stage}", "text": f"told {stage}"}
    return document | {"state": "open", "end": None, "severity": "critical"} | more


def send(channel: object, *alerts: dict[str, object]) -> None:
    for each in alerts:
        asyncio.run(channel.send(each))  # type: ignore[attr-defined]


def test_a_feed_has_one_entry_for_an_outage_the_newest_first(tmp_path):
    feed = AtomFile("feed", tmp_path / "outages.xml")
    send(feed, alert("KP-1"), alert("SY-1"), alert("KP-1", "closed", text="back <b>\x1b[2J"))
    root = etree.fromstring((tmp_path / "outages.xml").read_bytes())
    entries = root.findall(f"{{{ATOM}}}entry")
    assert [each.findtext(f"{{{ATOM}}}id") for each in entries] == [
        "urn:duskwatch:outage:KP-1", "urn:duskwatch:outage:SY-1",
    ]  # fmt: skip
    assert "\x1b" not in entries[0].findtext(f"{{{ATOM}}}summary")
    for name in ("id", "title", "updated"):  # RFC 4287 section 4.1.1
        assert len(root.findall(f"{{{ATOM}}}{name}")) == 1
        assert all(len(each.findall(f"{{{ATOM}}}{name}")) == 1 for each in entries)
    send(feed, *(alert(f"KP-{number}") for number in range(MOST_ENTRIES + 5)))
    assert len(etree.fromstring((tmp_path / "outages.xml").read_bytes()).findall(f"{{{ATOM}}}entry")) == MOST_ENTRIES


def test_a_file_that_is_no_feed_is_left_alone(tmp_path):
    path = tmp_path / "outages.xml"
    for content in (b"<html/>", b"no XML", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"):
        path.write_bytes(content)
        with pytest.raises(UndeliveredError):
            send(AtomFile("feed", path), alert())
        assert path.read_bytes() == content


def test_lines(tmp_path, capsys):
    send(Lines("file", "jsonl", tmp_path / "alerts"), alert(), alert(stage="closed"))
    assert [json.loads(line)["stage"] for line in (tmp_path / "alerts").read_text().splitlines()] == [
        "opened",
        "closed",
    ]
    send(Lines("out"), alert(text="a\x1b[31m b"))
    assert capsys.readouterr().out == "2014-12-22T16:15:00Z  critical  opened      a\ufffd[31m b\n"
    with pytest.raises(UndeliveredError):
        send(Lines("file", "text", tmp_path), alert())


def test_alertmanager_sees_one_alert_that_is_resolved():
    opened, closed = (
        posted(alert(), {"team": "noc"}),
        posted(alert(stage="closed", state="ended", end="2014-12-23T01:46:00Z"), {"team": "noc"}),
    )
    assert opened["labels"] == closed["labels"], "labels tell alerts apart: they never change"
    assert opened["labels"]["team"] == "noc"
    assert "endsAt" not in opened
    assert closed["endsAt"] == "2014-12-23T01:46:00Z"
    assert all(isinstance(each, str) for part in ("labels", "annotations") for each in opened[part].values())
    withdrawn = posted(alert(stage="withdrawn", state="withdrawn"), {})
    assert withdrawn["endsAt"], "one that was none is resolved too"


def test_rules_choose_by_entity_stage_severity_length_and_confidence():
    said = alert(duration_seconds=600.0, confidence=0.5)
    assert channels_of([Rule(("a",))], said, 1) == (("a", 1),)
    for refusing in (
        Rule(("a",), entities=frozenset({"SY"})), Rule(("a",), stages=frozenset({"dark"})), Rule(("a",), longer_s=601),
        Rule(("a",), confidence=0.6),
    ):  # fmt: skip
        assert channels_of([refusing], said, 1) == ()
    assert channels_of([Rule(("a",), severity="critical")], said | {"severity": "major"}, 1) == ()
    closed = said | {"stage": "closed"}
    assert channels_of([Rule(("a",), stages=frozenset({"dark"}), longer_s=601)], closed, 1), "an end is always told"
    assert channels_of([Rule(("a", "b")), Rule(("b", "c"))], said, 1) == (("a", 1), ("b", 1), ("c", 1))
    for wrong in ({"stages": frozenset({"x"})}, {"severity": "x"}, {"confidence": 2.0}, {"longer_s": -1.0}):
        with pytest.raises(RuleError):
            Rule(("a",), **wrong)  # type: ignore[arg-type]
