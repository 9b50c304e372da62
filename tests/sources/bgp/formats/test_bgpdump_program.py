"""Lines against those of the program itself (bgpdump 1.6.2), on records made here: every kind, and each of its faults.

random_mrt.py makes what bgpdump reads rightly; the two must agree on it line for line. Where bgpdump is wrong by the
RFC, a test here shows what it prints and what is right, so that nothing is called its fault that is ours.
"""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.attributes import CONFED_SEQUENCE, SEQUENCE, SET
from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.sources.bgp.formats.random_mrt import attribute, record, records, segment
from tests.sources.bgp.formats.test_bgpdump import (
    CUT,
    HOP,
    NARROW,
    ORIGIN,
    PATH,
    PREFIX,
    PREFIX6,
    SESSION,
    UNCUT,
    message,
    path_record,
    reach,
    rib,
)

pytestmark = pytest.mark.skipif(shutil.which("bgpdump") is None, reason="bgpdump is not installed")


def ours(data: bytes) -> list[str]:
    peers, text, lines = PeerTable(), BgpdumpText(), []
    reader = MrtReader([data], peers)
    for block in reader:
        lines += text.lines(block, peers, np.arange(len(block.time_us)))
    assert (reader.bad, reader.damage) == ([], None)
    return lines


def theirs(folder: Path, data: bytes) -> tuple[list[str], list[str]]:
    """Lines, and complaints: with -v they go to stderr."""
    file = folder / "records.mrt"
    file.write_bytes(data)
    done = subprocess.run(["bgpdump", "-v", "-m", file], capture_output=True, text=True, timeout=60, check=False)
    complaints = [each for each in done.stderr.splitlines() if each and "logging to" not in each]
    return done.stdout.splitlines(keepends=True), complaints + ([f"exit {done.returncode}"] if done.returncode else [])


@pytest.mark.parametrize("seed", range(8))
def test_random_records_of_every_kind_print_the_same(seed, tmp_path):
    data = b"".join(records(seed, 1000))
    lines, complaints = theirs(tmp_path, data)
    assert complaints == []
    found = ours(data)
    assert len(found) > 2000
    for line, wanted in zip(found, lines, strict=True):
        assert line == wanted


@pytest.mark.parametrize("numbers", [UNCUT, *CUT.values()])
def test_long_paths_are_cut_in_the_same_place(numbers, tmp_path):
    data = path_record(numbers)
    assert (ours(data), []) == theirs(tmp_path, data)


@pytest.mark.parametrize("count", [600, 700, 720, 746, 1000])
def test_many_communities_are_cut_in_the_same_place(count, tmp_path):
    values = struct.pack(f"!{count}I", *(64500 << 16 | 10000 + at for at in range(count)))
    data = record(1, 16, 4, SESSION + message(ORIGIN + PATH + HOP + attribute(8, values), PREFIX))
    assert (ours(data), []) == theirs(tmp_path, data)


def test_one_attribute_of_odd_contents_prints_the_same(tmp_path):
    data = b"".join(
        record(1, 16, 4, SESSION + message(each + HOP, PREFIX))
        for each in (
            attribute(1, b"\3") + PATH,
            ORIGIN + attribute(2, b"\2\x09\0"),  # runs past its end
            ORIGIN + attribute(2, b"\7\0"),  # no such segment
            ORIGIN + attribute(2, segment(SEQUENCE, [], 4) + segment(SEQUENCE, [1], 4)),
            ORIGIN + attribute(2, segment(SET, [], 4) + segment(SEQUENCE, [1], 4) + segment(SET, [], 4)),
            ORIGIN + PATH + attribute(7, struct.pack("!I", 1) + b"\xff\xff\xff\xff"),
            ORIGIN + PATH + attribute(8, b"\0\1\0\2\0"),  # an octet too many
        )
    )
    assert (ours(data), []) == theirs(tmp_path, data)


def wide_path(*segments: bytes) -> bytes:
    return attribute(17, b"".join(segments), 0xC0)


