"""What single sessions said: the same however the units were cut, and of some units what it is of all."""

import numpy as np
import pytest

from duskwatch.analysis.replay import Window, replay_archives
from duskwatch.analysis.whole_tables import count_all, watch_all
from duskwatch.records.prefix import prefix_texts
from duskwatch.signals.bgp import testimony
from duskwatch.signals.bgp import votes as counting
from duskwatch.signals.bgp.testimony import ROWS, STARTS, join, pick
from tests.analysis.test_networks import TwoNetworks
from tests.small_archive import OWN, at


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    archive = TwoNetworks({"rrc00": 3, "rrc01": 3}, hours=8)
    archive.lose(archive.peers(), 90, 180, prefixes=OWN[:3])
    archive.lose(archive.peers()[:2], 200, 220, prefixes=OWN[3:])  # too few to be lost
    archive.lose(archive.peers(), 250, 300, prefixes=OWN[2:])
    archive.talk()
    mrt = archive.write(tmp_path_factory.mktemp("testimony") / "mrt")
    return replay_archives(Window(at(0), at(480)), [mrt], watch=watch_all)


def told(replay) -> list[testimony.Testimony]:
    kept: list[testimony.Testimony] = []
    count_all(replay, threads=1, keep=kept.append)
    return sorted(kept, key=lambda one: texts(one.others.units)[:1] + texts(one.units)[:1])


def texts(units) -> list[str]:
    return prefix_texts(units.afi, units.hi, units.lo, units.length)


def paths(one: testimony.Testimony, numbers: np.ndarray) -> list:
    """Paths in place of their numbers, which are another pool's elsewhere; of none an empty one."""
    return [one.paths[number] if number >= 0 else () for number in numbers.ravel().tolist()]


def said(one: testimony.Testimony, name: str) -> list:
    column = getattr(one, name)
    return paths(one, column) if name == "path" else column.tolist()


def statements(one: testimony.Testimony) -> list[tuple]:
    """What was said, in order of time, by prefix, AS and path in place of numbers."""
    names = [*zip(texts(one.units), one.units.network.tolist(), strict=True), ("session", 0)]
    columns = [said(one, name) for name in ROWS]
    return sorted((*row, names[unit]) for unit, *row in zip(one.unit.tolist(), *columns, strict=True))


def starts(one: testimony.Testimony) -> dict:
    names = zip(texts(one.units), one.units.network.tolist(), strict=True)
    return {
        name: [
            paths(one, one.path_before[k]) if start == "path_before" else getattr(one, start)[k].tolist()
            for start in STARTS
        ]
        for k, name in enumerate(names)
    }


def steps(one: testimony.Testimony) -> list[tuple]:
    others = one.others
    names = [*zip(texts(others.units), others.units.network.tolist(), strict=True)]
    columns = others.time_us.tolist(), others.upstream.tolist(), others.step.tolist()
    return sorted((*row, names[unit]) for unit, *row in zip(others.unit.tolist(), *columns, strict=True))


def test_every_statement_on_what_was_lost_is_kept_and_of_others_how_they_were_reached(replay):
    (whole,) = told(replay)
    assert set(texts(whole.units)) == {str(prefix) for prefix in OWN}
    assert not set(texts(whole.others.units)) & set(texts(whole.units))
    assert len(whole.others.units) > 50
    # Each of the six sessions loses three prefixes, then two.
    losses = [row for row in statements(whole) if row[-1][0] != "session" and row[2] == 1]
    assert len({(row[-1][0], row[1]) for row in losses}) == 6 * 4
    # How many sessions reach a prefix never falls below none, nor rises above all.
    reached: dict[tuple, int] = {}
    for time_us, upstream, step, name in steps(whole):
        assert at(0) <= time_us < at(480)
        reached[name, upstream] = reached.get((name, upstream), 0) + step
        assert 0 <= reached[name, upstream] <= len(whole.sessions)


def test_however_units_are_cut_it_is_the_same(replay, monkeypatch):
    (whole,) = told(replay)
    monkeypatch.setattr(counting, "WALK_BYTES", 4000)
    pieces = told(replay)
    assert len(pieces) > 5
    joined = join(pieces)
    assert statements(joined) == statements(whole)
    assert starts(joined) == starts(whole)
    assert steps(joined) == steps(whole)
    assert sorted(map(repr, joined.lone)) == sorted(map(repr, whole.lone))
    # In the order of votes: statements on one prefix stand as they did.
    for prefix in map(str, OWN):
        rows = [np.flatnonzero(one.unit == texts(one.units).index(prefix)) for one in (joined, whole)]
        for name in ROWS:
            both = [[said(one, name)[k] for k in own] for one, own in zip((joined, whole), rows, strict=True)]
            assert both[0] == both[1], (prefix, name)


def test_every_path_that_is_kept_is_one_that_is_named(replay):
    (whole,) = told(replay)
    some = pick(whole, lambda units: np.array([text == str(OWN[0]) for text in texts(units)], np.bool_))
    for one in (whole, some):
        named = {*one.path.tolist(), *one.path_before.ravel().tolist()} - {-1}
        assert named <= set(range(len(one.paths)))
        assert len(one.paths) - 1 <= len(named)  # row 0 is the empty path


def test_of_some_units_all_is_there_that_was_there_of_them(replay):
    (whole,) = told(replay)
    wanted = {str(OWN[0]), str(OWN[3]), texts(whole.others.units)[7]}  # the second is of two networks, one by one
    some = pick(whole, lambda units: np.array([text in wanted for text in texts(units)], np.bool_))
    assert {*texts(some.units), *texts(some.others.units)} == wanted
    about = {*wanted, "session"}
    assert statements(some) == [row for row in statements(whole) if row[-1][0] in about]
    assert starts(some) == {name: start for name, start in starts(whole).items() if name[0] in wanted}
    assert steps(some) == [row for row in steps(whole) if row[-1][0] in wanted] != []
    nothing = pick(whole, lambda units: np.zeros(len(units), np.bool_))
    assert (len(nothing.units), len(nothing.others.units), steps(nothing)) == (0, 0, [])
    assert {row[-1] for row in statements(nothing)} <= {("session", 0)}
