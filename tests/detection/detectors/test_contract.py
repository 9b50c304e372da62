"""What every registered detector keeps to: a new one is under this test by its line in the registry."""

import ast
import dataclasses
import pickle
from math import inf
from pathlib import Path

import numpy as np
import pytest

import duskwatch
from duskwatch.detection import DETECTORS, DetectionConfig, Detector
from duskwatch.detection.baselines import seasonal, trailing
from duskwatch.detection.detectors.detector import LatestBin
from duskwatch.detection.view import BinnedView, Judged, LevelView, View
from duskwatch.records.signals import LOSS_ROLES, EntityHistory, SignalBlock
from duskwatch.records.times import DAY, HOUR
from tests.detection.build import cut, history, lose
from tests.detection.series import FIVE, START, at, block, flat

CONFIG = DetectionConfig()
DAY_S = 86_400
PAGE = Path(__file__).parents[3] / "docs/reference/detection.md"
pytestmark = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)


def entity() -> EntityHistory:
    """A total loss of two hours, then losses of single prefixes, the last of which goes on."""
    all_gone = [e for p in range(4) for e in lose(p, 30_000 + 5 * p, 7_200)]
    return history(4, all_gone + lose(1, 60_000, 4_000) + lose(2, 70_000, 0), until=DAY_S)


def noticed(kind: str) -> SignalBlock:
    """Sixty days of a signal in which something is to be noticed."""
    dice = np.random.default_rng(4)
    if kind == "loss":
        values = flat(60, 600, 0.01)
        values[at(40, 3) : at(40, 6)] = 0
        values[at(50, 3) : at(50, 6)] *= 0.7
        return block(values, names=("probing",))
    if kind == "noisy":
        values = dice.poisson(6, 60 * 288) * 1.0
        values[at(40, 3) : at(40, 5)] = 0
        values[at(55, 3) : at(55, 15)] *= 0.3
        return block(values, names=("telescope",))
    if kind == "decline":
        return block(flat(60, 1000, 0.01) * (1 - 0.5 * np.clip((np.arange(60 * 288) / 288 - 30) / 10, 0, 1)))
    if kind == "storm":
        values = dice.poisson(3, 60 * 288) * 1.0
        values[at(40, 3) : at(40, 4)] += 2000
        return block(values, names=("bgp.announcements",))
    values = flat(60, 100)
    for k in range(8):
        values[at(40, 2 + k)] = 85
    return block(values)


BINS = {kind: noticed(kind) for kind in ("loss", "noisy", "decline", "storm", "flaps")}


def views_of(*blocks: SignalBlock) -> list[View]:
    return [view for one in blocks for view in seasonal.judge(one, CONFIG.rules)]


VIEWS: list[View] = [*trailing.judge(entity(), CONFIG.trailing), *views_of(*BINS.values())]


def part(whole: SignalBlock, bins: int) -> SignalBlock:
    return dataclasses.replace(whole, values=whole.values[:, :bins], coverage=whole.coverage[:, :bins])


def arrays(view: View) -> list[np.ndarray]:
    arrays = [getattr(view, field.name) for field in dataclasses.fields(view)]
    if isinstance(view, BinnedView):
        arrays += [getattr(view.judged, field.name) for field in dataclasses.fields(view.judged)]
    return [value for value in arrays if isinstance(value, np.ndarray)]


def test_the_default_configuration_is_a_frozen_value(detector: Detector) -> None:
    assert dataclasses.is_dataclass(detector)
    assert detector == dataclasses.replace(detector)  # its own check accepts it
    with pytest.raises(dataclasses.FrozenInstanceError):
        detector.name = "other"


def test_it_says_what_it_does(detector: Detector) -> None:
    assert len(type(detector).__doc__ or "") > 80
    assert type(detector).detect.__doc__
    assert f"| `{detector.name}` |" in PAGE.read_text()


def test_nobody_else_knows_its_name(detector: Detector) -> None:
    """What others must know of it, it declares: a name that fusing knows is a rule in the wrong place."""
    root = Path(duskwatch.__file__).parent
    for path in (path for room in ("detection", "analysis", "drivers") for path in (root / room).rglob("*.py")):
        if path.parent.name != "detectors":
            texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
            assert detector.name not in texts, path


def test_it_finds_what_it_is_for(detector: Detector) -> None:
    """Where this fails for a new detector, add what it notices to ``noticed``."""
    assert any(detector.detect(view) for view in VIEWS)
    reads_levels = any(detector.detect(view) for view in VIEWS if isinstance(view, LevelView))
    assert (detector.least_loss(CONFIG.trailing.band) < inf) == reads_levels


def test_its_alarms_are_whole_and_in_order(detector: Detector) -> None:
    for view in VIEWS:
        alarms = detector.detect(view)
        for alarm in alarms:
            assert (alarm.signal, alarm.detector) == (view.spec.name, detector.name)
            assert alarm.from_us < alarm.raised_us <= view.until_us
            assert alarm.until_us is None or alarm.from_us < alarm.until_us <= view.until_us
            assert 0 <= alarm.coverage <= 1
        assert [alarm.from_us for alarm in alarms] == sorted(alarm.from_us for alarm in alarms)


