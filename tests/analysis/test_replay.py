"""Archives replayed in one window, in windows that are rolled, and message by message: the same outages."""

import pickle
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duskwatch.analysis.entity import report_on
from duskwatch.analysis.replay import BIN_US, Reading, Replay, Window, join_replays, replay_archives
from duskwatch.records.elems import ElemBlock, RibBlock
from duskwatch.records.entity import parse_entity
from duskwatch.records.errors import InputError
from duskwatch.records.messages import InputDone, Message
from duskwatch.records.report import Report
from duskwatch.records.times import to_datetime
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.extents import WatchSpace
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.roll import close, join, roll
from duskwatch.signals.bgp.state import RoutingState, begin
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.bgp.archives.find import find_files, select, unusable_updates
from duskwatch.sources.bgp.archives.read import messages, open_ahead
from duskwatch.sources.reference.geo import load_geo
from tests.analysis.test_artefacts_mixed import mixture
from tests.signals.bgp.test_roll import plain, told
from tests.small_archive import OWN, START_US, Archive, at, delegations

KP = parse_entity("KP")
COLLECTORS = {"rrc91": 4, "rrc92": 3, "route-views.a": 3}


class Run:
    """A small archive on disk, as messages of each collector."""

    def __init__(self, folder: Path, hours: float) -> None:
        self.window = Window(START_US, at(60 * hours))
        self.ranges = load_geo([delegations(folder)], to_datetime(START_US).date())
        self.watch = WatchSpace((), ("KP",), self.ranges)
        self.whole = replay_archives(self.window, [folder / "mrt"], watch=self.watch, reading=Reading(1))
        self.messages: dict[str, list[Message]] = {}
        for part in self.whole.parts:
            found, passed = find_files([folder / "mrt"])
            files = [file for file in found if file.collector == part.collector]
            unusable = unusable_updates(passed).get(part.collector, ())
            span = self.window.from_us, self.window.until_us
            files = select(files, *span)
            self.messages[part.collector] = list(messages(files, open_ahead(files), *span, unusable))

    def begin(self, collector: str) -> RoutingState:
        return begin(collector, self.window.from_us, BIN_US, self.watch)

    def report(self, parts: list[CollectorPart]) -> Report:
        """What is reported from some parts, through votes, guard, measures and detection."""
        votes = merge_votes(parts, self.window.from_us, self.window.until_us)
        replay = Replay(self.window, tuple(parts), self.whole.inputs, self.whole.warnings)
        return report_on(KP, replay, votes, self.ranges)

    def rolled(self, collector: str, cuts: list[int], lag_us: int = 0) -> list[CollectorPart]:
        """Windows cut at some times, each as soon as an elem so much later came."""
        state, parts, cuts = self.begin(collector), [], sorted(cuts)
        for message in self.messages[collector]:
            state, _ = fold(state, message, self.window.until_us)
            seen = max(state.heard_us.max(initial=0), state.dumped_us) - lag_us
            while cuts and cuts[0] <= seen and not 0 <= state.dump_us < cuts[0]:
                part, state = roll(state, cuts.pop(0))
                parts.append(part)
        for cut in cuts:
            part, state = roll(state, cut)
            parts.append(part)
        return [*parts, close(state, self.window.until_us)]


def same(one: Report, other: Report) -> None:
    """The outages, who witnessed them, what was wrong with the recording, and all that was measured."""
    assert one.outages == other.outages
    assert one.coverage == other.coverage
    assert one.history.gaps == other.history.gaps
    for name in ("level", "changes", "signals"):
        assert repr(plain(getattr(one.history, name))) == repr(plain(getattr(other.history, name)))


def made(folder: Path, seed: int, clocks: bool = True) -> Run:
    """An archive with a loss, and some of everything that goes wrong with a recording."""
    kinds = ("restart", "half", "transfer", "lone", "flap", "missing", "silence", *(["clock"] if clocks else []))
    mixed = mixture(seed, COLLECTORS, kinds, dark=True)
    mrt = mixed.archive.write(folder / "mrt", clock=mixed.clock, missing=mixed.missing, dumps=(0, 120, 240))
    for path in random.Random(seed).sample(sorted(mrt.rglob("updates.*")), 2):
        path.write_bytes(path.read_bytes()[:-40])
    return Run(folder, mixed.archive.hours)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.lists(st.floats(1, 359), max_size=4), st.booleans())
