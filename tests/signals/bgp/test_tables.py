"""Which route each session holds at a moment, against dictionaries folded from the text of `bgpdump -m`."""

import gzip
import random
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from duskwatch.analysis.replay import Reading, Replay, Window, replay_archives
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.records.elems import PeerTable
from duskwatch.records.prefix import Prefix, prefix_texts
from duskwatch.signals.bgp.extents import WatchSpace
from duskwatch.signals.bgp.roll import join
from duskwatch.signals.bgp.tables import RoutesAt, routes_at, routes_in
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.bgp.archives.find import find_files
from duskwatch.sources.bgp.formats import mrt_write as mrt
from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.small_archive import OTHERS, OWN, START_US, Archive, at

US = 1_000_000
Table = dict[tuple[str, str], tuple]
# As people prepend, aggregate and leak: paths that take more than a row of numbers.
ODD_PATHS = [(7, 7, 7, 8), (8, (9, 5)), (8, 8, (5, 9)), (7, (9,)), (7, 8, 7), (), ((3, 4),), (2, (3, 4), 6)]


def path_of(text: str) -> tuple:
    """The canonical path of a field of bgpdump's: sets as tuples, nothing twice in a row, no confederations."""
    hops: list = []
    for word in text.split():
        if word.startswith(("(", "[")):
            continue
        members = tuple(sorted({int(asn) for asn in word.strip("{}").split(",")}))
        hop = members if word.startswith("{") and (len(members) > 1 or members == (0,)) else members[0]
        if not hops or hops[-1] != hop:
            hops.append((0,) if hop == 0 else hop)
    return tuple(hops)


def folded(lines: Iterable[str], until_s: float) -> Table:
    """Who holds what path to which prefix after all lines of a time: by address of the peer, and prefix."""
    table: Table = {}
    for line in lines:
        fields = line.rstrip("\n").split("|")
        if int(fields[1]) > until_s:
            continue
        peer = fields[3]
        if fields[2] in ("B", "A"):
            table[peer, fields[5]] = path_of(fields[6])
        elif fields[2] == "W":
            table.pop((peer, fields[5]), None)
        elif fields[2] == "STATE" and fields[6] != "6" and fields[5] == "6":
            table = {key: path for key, path in table.items() if key[0] != peer}
    return table


def table_of(routes: RoutesAt) -> Table:
    prefixes = prefix_texts(routes.afi, routes.hi, routes.lo, routes.length)
    peers = [name.rsplit(" ", 1)[1] for name in routes.sessions]
    where, who = np.nonzero(routes.path >= 0)
    known = {path: routes.paths[path] for path in np.unique(routes.path[where, who]).tolist()}
    return {
        (peers[n], prefixes[p]): known[path]
        for p, n, path in zip(where.tolist(), who.tolist(), routes.path[where, who].tolist(), strict=True)
    }


