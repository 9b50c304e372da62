"""The generated archives hold what the case says, and the traps; folded by a slow twin over bgpdump's output."""

import hashlib
import json
import random
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from duskwatch.cases.build import build_case
from duskwatch.cases.plot import gaining_rank, losing_rank, spread
from duskwatch.cases.toml_table import CaseError
from duskwatch.cli.case import app
from duskwatch.records.prefix import Prefix
from duskwatch.records.times import parse_time
from tests.cases.fold import archive_bytes, bgpdump_lines, files_of, fold_case

ONSET = parse_time("2014-12-22T16:15Z") // 1_000_000
RETURN = parse_time("2014-12-23T01:46Z") // 1_000_000


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_spread_over_peers_puts_the_deciding_one_at_zero():
    rng = random.Random(5)
    for voters in range(1, 40):
        for rank in (losing_rank(voters), gaining_rank(voters)):
            offsets = sorted(spread(rng, voters, rank, 300, 60))
            assert len(offsets) == voters
            assert offsets[rank] == 0
            assert offsets[0] >= -300
            assert offsets[-1] <= 60


@pytest.mark.parametrize("voters", range(1, 12))
def test_the_ranks_are_those_of_more_than_half(voters):
    held_after_loss = voters - losing_rank(voters) - 1
    assert 2 * held_after_loss <= voters < 2 * (held_after_loss + 1)
    held_after_gain = gaining_rank(voters) + 1
    assert 2 * (held_after_gain - 1) <= voters < 2 * held_after_gain


