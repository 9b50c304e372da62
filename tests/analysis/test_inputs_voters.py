"""Whose word counts: path identifiers, tables that are not known, odd tables, sessions that end, data that stop."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from duskwatch.publication.markdown import to_markdown
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import Report
from duskwatch.records.times import HOUR, MINUTE, SECOND
from duskwatch.sources.bgp.formats import mrt_write as mrt
from tests.analysis.test_faults import report
from tests.small_archive import OTHERS, OWN, START, Archive, analyze, at, replay

EXTRA = tuple(Prefix.parse(f"11.{n // 256}.{n % 256}.0/24") for n in range(1500))


def minutes(found: Report) -> list[tuple[float, float]]:
    """Onset and end of each outage, minutes from the start of the window."""
    return [
        ((outage.onset.best_us - found.from_us) / MINUTE, (outage.end.best_us - found.from_us) / MINUTE)
        for outage in found.outages
        if outage.end is not None
    ]


def about(*spans: tuple[float, float]) -> list[tuple[object, object]]:
    return [(pytest.approx(a, abs=0.2), pytest.approx(b, abs=0.2)) for a, b in spans]


def lost_and_asked(found: Report) -> tuple[int, int]:
    """Voters that lost the first outage's prefixes, of those that had held them."""
    seen = found.coverage.witnesses[0]
    assert seen is not None
    return seen.lost, seen.asked


def test_a_path_identifier_of_0_is_one_like_any_other() -> None:
    assert report("01-path-id-zero").outages == ()


def test_one_collector_without_a_dump_takes_the_vote_from_nobody() -> None:
    found = report("02-one-collector-lacks-its-dump")
    assert minutes(found) == about((120, 240))
    assert not found.history.learned
    assert any("rrc04: no table dump" in text for text in found.warnings)


def test_one_large_table_takes_the_vote_from_nobody() -> None:
    found = report("03-one-large-table")
    assert minutes(found) == about((120, 240))
    assert lost_and_asked(found) == (8, 9)


def test_a_session_that_ends_and_begins_by_messages_takes_its_table_with_it() -> None:
    found = report("09-session-end-told-by-messages")
    ((begin, end),) = minutes(found)
    assert (120 <= begin <= 125, end) == (True, pytest.approx(240, abs=0.2))
    assert found.outages[0].onset.earliest_us >= found.from_us + 2 * HOUR
    assert {gap.reason for gap in found.history.gaps} == {"session down"}
    text = to_markdown(found)
    assert "Both that held a route stopped watching as it began: sessions ended" in text
    assert "None of them is known to have held" not in text


def test_a_dump_without_routes_is_none_and_is_named() -> None:
    found = report("15-dump-without-routes")
    assert found.history.learned
    assert any("bview.20141222.0000.gz holds no route" in text for text in found.warnings)
    assert [file.kind for file in found.inputs if file.name.startswith("bview")] == ["mrt"]


OWN6 = tuple(Prefix.parse(f"2001:db8:{n}::/48") for n in range(4))
OTHERS6 = tuple(Prefix.parse(f"2001:db8:{n:x}::/48") for n in range(0x100, 0x120))


def six_route(peer: mrt.Peer) -> mrt.Route:
    return mrt.Route((peer.asn, 3356, 64800), "2001:db8::1")


def ipv6_archive() -> Archive:
    """Peers tell IPv6 by updates in the first minutes, and lose a part of it for an hour."""
    made = Archive({"rrc00": 4})
    made.talk()
    for k, peer in enumerate(made.peers()):
        made.said[peer].append((600 + k, mrt.announce(six_route(made.peer(peer)), (*OTHERS6, *OWN6))))
        made.said[peer] += [(6000 + k, mrt.withdraw(OWN6)), (9600 + k, mrt.announce(six_route(made.peer(peer)), OWN6))]
    return made


def test_a_dump_of_ipv4_alone_does_not_vouch_for_ipv6(tmp_path: Path) -> None:
    """Whole tables are known of IPv4 alone: an IPv6 prefix that one peer has not mentioned is not lost by it."""
    archive = ipv6_archive()
    found = replay(archive, archive.write(tmp_path / "mrt"), tmp_path, entity="2001:db8::/46")
    assert found.history.learned
    assert any("routes of IPv4 alone, and updates tell of IPv6" in text for text in found.warnings)
    level = found.history.level
    # Announcements of the four peers come a second after each other; meanwhile nobody is taken to lack the prefixes.
    early = level.time_us < at(15)
    assert set(np.nan_to_num(level.slash48[early]).tolist()) <= {0.0, 4.0}
    four = replay(archive, tmp_path / "mrt", tmp_path)
    assert not four.history.learned
    assert four.outages == ()