def test_the_same_view_gives_the_same_alarms_and_stays_as_it_was(detector: Detector) -> None:
    for view in VIEWS:
        before = [array.copy() for array in arrays(view)]
        for array in arrays(view):
            array.flags.writeable = False
        try:
            assert detector.detect(view) == detector.detect(view)
        finally:
            for array in arrays(view):
                array.flags.writeable = True
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, arrays(view), strict=True))


def test_no_alarm_appears_in_the_past(detector: Detector) -> None:
    """What all data say was raised by a time had been told at that time; nobody is wiser afterwards."""
    for kind, whole in BINS.items():
        final = detector.detect(views_of(whole)[0])
        for bins in (at(31, 7), at(36), at(40, 3.5), at(40, 5), at(45), at(50, 4), at(55, 9), at(58, 11)):
            until_us = START + bins * FIVE
            early = {alarm.raised_us for alarm in detector.detect(views_of(part(whole, bins))[0])}
            assert {alarm.raised_us for alarm in final if alarm.raised_us <= until_us} == early, (kind, bins)


def test_later_routes_never_move_where_an_alarm_began(detector: Detector) -> None:
    whole = entity()
    start = int(whole.level.time_us[0])

    def alarms_of(one: EntityHistory) -> set[tuple[str, int, int]]:
        found = trailing.judge(one, CONFIG.trailing)
        return {(a.signal, a.from_us, a.raised_us) for view in found for a in detector.detect(view)}

    final = alarms_of(whole)
    for hours in range(1, 24):
        until_us = start + hours * HOUR
        assert alarms_of(cut(whole, until_us)) == {alarm for alarm in final if alarm[2] <= until_us}


def test_a_gap_alone_raises_nothing(detector: Detector) -> None:
    blind = history(4, [], until=DAY_S, gaps=[(20_000, 20_120), (40_000, 60_000)])
    assert all(detector.detect(view) == [] for view in trailing.judge(blind, CONFIG.trailing))
    values = flat(40, 600, 0.01)
    values[at(30) : at(33)] = np.nan
    values[at(35, 3) : at(35, 4)] = np.nan
    for name in ("probing", "telescope", "bgp.announcements"):
        (view,) = views_of(block(values, names=(name,)))
        assert detector.detect(view) == []


def test_nothing_watched_raises_nothing(detector: Detector) -> None:
    blind = history(4, [], until=DAY_S, gaps=[(0, DAY_S + 1)])
    assert all(detector.detect(view) == [] for view in trailing.judge(blind, CONFIG.trailing))
    for values in (np.full(40 * 288, np.nan), np.zeros(40 * 288), np.empty(0)):
        assert all(detector.detect(view) == [] for view in views_of(block(values)))


def test_a_signal_of_which_less_is_no_loss_loses_nothing(detector: Detector) -> None:
    for view in VIEWS:
        if view.spec.less_is_loss:
            none = dataclasses.replace(view.spec, role="none", less_is_loss=False)
            assert detector.detect(dataclasses.replace(view, spec=none)) == []
        else:
            assert view.spec.role not in LOSS_ROLES
            assert not detector.detect(view) or detector.instability


def test_detector_and_alarms_travel_between_processes(detector: Detector) -> None:
    assert pickle.loads(pickle.dumps(detector)) == detector
    for view in VIEWS:
        assert pickle.loads(pickle.dumps(detector.detect(view))) == detector.detect(view)


def test_what_it_declares_agrees(detector: Detector) -> None:
    assert not (detector.instability and detector.calls)
    assert not (detector.deep and not detector.calls)
    assert detector.rule is None or detector.rule in CONFIG.rules


def test_bins_one_by_one_show_the_alarms_that_stand(detector: Detector) -> None:
    """While an alarm that may call stands, ``step`` says so, and that its bins must be kept."""
    if not detector.recent:
        pytest.skip("looks at weeks, and is left to a replay")
    day = DAY // FIVE
    for view in VIEWS:
        if not isinstance(view, BinnedView):
            continue
        # The bins of one series, each as if it were the newest of a series of its own.
        bits = view.judged
        now, before = (
            Judged(bits.expected[cut], bits.low[cut], bits.bits[cut]) for cut in (slice(day, None), slice(-day))
        )
        falls = np.full(view.bins - day, view.spec.less_is_loss)
        reach = falls & (view.spec.role == "reach")
        step = detector.step(LatestBin(now, view.values[day:], CONFIG.rules, falls, reach, before))
        assert not (step.stands & ~step.out).any()
        for alarm in detector.detect(view):
            if detector.calls:
                bins = view.bins_of(alarm.raised_us - FIVE, alarm.until_us or view.until_us)
                assert step.stands[bins.start - day : bins.stop - day].all()
            else:
                bins = view.bins_of(alarm.from_us, alarm.until_us or view.until_us)
                assert step.out[bins.start - day]