def lines_of(folder: Path) -> list[str]:
    """All files below a folder as text, by the program itself."""
    out = []
    for file in find_files([folder])[0]:
        peers, text = PeerTable(), BgpdumpText()
        for block in MrtReader([gzip.decompress(file.path.read_bytes())], peers):
            out += list(text.lines(block, peers, np.arange(len(block.time_us))))
    return out


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Two collectors, with resets, losses and paths of all kinds."""
    made = Archive({"rrc91": 4, "route-views.a": 3}, hours=1)
    made.talk()
    chance = random.Random(3)
    for peer in made.peers():
        for _ in range(12):
            path = (made.peer(peer).asn, *chance.choice(ODD_PATHS))
            route = mrt.Route(path, made.peer(peer).address)
            prefixes = chance.sample([*OTHERS, *OWN], chance.randint(1, 3))
            made.said[peer].append((chance.uniform(0, 3600), mrt.announce(route, prefixes)))
        made.lose([peer], chance.uniform(5, 40), chance.uniform(41, 59), chance.sample([*OTHERS, *OWN], 3))
    made.reset(made.peers()[:2], 20, 24)
    made.reset(made.peers()[-1:], 30, 31)
    return made.write(tmp_path_factory.mktemp("tables"))


def replay(folder: Path, watch=watch_all, origins=None) -> Replay:
    return replay_archives(Window(START_US, at(60)), [folder], watch=watch, origins=origins, reading=Reading(1))


TIMES = sorted({0, 3599, *random.Random(4).sample(range(3600), 12)})


def test_whole_paths_are_those_of_the_text_at_any_time(archive):
    lines, run = lines_of(archive), replay(archive)
    for second in TIMES:
        routes = routes_at(run.parts, START_US + second * US)
        expected = folded(lines, START_US / US + second)
        assert table_of(routes) == expected, second
        ends = routes.paths.ends()
        for number in range(len(routes.paths)):
            whole = [0 if isinstance(hop, tuple) else hop for hop in routes.paths[number]]
            apart = [hop for k, hop in enumerate(whole) if k == 0 or hop != whole[k - 1]]
            assert [column[number] for column in ends] == [*apart[::-1], 0, 0, 0][:3]
    sets = {hop for path in expected.values() for hop in path if isinstance(hop, tuple)}
    assert {(5, 9), (3, 4)} <= sets


def test_the_votes_on_one_entity_hold_the_same_routes(archive):
    watch = WatchSpace((Prefix.parse("175.45.176.0/22"),))
    run = replay(archive, watch)
    votes = merge_votes(run.parts, START_US, at(60))
    for second in TIMES:
        whole, own = routes_at(run.parts, START_US + second * US), routes_in(votes, START_US + second * US)
        assert table_of(own) == table_of(whole)
        assert own.sessions == whole.sessions
        assert own.asn.tolist() == whole.asn.tolist()
        assert own.voting.tolist() == whole.voting.tolist()
        assert len(own.afi) == 4


def test_a_path_that_two_collectors_heard_is_there_once(archive):
    routes = routes_at(replay(archive).parts, at(59))
    written = [routes.paths[number] for number in range(len(routes.paths))]
    assert len(written) == len(set(written))
    assert sorted({0, *np.unique(routes.path[routes.path >= 0]).tolist()}) == list(range(len(written)))


def test_who_votes_is_told_beside(archive):
    run = replay(archive)
    before, down = (routes_at(run.parts, at(minute)) for minute in (19, 22))
    assert before.voting[:, 0].sum() == 7
    assert down.voting[:, 0].sum() == 5
    assert not before.voting[:, 1].any()
    assert (before.path >= 0).any(axis=0).all()


def test_of_one_network_only_its_own_routes_are_told(archive):
    run = replay(archive, lambda afi, hi, lo, length: np.zeros(len(afi), np.uint8), np.array([8], np.uint32))
    routes = routes_at(run.parts, at(59))
    held = np.unique(routes.path[routes.path >= 0])
    assert set(routes.paths.ends().origin[held].tolist()) == {8}
    expected = {key: path for key, path in folded(lines_of(archive), START_US / US + 3540).items() if path[-1:] == (8,)}
    assert table_of(routes) == expected


def test_paths_that_no_route_takes_are_forgotten_and_nothing_else_is(archive, monkeypatch):
    """As a run for months would; the windows joined hold what one window holds."""
    from duskwatch.signals.bgp import roll as rolling
    from duskwatch.signals.bgp.fold import fold
    from duskwatch.signals.bgp.state import begin
    from duskwatch.sources.bgp.archives.read import messages, open_ahead

    monkeypatch.setattr(rolling, "FEW_PATHS", 1)
    whole = replay(archive).parts
    joined = []
    for part in whole:
        files = [file for file in find_files([archive])[0] if file.collector == part.collector]
        state = begin(part.collector, START_US, 300 * US, watch_all)
        parts, cuts, most = [], list(range(at(5), at(60), 300 * US)), 0
        for message in messages(files, open_ahead(files), START_US, at(60)):
            state, _ = fold(state, message, at(60))
            while cuts and cuts[0] <= state.heard_us.max(initial=0):
                own, state = rolling.roll(state, cuts.pop(0))
                parts.append(own)
                most = max(most, state.paths.generation)
        parts.append(rolling.close(state, at(60)))
        assert most > 0
        joined.append(join([join(parts[:4]), join(parts[4:])]))
        assert len(joined[-1].paths) <= len(part.paths)
    for second in TIMES:
        time_us = START_US + second * US
        assert table_of(routes_at(joined, time_us)) == table_of(routes_at(whole, time_us))


def test_what_cannot_be_told_is_refused(archive):
    run = replay(archive)
    for time_us in (START_US - 1, at(60)):
        with pytest.raises(ValueError, match=r"its window does not hold 2020-03-0.T.*Z"):
            routes_at(run.parts, time_us)
        with pytest.raises(ValueError, match="the window does not hold"):
            routes_in(merge_votes(run.parts, START_US, at(60)), time_us)
    votes = merge_votes(run.parts, START_US, at(60), all_origins_bin_us=300 * US)
    with pytest.raises(ValueError, match="votes on whole tables hold no routes"):
        routes_in(votes, START_US)
    assert routes_at([], START_US).path.shape == (0, 0)


@pytest.mark.parametrize(
    ("names", "window"),
    [
        (["jinx-rrc06-2014-05-30/routeviews.route-views.jinx.ribs.1401487200.bz2"], (1401487200, 1401487500)),
        (["route-views2-2008-02-19/updates.20080219.0015.bz2"], (1203380100, 1203381000)),
    ],
    ids=["table", "updates"],
)
def test_whole_paths_of_real_files_are_those_that_bgpdump_prints(shared_data, names, window):
    """Two-octet AS numbers, sets and prepending among them; each peer's last word on each prefix counts."""
    if not shutil.which("bgpdump"):
        pytest.skip("bgpdump is not installed (make test-system)")
    files = [shared_data / "mrt" / name for name in names]
    run = replay_archives(Window(*(second * US for second in window)), files, watch=watch_all)
    text = subprocess.run(["bgpdump", "-m", *map(str, files)], capture_output=True, check=True).stdout
    expected = folded(text.decode("latin-1").splitlines(), window[1] - 1)
    assert len(expected) > 20_000
    found = table_of(routes_at(run.parts, window[1] * US - 1))
    differ = [(key, found.get(key), path) for key, path in expected.items() if found.get(key) != path]
    assert differ[:5] == []
    assert len(found) == len(expected)