def test_dumps_of_one_family_each_are_both_whole(tmp_path: Path) -> None:
    """BIRD writes master4 and master6 into files of their own: the second is no contradiction of the first."""
    archive = Archive({"rrc00": 4})
    archive.talk()
    archive.lose(archive.peers(), 100, 160)
    for k, peer in enumerate(archive.peers()):
        back = mrt.announce(six_route(archive.peer(peer)), OWN6)
        archive.said[peer] += [(7200 + k, mrt.withdraw(OWN6)), (10800 + k, back)]
    folder = archive.write(tmp_path / "mrt")
    peers = [archive.peer(peer) for peer in archive.peers()]
    raw = mrt.rib_attributes(mrt.Route((64500, 64600), "2001:db8::1"))
    dump = mrt.peer_index_table(START, "198.51.100.1", peers)
    for number, prefix in enumerate((*OTHERS6, *OWN6)):
        dump += mrt.rib(START, number, prefix, [(place, START, raw) for place in range(4)])
    (path,) = folder.rglob("bview*")
    path.with_name("bview.20200302.0000.master6.gz").write_bytes(gzip.compress(dump))
    six = replay(archive, folder, tmp_path, entity="2001:db8::/46")
    assert (minutes(six), six.history.learned) == (about((120, 180)), False)
    four = replay(archive, folder, tmp_path)
    assert (minutes(four), four.history.learned) == (about((100, 160)), False)
    assert not any("differs from the table dump" in gap.reason for gap in (*six.history.gaps, *four.history.gaps))


def test_a_dump_of_ipv6_alone_tells_nothing_of_ipv4(tmp_path: Path) -> None:
    """Peers send their IPv4 tables in the first minutes: what nobody has mentioned is unknown, not lost."""
    made = Archive({"rrc00": 4})
    made.talk()
    for k, peer in enumerate(made.peers()):
        made.send_table(peer, 10 + k, without=OWN)
        made.said[peer].append((1800, made.announcement(peer, OWN)))
    made.lose(made.peers(), 100, 160)
    folder = made.write(tmp_path / "mrt")
    six = Prefix.parse("2001:db8::/32")
    peers = [made.peer(peer) for peer in made.peers()]
    raw = mrt.rib_attributes(mrt.Route((64500, 64600), "2001:db8::1"))
    dump = mrt.peer_index_table(START, "198.51.100.1", peers)
    dump += mrt.rib(START, 0, six, [(place, START, raw) for place in range(4)])
    (path,) = folder.rglob("bview*")
    path.write_bytes(gzip.compress(dump))
    found = replay(made, folder, tmp_path)
    assert found.history.learned
    assert any("routes of IPv6 alone" in text for text in found.warnings)
    level = found.history.level
    before = level.slash24[(level.time_us >= at(6)) & (level.time_us < at(30))]
    assert not (before == 0).any()


def test_records_that_end_before_the_window_leave_a_gap() -> None:
    found = report("16-records-end-before-the-window", until="2014-12-23T00:00Z")
    last = found.from_us + 16 * HOUR
    assert {(gap.from_us <= last, gap.until_us) for gap in found.history.gaps} == {(True, found.until_us)}
    assert not found.history.level.voters[-1] > 0


# The brothers of each kind.