# name: (why, record, what bgpdump prints, what is right); both are parts of the one line, or None for no line.
FAULTS = {
    "numbers of MP_REACH_NLRI": (
        "RFC 4271 section 4.3: MED and LOCAL_PREF have no sign",
        record(
            1,
            16,
            4,
            SESSION
            + message(
                reach(1, 1, bytes([192, 0, 2, 9]), PREFIX) + ORIGIN + PATH + attribute(4, struct.pack("!I", 2**32 - 2))
            ),
        ),
        "|192.0.2.9|0|-2|",
        "|192.0.2.9|0|4294967294|",
    ),
    "trailing bits": (
        "RFC 4271 section 4.3: the value of bits behind the prefix length is irrelevant",
        record(1, 16, 4, SESSION + message(ORIGIN + PATH + HOP, bytes([13, 11, 13]))),
        "|11.13.0.0/13|",
        "|11.8.0.0/13|",
    ),
    "IPv6 tables of four octets": (
        "subtype 4 of TABLE_DUMP is bgpdump's own; its other texts call it IPv6",
        record(
            1,
            12,
            4,
            bytes(4)
            + bytes.fromhex("20010db8000000000000000000000000 20 01 00000000 20010db8000000000000000000000001")
            + struct.pack("!IH", 64500, len(ORIGIN)) + ORIGIN,
        ),
        "|32.1.13.184|64500|32.1.13.184/32|",
        "|2001:db8::1|64500|2001:db8::/32|",
    ),
    "merging past the first segment": (
        "RFC 6793 section 4.2.3: the leading part of AS_PATH is kept",
        record(
            1,
            16,
            1,
            NARROW
            + message(
                ORIGIN
                + attribute(2, segment(SET, [1, 2], 2) + segment(SEQUENCE, [3, 23456], 2))
                + HOP
                + wide_path(segment(SEQUENCE, [70000], 4)),
                PREFIX,
            ),
        ),
        "|{1,2} {1,2} 70000|",
        "|{1,2} 3 70000|",
    ),
    "confederations in AS4_PATH": (
        "RFC 6793 section 6: such segments must be discarded",
        record(
            1,
            16,
            1,
            NARROW
            + message(
                ORIGIN
                + attribute(2, segment(SEQUENCE, [1, 23456], 2))
                + HOP
                + wide_path(segment(CONFED_SEQUENCE, [65001], 4), segment(SEQUENCE, [70000], 4)),
                PREFIX,
            ),
        ),
        "|(65001) 70000|",
        "|1 70000|",
    ),
    "withdrawals of the deprecated type": (
        "RFC 6396 appendix B.2: prefixes are the withdrawn ones",
        record(1, 5, 1, struct.pack("!HIHIH", 3333, 0xC1000038, 64999, 0, len(PREFIX)) + PREFIX + bytes(2)),
        "BGP|1|W|193.0.0.56|3333|193.0.0.56/22",
        "BGP|1|W|193.0.0.56|3333|175.45.176.0/22",
    ),
    "receivers of local withdrawals": (
        "RFC 6396 section 4.4: the session is of IPv4",
        record(
            1, 16, 7, SESSION + message(attribute(15, struct.pack("!HB", 2, 1) + PREFIX6, 0x80))
        ),
        "BGP4MP_LOCAL|1|W|c000:201::|64500|2001:db8::/32",
        "BGP4MP_LOCAL|1|W|192.0.2.1|64500|2001:db8::/32",
    ),
    "AS4_AGGREGATOR before AGGREGATOR": (
        "RFC 4271 section 5: attributes may come in any order; bgpdump aborts",
        record(
            1,
            16,
            1,
            NARROW
            + message(
                ORIGIN
                + attribute(2, segment(SEQUENCE, [1], 2))
                + HOP
                + attribute(18, struct.pack("!I", 131279) + bytes([192, 0, 2, 8]), 0xC0)
                + attribute(7, struct.pack("!H", 23456) + bytes([192, 0, 2, 7]), 0xC0),
                PREFIX,
            ),
        ),
        None,
        "|NAG|131279 192.0.2.8|",
    ),
    "an attribute twice": (
        "RFC 7606 section 3 g: all but the first are discarded; bgpdump aborts",
        record(
            1,
            16,
            4,
            SESSION
            + message(
                ORIGIN + PATH + HOP + attribute(4, struct.pack("!I", 7)) + attribute(4, struct.pack("!I", 8)), PREFIX
            ),
        ),
        None,
        "|0|7||NAG||",
    ),
    "path identifiers that the subtype does not announce": (
        "RFC 8050 section 3: writers before it had no other subtype",
        record(1, 16, 4, SESSION + message(ORIGIN + PATH + HOP, struct.pack("!I", 1) + PREFIX)),
        "|0.0.0.0/0|",
        "|175.45.176.0/22|",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_where_bgpdump_is_wrong_the_line_is_right(name, tmp_path):
    why, data, wrong, right = FAULTS[name]
    lines, _ = theirs(tmp_path, data)
    assert (wrong in lines[0]) if wrong else not lines, why
    (line,) = ours(data)
    assert right in line, why


def test_tables_that_bgpdump_passes_over_print_nothing(tmp_path):
    data = rib(3, ORIGIN + PATH + HOP) + rib(2, ORIGIN + PATH + HOP)
    assert (ours(data), []) == theirs(tmp_path, data)
    assert len(ours(data)) == 1
