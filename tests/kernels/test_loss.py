"""The trailing median and the excursions below it, against slow twins that keep every stretch in a list."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.kernels.loss import ACCEPTED, BACK, OPEN, SETTLED, excursions, trailing_median

WINDOW, BRIDGE, SETTLE, ACCEPT, BAND, EXIT = 100, 5, 40, 300, 0.1, 0.05


def slow_median(stretches: list[tuple[int, int, float]], now: int) -> tuple[float, int]:
    """Lower median of (from, until, value) over the window before now, weighted by time; NaN where there is none."""
    weights: dict[float, int] = {}
    for start, stop, value in stretches:
        length = min(stop, now) - max(start, now - WINDOW)
        if length > 0:
            weights[value] = weights.get(value, 0) + length
    total, seen = sum(weights.values()), 0
    for value in sorted(weights):
        seen += weights[value]
        if seen * 2 >= total:
            return value, total
    return float("nan"), 0


def slow_excursions(edge, level, held, voters, blind, by_voters):
    """(first, confirmed, end, ending) per excursion and the expected level per step, by the rules read literally."""
    stretches: list[tuple[int, int, float]] = []
    found, expected = [], []
    open_, normal, last, gap, should = None, float("nan"), None, None, float("nan")
    excused, left = 0.0, None  # how much of what is missing went with voters, and from which step on
    for i, value in enumerate(level):
        start, stop = edge[i], edge[i + 1]
        if open_ is None and (not blind[i] or gap is None):
            median, total = slow_median(stretches, start)
            before = normal
            normal = median if total else normal
            if excused and normal != before:  # the median has learned of it, in part or whole
                excused = max(0.0, excused + normal - before)
        if blind[i]:
            expected.append(should)
            gap = gap or last
            continue
        base = open_["reference"] if open_ else normal
        if last and base == base:
            change = value - last[0]
            by_route = not by_voters[i] or (gap is not None and gap[1] == voters[i])
            if by_route and change > 0:
                excused = min(excused, max(0.0, base - value))
            elif not by_route and change > 0:
                excused = max(0.0, excused - change)
            elif not by_route and change < 0:
                left = i if not excused else left
                excused += max(0.0, min(base - excused, last[0]) - value)
            unproven = excused
            excused = min(excused, max(0.0, held[i] - value))
        should = base - excused
        if open_ is None and should > 0 and 1 - value / should >= BAND:
            open_ = {"confirmed": i, "first": i, "reference": normal, "anchor": (value, start)}
            open_ |= {"good": None, "soft": None}
            if left is not None and excused < unproven and (base <= unproven or 1 - value / (base - unproven) < BAND):
                open_["first"] = left
        left = left if excused else None
        counted = start
        expected.append(should)
        if open_ is not None:
            lost = min(1.0, max(0.0, 1 - value / should)) if should > 0 else 0.0
            for name, limit in (("good", lost <= EXIT), ("soft", lost < BAND)):
                since, spent = open_[name] or (start, 0)
                open_[name] = (since, spent + stop - start) if limit else None
            if abs(value - open_["anchor"][0]) > BAND * open_["reference"]:
                open_["anchor"] = (value, start)
            closed = None
            if open_["good"] and open_["good"][1] >= BRIDGE:
                closed = (open_["good"][0], BACK, stop - (open_["good"][1] - BRIDGE))
            elif open_["soft"] and open_["soft"][1] >= SETTLE:
                closed = (open_["soft"][0], SETTLED, stop - (open_["soft"][1] - SETTLE))
            elif value > 0 and stop - open_["anchor"][1] >= ACCEPT:
                at = max(start, open_["anchor"][1] + ACCEPT)
                closed, normal, excused = (at, ACCEPTED, at), value, 0.0
            if closed:
                found.append((open_["first"], open_["confirmed"], closed[0], closed[1]))
                counted, open_ = closed[2], None
        if open_ is None and value > 0 and stop > counted:
            stretches.append((counted, stop, value))
        last, gap = (value, voters[i]), None
    if open_:
        good = open_["good"]
        found.append((open_["first"], open_["confirmed"], good[0] if good else -1, BACK if good else OPEN))
    return found, expected


def run(edge, level, blind, by_voters, lift=0, least=0, held=None, voters=None, deep_us=None):
    n = len(level)
    voters = np.full(n, 10.0) if voters is None else np.asarray(voters, float)
    values, rank = np.unique(np.where(blind, 0.0, level), return_inverse=True)
    expected, loss = np.full(n, np.nan), np.full(n, np.nan)
    first, confirmed = np.zeros(n, np.int32), np.zeros(n, np.int32)
    end, ending = np.zeros(n, np.int64), np.zeros(n, np.uint8)
    count, _ = excursions(
        np.asarray(edge, np.int64), np.asarray(level, float), np.asarray(level if held is None else held, float),
        rank.astype(np.int32), values, voters, np.asarray(blind, np.uint8), np.asarray(by_voters, np.uint8), lift,
        WINDOW, least, least if deep_us is None else deep_us, 0.5, BAND, EXIT, BRIDGE, SETTLE, ACCEPT,
        np.zeros(len(values) + 1, np.int64),
        expected, loss, first, confirmed, end, ending,
    )  # fmt: skip
    rows = [(int(first[k]), int(confirmed[k]), int(end[k]), int(ending[k])) for k in range(count)]
    return rows, expected, loss


STEPS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([0, 2, 17, 18, 19, 20, 20, 20, 21]), st.booleans(), st.booleans()),
    min_size=1,
    max_size=60,
)
BESIDE = st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 18]), st.sampled_from([9, 10])), min_size=60, max_size=60)


@settings(max_examples=600, deadline=None)
@given(STEPS, BESIDE)
def test_excursions_are_those_of_the_slow_twin(
    steps: list[tuple[int, int, bool, bool]], beside: list[tuple[int, int]]
) -> None:
    edge = np.cumsum([1000, *(length for length, *_ in steps)])
    level = np.array([value for _, value, _, _ in steps], float)
    blind = np.array([a and b for _, _, a, b in steps])
    by_voters = np.array([b for _, _, _, b in steps])
    held = level + np.array([minority for minority, _ in beside])[: len(level)]
    voters = np.array([count for _, count in beside], float)[: len(level)]
    rows, expected, loss = run(edge, level, blind, by_voters, held=held, voters=voters)
    slow_rows, slow_expected = slow_excursions(
        *(column.tolist() for column in (edge, level, held, voters, blind, by_voters))
    )
    assert rows == slow_rows
    np.testing.assert_array_equal(expected, slow_expected)
    assert np.isnan(loss[blind]).all()
    assert ((loss[~blind] >= 0) & (loss[~blind] <= 1)).all()


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_the_trailing_median_is_that_of_the_slow_twin(steps: list[tuple[int, int, bool, bool]]) -> None:
    edge = np.cumsum([1000, *(length for length, *_ in steps)])
    level = np.array([value for _, value, _, _ in steps], float)
    counted = np.array([a for _, _, a, _ in steps])
    values, rank = np.unique(level, return_inverse=True)
    out = np.zeros(len(level), np.int32)
    trailing_median(
        edge, rank.astype(np.int32), counted.astype(np.uint8), WINDOW, np.zeros(len(values) + 1, np.int64), out
    )
    for i in range(len(level)):
        stretches = [(int(edge[k]), int(edge[k + 1]), level[k]) for k in range(i) if counted[k]]
        median, total = slow_median(stretches, int(edge[i]))
        assert (values[out[i]] == median) if total else (out[i] == -1)


def test_nothing_begins_before_the_level_was_normal_for_long_enough() -> None:
    edge, level = [0, 30, 60, 100], [20.0, 5.0, 20.0]
    none, _, _ = run(edge, level, [0] * 3, [0] * 3, least=31)
    one, _, _ = run(edge, level, [0] * 3, [0] * 3, least=30)
    assert (none, one) == ([], [(1, 1, 60, BACK)])


def test_the_level_just_before_is_the_measure_of_a_learned_excursion() -> None:
    edge, level = [0, 100, 101, 150, 160, 200], [14.0, 15.0, 1.0, 14.0, 15.0]
    plain, _, _ = run(edge, level, [0] * 5, [0] * 5)
    lifted, expected, _ = run(edge, level, [0] * 5, [0] * 5, lift=1)
    assert plain[0][2] == 150
    assert lifted[0][2] == 160
    assert expected[2] == 15.0


def test_a_fall_of_what_any_voter_holds_confirms_a_loss_of_voters() -> None:
    edge, level = [0, 100, 110, 120], [20.0, 0.0, 0.0]
    rows, _, _ = run(edge, level, [0] * 3, [0, 1, 0], held=[20.0, 20.0, 10.0])
    assert rows == [(1, 2, -1, OPEN)]


def test_no_steps_give_nothing() -> None:
    assert run([0], [], np.zeros(0, bool), [])[0] == []