def with_paths(tmp_path: Path, archive: Archive, ids: tuple[int, int], gone: int, back: bool) -> Report:
    """Peers hold the prefixes by two paths, as the dump says; one path is withdrawn at minute 100."""
    second = START
    peers = archive.peers("rrc00")
    dump = mrt.peer_index_table(second, "198.51.100.1", [archive.peer(peer) for peer in peers])
    for number, prefix in enumerate(sorted((*OTHERS, *OWN))):
        entries = b""
        for place, peer in enumerate(peers):
            raw = mrt.rib_attributes(archive.route(peer, prefix))
            for path in ids if prefix in OWN else ids[:1]:
                entries += struct.pack("!HIIH", place, second, path, len(raw)) + raw
        count = len(peers) * (2 if prefix in OWN else 1)
        body = struct.pack("!I", number) + mrt.nlri([prefix]) + struct.pack("!H", count) + entries
        dump += struct.pack("!IHHI", second, 13, 8, len(body)) + body
    local = mrt.Peer(64499, "198.51.100.1", "198.51.100.1")
    said = []
    for peer in peers:
        for minute in range(1, 60 * int(archive.hours), 2):
            prefix = OTHERS[minute % len(OTHERS)]
            said.append((minute * 60, peer, with_id(mrt.announce(archive.route(peer, prefix), [prefix]), ids[0], 1)))
        field = b"".join(struct.pack("!I", gone) + mrt.nlri([prefix]) for prefix in OWN)
        said.append((6000, peer, mrt.update(field, b"", b"")))
        if back:
            said.append((9000, peer, with_id(mrt.announce(archive.route(peer, OWN[0]), list(OWN)), gone, 4)))
    records = b""
    for when, peer, message in sorted(said, key=lambda row: row[0]):
        body = mrt.session_header(archive.peer(peer), local) + message
        records += struct.pack("!IHHI", second + when, 16, 9, len(body)) + body
    folder = tmp_path / "mrt" / "rrc00"
    folder.mkdir(parents=True)
    (folder / "bview.20200302.0000.gz").write_bytes(gzip.compress(dump))
    (folder / "updates.20200302.0000.gz").write_bytes(gzip.compress(records))
    return replay(archive, tmp_path / "mrt", tmp_path)


def with_id(message: bytes, path_id: int, prefixes: int) -> bytes:
    """An announcement of some /24s with a path identifier before each."""
    field = message[-4 * prefixes :]
    told = b"".join(struct.pack("!I", path_id) + field[k : k + 4] for k in range(0, len(field), 4))
    body = message[19 : -4 * prefixes] + told
    return message[:16] + struct.pack("!HB", 19 + len(body), 2) + body


@pytest.mark.parametrize(("ids", "gone"), [((0, 1), 0), ((1, 0), 1), ((5, 0), 0), ((0, 0xFFFFFFFF), 0xFFFFFFFF)])
def test_a_path_that_a_dump_told_is_withdrawn_by_its_identifier_alone(
    tmp_path: Path, ids: tuple[int, int], gone: int
) -> None:
    assert with_paths(tmp_path, Archive({"rrc00": 4}), ids, gone, back=True).outages == ()


def test_the_only_path_of_identifier_0_is_lost_by_its_withdrawal(tmp_path: Path) -> None:
    found = with_paths(tmp_path, Archive({"rrc00": 4}), (0, 0), 0, back=True)
    assert minutes(found) == about((100, 150))


@pytest.mark.parametrize("dumps", [("rrc00",), ("rrc00", "rrc01")])
def test_collectors_without_dumps_hide_nothing_that_those_with_one_show(tmp_path: Path, dumps: tuple[str, ...]) -> None:
    """Of one the table is known, or of two; the others speak of the prefixes only as they lose them, or never."""
    made = Archive(dict.fromkeys(("rrc00", "rrc01", "rrc02", "rrc03"), 4))
    made.talk()
    made.lose([peer for peer in made.peers() if peer[0] in dumps], 100, 160)
    folder = made.write(tmp_path / "mrt")
    for path in folder.rglob("bview*"):
        if path.parts[-3] not in dumps:
            path.unlink()
    assert minutes(replay(made, folder, tmp_path)) == about((100, 160))


def test_a_dump_in_the_middle_of_the_window_counts_from_then_on(tmp_path: Path) -> None:
    made = Archive({"rrc00": 5})
    made.talk()
    made.lose(made.peers(), 150, 200)
    found = analyze(made, tmp_path, dumps=(60,))
    assert minutes(found) == about((150, 200))
    assert not found.history.learned


@pytest.mark.parametrize("grows_by", [40, 150, 1500])
@pytest.mark.parametrize("when", [None, 90])
def test_a_leak_of_one_peer_takes_the_vote_from_nobody(tmp_path: Path, grows_by: int, when: int | None) -> None:
    """Before the window begins (its first minute), or within it."""
    made = Archive({"rrc00": 4, "rrc01": 4})
    made.talk()
    first, *rest = made.peers()
    for k in range(0, grows_by, 100):
        message = made.announcement(first, EXTRA[k : min(k + 100, grows_by)])
        made.said[first].append(((when or 0) * 60 + k / 100, message))
    made.lose(rest, 100, 160)
    found = analyze(made, tmp_path)
    assert minutes(found) == about((100, 160))
    assert lost_and_asked(found) == (7, 8)


