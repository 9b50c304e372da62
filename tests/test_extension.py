"""A made-up source, signal, detector and hypothesis go all the way, a store too, and nothing in `src` knows of them.

What is registered here is what docs/how-to/extend.md tells a reader to write. If this test needs a change in `src`
beyond a registry, a seam is wrong.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from duskwatch.analysis.beside import with_signals
from duskwatch.analysis.causes import explained
from duskwatch.analysis.entity import report_on
from duskwatch.analysis.replay import Window, join_replays, replay_messages
from duskwatch.detection import DETECTORS, DetectionConfig, Detector, detect_series
from duskwatch.detection.conclusions import fuse_conclusions
from duskwatch.detection.view import BinnedView, View
from duskwatch.explanation.feature import Feature
from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypotheses import HYPOTHESES
from duskwatch.explanation.hypothesis import Hypothesis
from duskwatch.explanation.weights import Weight, Weights, shipped_weights
from duskwatch.publication.documents.outages import outage_row
from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import to_json
from duskwatch.records.elems import PeerTable
from duskwatch.records.entity import Entity
from duskwatch.records.evidence import Fact, Facts
from duskwatch.records.findings import Finding
from duskwatch.records.messages import DumpBegin, DumpEnd, InputDone, Message, Silence
from duskwatch.records.outages import Alarm
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import SignalBlock, SignalSpec
from duskwatch.records.times import HOUR, MINUTE
from duskwatch.signals.bgp.extents import WatchSpace
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.store import Store, blocks_frame, change_frames, days_of, level_frames, signal_frames
from tests.small_archive import OWN, START_US, Archive, at

KP = Entity("prefix", "175.45.176.0/22")
WINDOW = Window(START_US, at(8 * 60))
LOST, BACK = 120, 300  # minutes

# A source: an iterator of messages. This one tells what a carrier pigeon brought, letter by letter.


def pigeons(archive: Archive, collector: str) -> Iterator[Message]:
    """Every message of a collector, in letters of its own; one letter was lost."""
    peers = PeerTable()
    dump = MrtReader(iter([archive.dump(collector, START_US // 1_000_000)]), peers)
    yield DumpBegin("letter 1", START_US)
    yield from dump.routes()
    yield DumpEnd(complete=True)
    yield InputDone(InputFile("letter 1", "0" * 64, "pigeon", dump.first_us, dump.last_us, dump.records))
    yield Silence(at(400), at(402), "a letter was lost")
    said = sorted((second, peer, word) for peer in archive.peers(collector) for second, word in archive.said[peer])
    words = b"".join(archive.record(peer, START_US // 1_000_000 + int(second), word) for second, peer, word in said)
    letters = MrtReader(iter([words]), peers)
    yield from letters
    yield InputDone(InputFile("letter 2", "1" * 64, "pigeon", letters.first_us, letters.last_us, letters.records))


# A signal: a spec, declared by whoever measures.

LIGHTS = SignalSpec("lights.lit", "lights", "reach", "lamps", "mean", less_is_loss=True)


def lights(seed: int = 1) -> SignalBlock:
    """Lamps seen from space every ten minutes for four days before, and in the window; none are lit in the outage."""
    width, bins = 10 * MINUTE, 4 * 144 + 48
    start = WINDOW.until_us - bins * width
    values = np.random.default_rng(seed).normal(1000, 10, bins).round()
    times = start + width * np.arange(bins)
    values[(times >= at(LOST)) & (times < at(BACK))] = 0
    return SignalBlock((LIGHTS,), start, width, values[np.newaxis], np.ones((1, bins)))


# A detector: one class.


@dataclass(frozen=True, slots=True)
class Blackout(Detector):
    """Calls every bin in which not one lamp is lit."""

    name: str = "blackout"

    def detect(self, view: View) -> list[Alarm]:
        """An alarm for each stretch of zeros of a signal of lamps."""
        if not isinstance(view, BinnedView) or view.spec.unit != "lamps":
            return []
        dark = np.concatenate([[False], np.nan_to_num(view.values, nan=1.0) == 0, [False]]).astype(np.int8)
        edges = np.flatnonzero(np.diff(dark)).reshape(-1, 2)
        return [
            Alarm(
                view.spec.name, self.name, view.time_us(int(a)), view.time_us(int(a) + 1), view.time_us(int(b)),
                float(view.judged.expected[a]), 0.0, 1.0, 1.0,
            )
            for a, b in edges
        ]  # fmt: skip


# A hypothesis with a feature of its own, and their row in the weights.

ECLIPSE = Hypothesis("eclipse", "Eclipse", "All lamps go out, the sun too.", ("moon",))
MOON = Feature(
    "moon", "Was the moon in the way?", "sky", ("sky.moon",), ("in-the-way", "not"),
    lambda facts: None if not facts.knows("sky.moon") else "in-the-way" if facts.number("sky.moon") > 0 else "not",
    "An eclipse needs the moon.", "It does not show what people did meanwhile.",
)  # fmt: skip
WEIGHTS = Weights(
    {("moon", "in-the-way", "eclipse"): Weight(2.0), ("moon", "not", "eclipse"): Weight(-2.0)},
    {"eclipse": Weight(-4.0)},
)


# What a store keeps, each source beside the other.


def kept(folder: Path, routes: Report) -> tuple[Store, Report, SignalBlock]:
    """Routes and lamps, each recorded by a source of its own, and read back from the store."""
    store = Store.open(folder, create=True)
    (day,) = days_of(WINDOW.from_us, WINDOW.until_us)
    told = [(KP, routes.history)]
    with store.write_day(day, source="pigeons") as writer:
        writer.recorded(WINDOW.from_us, WINDOW.until_us)
        writer.inputs(routes.inputs)
        writer.gaps(routes.history.gaps)
        writer.changes(change_frames(told, day))
        writer.levels(level_frames(told, day))
        writer.signals(signal_frames(told, day))
    measured = lights()
    for day in days_of(measured.start_us, WINDOW.until_us):
        store.write_signals(day, blocks_frame([(KP, measured)], day), source="lights")
    history = store.history(KP, WINDOW.from_us, WINDOW.until_us, source="pigeons")
    lamps = store.history(KP, measured.start_us, WINDOW.until_us, source="lights").signals
    return store, replace(routes, history=replace(history, series=(), transit=routes.history.transit)), lamps


def conclude(store: Store, lamps: SignalBlock) -> None:
    """The outages that the lamps tell by themselves, recorded beside those of other sources."""
    outages = detect_series(lamps, DetectionConfig(detectors=(*DETECTORS, Blackout())))
    window = lamps.start_us, WINDOW.until_us
    found = [Finding(KP, outages)]
    store.record_outages(
        window, found, source="lights", detector="blackout/1", why="lamps of a week", fuse=fuse_conclusions
    )


@pytest.fixture(scope="module")
def archive() -> Archive:
    made = Archive({"pigeons-north": 4, "pigeons-south": 4}, hours=8)
    made.talk()
    made.lose(made.peers(), LOST, BACK)
    return made


@pytest.fixture(scope="module")
def routes(archive: Archive) -> Report:
    """From messages of the made-up source to a report."""
    watch = WatchSpace((Prefix.parse(KP.code),), (), None)
    replay = join_replays([replay_messages(name, pigeons(archive, name), WINDOW, watch) for name in archive.collectors])
    return report_on(KP, replay, merge_votes(list(replay.parts), WINDOW.from_us, WINDOW.until_us), None)


@pytest.fixture(scope="module")
def stored(routes: Report, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Report, SignalBlock]:
    """What a store gives back of it."""
    return kept(tmp_path_factory.mktemp("extension") / "store", routes)


@pytest.fixture(scope="module")
def report(stored: tuple[Store, Report, SignalBlock]) -> Report:
    """The report from the store, with the made-up signal, detector and hypothesis in it."""
    _, of_routes, lamps = stored
    return with_lamps(of_routes, lamps)


def with_lamps(routes: Report, lamps: SignalBlock) -> Report:
    """The report on routes, with what the lamps tell."""
    both = with_signals(routes, [lamps], config=DetectionConfig(detectors=(*DETECTORS, Blackout())))
    return explained(
        both,
        [Fact("sky.moon", 1.0, "", "almanac")],
        features=(*FEATURES, MOON),
        hypotheses=(*HYPOTHESES, ECLIPSE),
        weights=shipped_weights().merged(WEIGHTS),
    )


def test_a_store_gives_back_what_it_was_given(routes: Report, stored: tuple[Store, Report, SignalBlock]) -> None:
    store, of_routes, lamps = stored
    assert store.sources() == ["lights", "pigeons"]
    assert (lamps.specs, lamps.bin_us) == ((LIGHTS,), 10 * MINUTE)
    assert np.array_equal(lamps.values, lights().values)
    straight, through = with_lamps(routes, lights()), with_lamps(of_routes, lamps)
    assert len(straight.outages) == 1
    assert through.outages == straight.outages
    assert through.explanation is not None
    assert straight.explanation is not None
    assert through.explanation.weighed("eclipse") == straight.explanation.weighed("eclipse")


def test_the_outage_is_recorded_and_told_by_the_store(
    report: Report, stored: tuple[Store, Report, SignalBlock]
) -> None:
    store, _, _ = stored
    window = WINDOW.from_us, WINDOW.until_us
    store.record_outages(window, [Finding(KP, report.outages)], source="pigeons", detector="blackout/1", why="test")
    (one,) = store.outages(entities=[KP])
    assert one.newest.outage == report.outages[0]
    row = outage_row(one)
    assert (row["sources"], row["detector"]) == ("pigeons", "blackout/1")
    assert set(row["signals"].split()) >= {"lights.lit", "bgp.visible_slash24"}


def test_what_two_sources_conclude_is_one_outage_with_the_moments_that_their_measurements_together_have(
    routes: Report, report: Report, tmp_path: Path
) -> None:
    store, _, lamps = kept(tmp_path / "store", routes)
    conclude(store, lamps)
    window = WINDOW.from_us, WINDOW.until_us
    store.record_outages(
        window, [Finding(KP, routes.outages)], source="pigeons", detector="d/1", why="test", fuse=fuse_conclusions
    )
    (one,), (together,) = store.outages(entities=[KP]), report.outages
    assert one.sources == ("lights", "pigeons")
    assert (one.newest.outage.onset, one.newest.outage.end) == (together.onset, together.end)


def test_a_made_up_source_tells_its_outage_to_the_second_and_its_silence_is_a_gap(report: Report) -> None:
    (outage,) = report.outages
    assert outage.onset.earliest_us <= at(LOST) <= outage.onset.latest_us
    assert outage.onset.latest_us - outage.onset.earliest_us < 15_000_000
    assert outage.end is not None
    assert abs(outage.end.best_us - at(BACK)) < HOUR // 6
    assert {file.kind for file in report.inputs} == {"pigeon"}
    assert "a letter was lost" in {gap.reason for gap in report.history.gaps}


def test_a_made_up_signal_is_fused_with_routes_into_one_outage_and_is_a_second_witness(report: Report) -> None:
    (outage,) = report.outages
    assert LIGHTS.name in outage.signals
    assert "bgp.visible_slash24" in outage.signals


def test_a_made_up_detector_raises_its_alarms(report: Report) -> None:
    assert {alarm.detector for alarm in report.outages[0].alarms if alarm.signal == LIGHTS.name} >= {"blackout"}


def test_a_made_up_hypothesis_is_weighed_and_one_without_its_fact_is_not_testable(report: Report) -> None:
    assert report.explanation is not None
    assert report.explanation.weighed("eclipse").verdict == "consistent with"
    blind = explained(
        report, features=(*FEATURES, MOON), hypotheses=(*HYPOTHESES, ECLIPSE), weights=shipped_weights().merged(WEIGHTS)
    ).explanation
    assert blind is not None
    assert blind.weighed("eclipse").verdict == "not testable from these data"
    assert "moon" in {one.feature for one in blind.not_measured}
    assert MOON.read(Facts()) is None


def test_the_report_tells_all_of_it(report: Report) -> None:
    assert len(OWN) == 4
    page, document = to_html(report), to_json(report)
    assert "lights.lit" in page
    assert document["outages"][0]["signals"].count("lights.lit") == 1


def test_the_page_for_readers_has_the_code_of_this_file() -> None:
    here = Path(__file__)
    page = (here.parents[1] / "docs" / "how-to" / "extend.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    code = textwrap.dedent(here.read_text())
    assert len(blocks) == 8
    for block in blocks:
        assert block in code or textwrap.indent(block, "    ") in code