def test_the_same_seed_makes_the_same_files_and_another_does_not(small_case, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        build_case(small_case, tmp_path / name, seed=seed)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    assert sum(a[name] != c[name] for name in a) > len(a) / 2


def test_a_larger_scale_makes_a_larger_background(small_case, tmp_path):
    small = build_case(small_case, tmp_path / "one", scale=1)
    large = build_case(small_case, tmp_path / "three", scale=3)
    assert large.size_bytes > 2 * small.size_bytes


@pytest.mark.parametrize("scale", [0, -1, float("nan"), 1e6])
def test_a_scale_out_of_bounds_is_refused(small_case, tmp_path, scale):
    with pytest.raises(CaseError, match="scale"):
        build_case(small_case, tmp_path / "out", scale=scale)


def test_a_scale_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(CaseError, match="use a smaller one"):
        build_case("north-korea-2014", tmp_path / "out", scale=90)


def test_a_folder_with_other_things_in_it_is_left_alone(small_case, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(CaseError, match="other things"):
        build_case(small_case, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_second_build_leaves_nothing_of_the_first(small_case, tmp_path):
    text = (small_case / "case.toml").read_text()
    build_case(small_case, tmp_path / "out")
    (small_case / "case.toml").write_text(text.replace("rrc97", "rrc96"))
    build_case(small_case, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "mrt").iterdir()) == ["route-views.stage", "rrc96"]


def test_a_case_needs_only_a_folder_with_a_toml(small_case, tmp_path):
    built = build_case(small_case, tmp_path / "out")
    lost = fold_case(built.out, voters_of(built), tmp_path, 60)
    begin = parse_time("2020-03-01T02:05Z") // 1_000_000
    end = parse_time("2020-03-01T03:00Z") // 1_000_000
    assert lost["192.88.0.0/23"] == [[begin - 5, end]]
    assert lost["192.88.2.0/24"] == [[begin, end + 5]]
    holders = set()
    for collector in built.mrt.iterdir():
        _, updates = files_of(collector)
        chosen = [path for path in updates if path.name.startswith("updates.20200301.0") and path.name[17:21] < "0500"]
        data = b"".join(archive_bytes(path) for path in chosen)
        for line in bgpdump_lines(data, tmp_path):
            fields = line.split("|")
            if fields[2] == "W" and fields[5] == "192.88.0.0/23":
                holders.add((collector.name, fields[3]))
    assert len(voters_of(built) - holders) == 2


def voters_of(built):
    truth = json.loads(built.truth.read_text())
    return {
        (collector, peer["address"])
        for collector, peers in truth["collectors"].items()
        for peer in peers
        if peer["feed"] == "full"
    }


@pytest.fixture(scope="module")
def north_korea_lost(north_korea, tmp_path_factory):
    """Seconds without a majority by prefix, over the whole window."""
    return fold_case(north_korea.out, voters_of(north_korea), tmp_path_factory.mktemp("fold"), 150)


def all_lost(lost, prefixes):
    """Stretches in which no prefix has a majority."""
    steps = sorted(step for prefix in prefixes for a, b in lost[prefix] for step in ((a, -1), (b, 1)))
    left, out = len(prefixes), []
    for second, change in steps:
        left += change
        if left == 0:
            out.append([second])
        elif change == 1 and left == 1:
            out[-1].append(second)
    return out


def test_all_four_networks_are_gone_in_the_published_outages_and_only_then(north_korea, north_korea_lost):
    prefixes = [str(prefix) for prefix in north_korea.case.prefixes]
    found = all_lost(north_korea_lost, prefixes)
    expected = [(loss.from_us // 1_000_000, loss.until_us // 1_000_000) for loss in north_korea.case.losses]
    assert len(found) == len(expected) == 4
    for (begin, end), (wanted_begin, wanted_end) in zip(found, expected, strict=True):
        assert abs(begin - wanted_begin) <= 5
        assert abs(end - wanted_end) <= 5
    main = next((begin, end) for begin, end in found if abs(begin - ONSET) < 60)
    assert abs(main[1] - RETURN) < 60
    assert round((main[1] - main[0]) / 60) == 9 * 60 + 31


def test_each_network_goes_within_a_minute_before_the_onset_and_returns_within_one(north_korea, north_korea_lost):
    for prefix in north_korea.case.prefixes:
        begin, end = next((a, b) for a, b in north_korea_lost[str(prefix)] if b - a > 9 * 3600)
        assert ONSET - 60 <= begin <= ONSET
        assert RETURN <= end <= RETURN + 60


def test_the_folded_losses_are_those_of_the_truth_file(north_korea, north_korea_lost):
    truth = json.loads(north_korea.truth.read_text())
    told = {}
    for row in truth["majority_lost"]:
        span = [parse_time(row[key]) // 1_000_000 for key in ("from", "until")]
        told.setdefault(row["prefix"], []).append(span)
    for prefix in map(str, north_korea.case.prefixes):
        assert north_korea_lost[prefix] == sorted(told[prefix])


def test_before_the_outage_single_networks_are_lost_for_less_than_eight_minutes(north_korea, north_korea_lost):
    before = [
        (a, b) for prefix in map(str, north_korea.case.prefixes) for a, b in north_korea_lost[prefix] if b < ONSET
    ]
    assert len(before) > 30
    assert max(b - a for a, b in before) < 8 * 60
    assert max(sum(a <= at < b for a, b in before) for at, _ in before) == 2


def test_no_country_of_the_background_loses_a_network_for_two_minutes(north_korea, north_korea_lost):
    own = {str(prefix) for prefix in north_korea.case.prefixes}
    spans = [span for prefix, spans in north_korea_lost.items() if prefix not in own for span in spans]
    voted = [prefix for prefix in north_korea_lost if Prefix.parse(prefix).afi == 1]
    assert len(voted) > 50
    # IPv6 peers are no voters here; all prefixes of voters are IPv4.
    assert all(len(span) == 2 and span[1] - span[0] < 120 for span in spans)


def test_the_reset_of_a_collector_is_in_its_files(north_korea, tmp_path):
    _, updates = files_of(north_korea.mrt / "rrc97")
    data = b"".join(archive_bytes(path) for path in updates if "20141220.03" in path.name)
    lines = bgpdump_lines(data, tmp_path)
    states = [line.split("|") for line in lines if "|STATE|" in line]
    peers = {fields[3] for fields in states}
    assert len(peers) == 9
    assert {fields[3] for fields in states if fields[5:7] == ["6", "1"]} == peers
    back = {fields[3]: int(fields[1]) for fields in states if fields[6] == "6"}
    assert back.keys() == peers
    resent = {}
    for line in lines:
        fields = line.split("|")
        if fields[2] == "A" and back[fields[3]] <= int(fields[1]) <= back[fields[3]] + 130:
            resent.setdefault(fields[3], set()).add(fields[5])
    dumps, _ = files_of(north_korea.mrt / "rrc97")
    held = {}
    for line in bgpdump_lines(archive_bytes(next(path for path in dumps if "20141220.0800" in path.name)), tmp_path):
        fields = line.split("|")
        held.setdefault(fields[3], set()).add(fields[5])
    assert min(len(resent[peer] & held[peer]) / len(held[peer]) for peer in peers) > 0.99


def test_one_update_file_is_missing(north_korea):
    names = {collector.name: {path.name for path in files_of(collector)[1]} for collector in north_korea.mrt.iterdir()}
    assert names["rrc97"] - names["rrc98"] == {"updates.20141225.0935.gz"}
    assert not names["rrc98"] - names["rrc97"]
    assert len(names["rrc97"]) == 11 * 288
    assert len(names["route-views.stage"]) == 11 * 96


def test_one_session_is_lost_during_the_outage(north_korea, tmp_path):
    _, updates = files_of(north_korea.mrt / "rrc98")
    data = b"".join(archive_bytes(path) for path in updates if "20141222.20" in path.name)
    states = [line.split("|") for line in bgpdump_lines(data, tmp_path) if "|STATE|" in line]
    assert len({fields[3] for fields in states}) == 1
    assert [fields[5:7] for fields in states] == [["6", "1"], ["1", "2"], ["2", "4"], ["4", "5"], ["5", "6"]]


def test_a_partial_peer_keeps_the_routes_throughout_the_outage(north_korea, tmp_path):
    dumps, _ = files_of(north_korea.mrt / "route-views.stage")
    lines = bgpdump_lines(archive_bytes(next(path for path in dumps if "20141223.0000" in path.name)), tmp_path)
    peers = {line.split("|")[3] for line in lines if "|175.45." in line}
    assert len(peers) == 1
    assert not peers & {address for _, address in voters_of(north_korea)}


def test_every_full_feed_peer_speaks_twice_an_hour(north_korea):
    for collector in north_korea.mrt.iterdir():
        spoke = {}
        _, updates = files_of(collector)
        for path in updates:
            data, at = archive_bytes(path), 0
            while at < len(data):
                second, length = int.from_bytes(data[at : at + 4], "big"), int.from_bytes(data[at + 8 : at + 12], "big")
                afi = int.from_bytes(data[at + 22 : at + 24], "big")
                peer = data[at + 24 : at + 28] if afi == 1 else data[at + 24 : at + 40]
                spoke.setdefault(peer, []).append(second)
                at += 12 + length
        begin, end = north_korea.from_us // 1_000_000, north_korea.until_us // 1_000_000
        for seconds in spoke.values():
            steps = [begin, *seconds, end]
            assert max(b - a for a, b in pairwise(steps)) < 1800


def test_all_routes_go_through_the_published_upstream(north_korea, tmp_path):
    dumps, updates = files_of(north_korea.mrt / "rrc98")
    lines = bgpdump_lines(b"".join(archive_bytes(path) for path in (*dumps, *updates)), tmp_path)
    paths = {line.split("|")[6] for line in lines if "|175.45." in line and "|W|" not in line}
    assert len(paths) > 5
    assert all(" 4837 131279" in path for path in paths)


def test_the_delegated_file_says_what_it_is_and_holds_the_published_records(north_korea):
    text = north_korea.geo.read_text()
    assert "re-enactment" in text.splitlines()[0]
    assert "apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated" in text.splitlines()
    assert north_korea.geo.name == "delegated-nro-extended-20141218"
    assert len(north_korea.countries) == 50


def test_the_truth_file_says_that_this_is_a_re_enactment(north_korea):
    truth = json.loads(north_korea.truth.read_text())
    assert "re-enactment" in truth["reenactment"]
    assert "re-enactment" in north_korea.statement
    assert {trap["kind"] for trap in truth["traps"]} == {"collector-reset", "missing-file", "peer-down", "stuck-route"}


def test_the_case_is_small(north_korea):
    assert north_korea.size_bytes < 20e6


def test_progress_counts_every_file(small_case, tmp_path):
    calls = []
    built = build_case(small_case, tmp_path / "out", progress=lambda *call: calls.append(call))
    assert [done for _, done, _ in calls] == list(range(1, built.files + 1))
    assert {total for _, _, total in calls} == {built.files}


def test_the_command_lists_and_builds(small_case, tmp_path):
    run = CliRunner()
    listed = run.invoke(app, ["list"])
    assert "north-korea-2014  KP  2014-12-18T00:00:00Z to 2014-12-29T00:00:00Z" in listed.output
    built = run.invoke(app, ["build", str(small_case), "--out", str(tmp_path / "out")])
    assert built.exit_code == 0, built.output
    assert "duskwatch analyze XK" in built.output
    assert (tmp_path / "out" / "case.json").is_file()


def test_the_command_names_what_is_wrong_in_one_line(tmp_path):
    result = CliRunner().invoke(app, ["build", "atlantis", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
    assert "north-korea-2014" in result.output


def test_every_file_of_a_case_says_by_itself_that_it_is_a_reenactment(small_case, tmp_path):
    """A single file, copied elsewhere under another name, still says so, and so does the report made from it."""
    from duskwatch.analysis.entity import analyze
    from duskwatch.records.entity import Entity
    from duskwatch.sources.bgp.archives.find import find_files
    from duskwatch.sources.bgp.formats.reenactment import SENTENCE

    built = build_case(small_case, tmp_path / "case")
    files, _ = find_files([built.mrt])
    assert len(files) > 10
    for file in files:
        assert file.reenactment == (SENTENCE if file.is_update else built.statement)
    assert built.statement in (built.out / "RE-ENACTMENT.txt").read_text()
    alone = tmp_path / "elsewhere" / "x.gz"
    alone.parent.mkdir()
    update = next(file for file in files if file.is_update and file.path.suffix == ".gz")
    alone.write_bytes(update.path.read_bytes())
    prefix = Entity("prefix", str(built.case.prefixes[0]))
    window = (update.start_us, update.start_us + 300_000_000)
    assert analyze(prefix, *window, [alone]).reenactment == SENTENCE
    assert analyze(prefix, built.from_us, built.until_us, [built.mrt]).reenactment == built.statement