@pytest.mark.parametrize("extra", [30, 100, 600])
def test_an_odd_table_in_the_dump_itself(tmp_path: Path, extra: int) -> None:
    made = Archive({"rrc00": 4, "rrc01": 4})
    made.talk()
    odd, *rest = made.peers()
    made.lose(rest, 100, 160)
    folder = made.write(tmp_path / "mrt")
    (path,) = (folder / "rrc00").rglob("bview*")
    raw = mrt.rib_attributes(made.route(odd, OTHERS[0]))
    more = [mrt.rib(START, 100 + k, prefix, [(0, START, raw)]) for k, prefix in enumerate(EXTRA[:extra])]
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"".join(more)))
    found = replay(made, folder, tmp_path)
    assert minutes(found) == about((100, 160))
    assert lost_and_asked(found) == (7, 8)


def test_two_sessions_of_one_as_are_no_two_that_agree(tmp_path: Path) -> None:
    """The odd table is told twice, by one AS at two collectors."""
    made = Archive({"rrc00": 4, "rrc01": 4})
    made.talk()
    odd = [("rrc00", 0), ("rrc01", 0)]
    own = made.peer
    made.peer = lambda peer: mrt.Peer(65000, own(peer).address, own(peer).bgp_id) if peer in odd else own(peer)  # type: ignore[method-assign]
    for peer in odd:
        made.said[peer].append((1, made.announcement(peer, EXTRA[:45])))
    made.lose([peer for peer in made.peers() if peer not in odd], 100, 160)
    found = analyze(made, tmp_path)
    assert minutes(found) == about((100, 160))
    assert lost_and_asked(found) == (6, 8)


def test_a_voter_whose_table_shrinks_slowly_is_told_to_have_lost_the_vote(tmp_path: Path) -> None:
    made = Archive({"rrc00": 4})
    made.talk()
    first = made.peers()[0]
    made.said[first] = [row for row in made.said[first] if row[0] < 3600]
    for k, prefix in enumerate(OTHERS[:40]):
        made.said[first].append((3600 + 90 * k, mrt.withdraw([prefix])))
    made.keep_alive([first], 60, 240)
    found = analyze(made, tmp_path)
    (gap,) = [gap for gap in found.history.gaps if gap.reason == "its table is less than a full feed"]
    assert (gap.until_us, "AS64500" in gap.source) == (found.until_us, True)


@pytest.mark.parametrize("message", ["open", "notification", "both"])
def test_a_new_session_without_a_state_record(tmp_path: Path, message: str) -> None:
    """The table comes again without the prefixes; a single peer may restart, or all."""
    made = Archive({"rrc00": 4})
    made.talk()
    for k, peer in enumerate(made.peers()):
        if message != "open":
            made.said[peer].append((6000 + k, mrt.message(3, b"\6\2")))
        if message != "notification":
            made.said[peer].append((6010 + k, mrt.open_message(64500 + k, "192.0.2.1")))
        made.send_table(peer, 100.5, without=OWN)
        made.said[peer].append((9600 + k, made.announcement(peer, OWN)))
    ((begin, end),) = minutes(analyze(made, tmp_path))
    assert 100 <= begin <= 105.1
    assert end == pytest.approx(160, abs=0.2)


def test_the_session_of_one_peer_that_begins_anew_is_no_outage(tmp_path: Path) -> None:
    made = Archive({"rrc00": 4})
    made.talk()
    first = made.peers()[0]
    made.said[first].append((6010, mrt.open_message(64500, "192.0.2.1")))
    made.send_table(first, 100.5)
    found = analyze(made, tmp_path)
    assert found.outages == ()
    assert [(gap.from_us, gap.reason) for gap in found.history.gaps] == [(at(0) + 6010 * SECOND, "session down")]


@pytest.mark.parametrize("which", [("rrc00",), ("rrc00", "rrc01")])
def test_collectors_that_die_before_the_window_ends(tmp_path: Path, which: tuple[str, ...]) -> None:
    made = Archive({"rrc00": 4, "rrc01": 4})
    made.talk()
    made.silence([peer for peer in made.peers() if peer[0] in which], 90, 240)
    found = analyze(made, tmp_path)
    assert found.outages == ()
    level = found.history.level
    late = np.nan_to_num(level.voters[np.searchsorted(level.time_us, at(151), side="right") - 1 :])
    assert set(late.tolist()) == {8 - 4 * len(which)}
    silent = [gap for gap in found.history.gaps if gap.reason == "nothing heard for an hour"]
    assert {gap.until_us for gap in silent} == {found.until_us}
    assert len(silent) == 4 * len(which)