def test_rolling_at_any_moments_gives_the_same_outages(seed, minutes, five):
    with TemporaryDirectory() as folder:
        run = made(Path(folder), seed)
        cuts = sorted({at(minute) for minute in (range(5, 360, 5) if five else minutes)})
        whole = run.report(list(run.whole.parts))
        # All of it was folded before the first roll: nothing can come late, however wrong the clocks are.
        parts = [join(run.rolled(name, cuts, 10 * 3600 * 10**6)) for name in run.messages]
        assert [told(part) for part in parts] == [told(part) for part in run.whole.parts]
        same(run.report(parts), whole)


@pytest.mark.parametrize("seed", range(3))
def test_rolling_as_the_records_come_gives_the_same_outages(tmp_path, seed):
    """With clocks that are right nothing comes late, so that it does not matter when a window is closed."""
    run = made(tmp_path, seed, clocks=False)
    cuts = [at(minute) for minute in range(5, 360, 5)]
    parts = [run.rolled(name, cuts) for name in run.messages]
    assert sum(part.left_out.before for own in parts for part in own) == 0
    assert [told(join(own)) for own in parts] == [told(part) for part in run.whole.parts]
    same(run.report([join(own) for own in parts]), run.report(list(run.whole.parts)))


def test_a_state_stored_between_any_two_messages_goes_on_as_if_it_had_not_been(tmp_path):
    run = made(tmp_path, 5)
    for name, whole in zip(run.messages, run.whole.parts, strict=True):
        state = run.begin(name)
        for message in run.messages[name]:
            state, _ = fold(pickle.loads(pickle.dumps(state)), message, run.window.until_us)
        assert plain(close(state, run.window.until_us)) == plain(whole)


def test_blocks_cut_smaller_tell_the_same(tmp_path):
    """How many records a block holds is a matter of memory."""
    run = made(tmp_path, 6)
    chance = random.Random(6)
    for name, whole in zip(run.messages, run.whole.parts, strict=True):
        state = run.begin(name)
        for message in run.messages[name]:
            for piece in pieces(message, chance):
                state, _ = fold(state, piece, run.window.until_us)
        part = close(state, run.window.until_us)
        assert told(part)["log"] == told(whole)["log"]
        assert plain(part.sizes) == plain(whole.sizes)


def pieces(message: Message, chance: random.Random) -> list[Message]:
    if not isinstance(message, ElemBlock | RibBlock) or len(message.time_us) < 2:
        return [message]
    cut = chance.randrange(1, len(message.time_us))
    whole = {"data", "data_offset", "places", "last_us", "path_ids", "peers"}
    columns = [name for name in message._fields if name not in whole and not name.startswith("record_")]
    return [
        message._replace(**{name: getattr(message, name)[rows] for name in columns})
        for rows in (slice(0, cut), slice(cut, None))
    ]


def test_every_input_is_told_to_be_done_and_is_among_the_inputs(tmp_path):
    run = made(tmp_path, 7)
    done = [m.input for own in run.messages.values() for m in own if isinstance(m, InputDone)]
    assert done == list(run.whole.inputs)


def test_progress_names_each_file_and_adds_up(tmp_path):
    archive = Archive(COLLECTORS, hours=0.5)
    archive.talk()
    archive.lose(archive.peers(), 10, 20, OWN)
    folder = archive.write(tmp_path / "mrt")
    told_: list[tuple[str, int, int]] = []
    watch = WatchSpace((), ("KP",), load_geo([delegations(tmp_path)], to_datetime(START_US).date()))
    reading = Reading(2, 0, lambda *what: told_.append(what))
    run = replay_archives(Window(START_US, at(30)), [folder], watch=watch, reading=reading)
    total = sum(file.size_bytes for file in run.inputs)
    assert [name for name, _, _ in told_] == [*(file.name for file in run.inputs), ""]
    assert [done for _, done, _ in told_] == np.cumsum([0, *(file.size_bytes for file in run.inputs)]).tolist()
    assert {whole for _, _, whole in told_} == {total}


@pytest.mark.parametrize("span", [(5, 5, 1), (6, 5, 1), (0, 5, 0)])
def test_an_empty_window_is_refused(span):
    with pytest.raises(InputError, match=r"the window ends|longer than nothing"):
        Window(*span)


def test_replays_of_other_windows_are_not_joined(tmp_path):
    run = made(tmp_path, 8)
    other = Replay(Window(START_US, at(10)), run.whole.parts, (), ())
    with pytest.raises(ValueError, match="only replays of one window"):
        join_replays([run.whole, other])
