"""Lines of elems, written out by hand for each kind of record. Without the program: other tests compare with it."""

import struct
from random import Random

import numpy as np
import pytest

from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.attributes import SEQUENCE
from duskwatch.sources.bgp.formats.bgpdump import DUMP, DUMP_V2, PATH_LIMIT, BgpdumpText, address_text
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.sources.bgp.formats.random_mrt import MARKER, attribute, record, segment

SESSION = struct.pack("!IIHH", 64500, 64999, 0, 1) + bytes([192, 0, 2, 1, 192, 0, 2, 254])
NARROW = struct.pack("!HHHH", 64500, 64999, 0, 1) + bytes([192, 0, 2, 1, 192, 0, 2, 254])
SESSION6 = struct.pack("!IIHH", 4200000000, 64999, 0, 2) + bytes.fromhex(
    "20010db8000000000000000000000001 20010db80000000000000000000000fe"
)
ORIGIN, HOP = attribute(1, b"\0"), attribute(3, bytes([192, 0, 2, 9]))
PATH = attribute(2, segment(SEQUENCE, [64500, 131279], 4))
PREFIX = bytes([22, 175, 45, 176])
PREFIX6 = bytes.fromhex("20 20010db8")
INDEX = record(
    1000, 13, 1, bytes(6) + struct.pack("!HBIBBBBI", 1, 2, 0, 192, 0, 2, 1, 64500)
)  # one peer, AS number of four octets


def message(attributes: bytes = b"", nlri: bytes = b"", withdrawn: bytes = b"", kind: int = 2) -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes)) + attributes + nlri
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def reach(afi: int, safi: int, hop: bytes, prefixes: bytes) -> bytes:
    return attribute(14, struct.pack("!HBB", afi, safi, len(hop)) + hop + b"\0" + prefixes, 0x80)


def rib(subtype: int, attributes: bytes, prefix: bytes = PREFIX, path_id: bytes = b"") -> bytes:
    entry = struct.pack("!HI", 0, 0) + path_id + struct.pack("!H", len(attributes)) + attributes
    return INDEX + record(1419264907, 13, subtype, struct.pack("!I", 0) + prefix + struct.pack("!H", 1) + entry)


def lines(data: bytes) -> list[str]:
    peers, text, out = PeerTable(), BgpdumpText(), []
    for block in MrtReader([data], peers):
        out += text.lines(block, peers, np.arange(len(block.time_us)))
    return [line.removesuffix("\n") for line in out]


def line(data: bytes) -> str:
    (one,) = lines(data)
    return one


@pytest.mark.parametrize("kind", ["TABLE_DUMP2", "TABLE_DUMP"])
def test_tails_put_together_of_parts_are_those_of_whole_attributes(kind):
    """Of table entries path and rest are remembered apart; few values in any order, so that both are met again."""
    random, raws, size = Random(1), [], 4 if kind == "TABLE_DUMP2" else 2
    hops = [bytes(15) + bytes([n]) for n in (1, 2)] + [bytes(31) + b"\3"]
    for _ in range(1500):
        hop = random.choice(hops)
        nlri = random.choice((PREFIX6, PREFIX6[:3], b""))
        parts = [
            attribute(2, segment(SEQUENCE, random.choice(([1, 2], [1, 3], [4])), size)),
            attribute(2, random.choice((b"", b"\2", segment(SEQUENCE, [9], size)))),  # may stand first, or be broken
            attribute(1, random.choice((b"\0", b"\2"))),
            attribute(3, random.choice((bytes(4), b"\1\2\3\4", b""))),
            random.choice(
                (attribute(14, bytes([len(hop)]) + hop, 0x80), reach(2, 1, hop, nlri), reach(1, 1, hop, nlri))
            ),
            reach(2, 1, hops[0], b""),
            attribute(8, struct.pack("!HH", 1, random.choice((2, 3)))),
            attribute(17, segment(SEQUENCE, [70000], 4), 0xC0),
        ]
        raw = b"".join(random.sample(parts, random.randint(1, len(parts))))
        raws.append(raw[: random.choice((len(raw), len(raw), random.randint(0, len(raw))))])
    if kind == "TABLE_DUMP2":
        entries = b"".join(struct.pack("!HIH", 0, 0, len(raw)) + raw for raw in raws)
        data = INDEX + record(1, 13, 4, bytes(4) + PREFIX6 + struct.pack("!H", len(raws)) + entries)
        head = "TABLE_DUMP2|1|B|192.0.2.1|64500|2001:db8::/32|"
    else:
        about = bytes(4) + bytes.fromhex("20010db8") + bytes(12) + bytes([32, 1]) + bytes(4 + 15) + b"\1\xfb\xf4"
        data = b"".join(record(1, 12, 2, about + struct.pack("!H", len(raw)) + raw) for raw in raws)
        head = "TABLE_DUMP|1|B|::1|64500|2001:db8::/32|"
    form = DUMP_V2 if kind == "TABLE_DUMP2" else DUMP
    assert lines(data) == [head + BgpdumpText()._tail(raw, form, size, (2, 1)) for raw in raws]


def test_an_announcement_has_every_field():
    attributes = b"".join(
        [
            attribute(1, b"\2"),
            attribute(2, segment(SEQUENCE, [64500], 4) + segment(1, [65536, 1], 4)),
            HOP,
            attribute(4, struct.pack("!I", 4294967295)),
            attribute(5, struct.pack("!I", 2147483648)),
            attribute(6, b""),
            attribute(7, struct.pack("!I", 65536) + bytes([192, 0, 2, 7])),
            attribute(8, struct.pack("!4I", 0xFFFFFF01, 0xFFFFFF02, 0xFFFFFF03, 3356 << 16 | 123)),
        ]
    )
    assert line(record(1419264907, 16, 4, SESSION + message(attributes, PREFIX))) == (
        "BGP4MP|1419264907|A|192.0.2.1|64500|175.45.176.0/22|64500 {65536,1}|INCOMPLETE|192.0.2.9|2147483648|"
        "4294967295|no-export no-advertise local-AS 3356:123|AG|65536 192.0.2.7|"
    )


def test_what_is_absent_is_zero_or_empty():
    assert line(record(1, 16, 4, SESSION + message(ORIGIN + PATH + HOP, PREFIX))) == (
        "BGP4MP|1|A|192.0.2.1|64500|175.45.176.0/22|64500 131279|IGP|192.0.2.9|0|0||NAG||"
    )
    assert line(record(1, 16, 4, SESSION + message(attribute(2, b""), PREFIX))) == (
        "BGP4MP|1|A|192.0.2.1|64500|175.45.176.0/22||INCOMPLETE|255.255.255.255|0|0||NAG||"
    )


def test_withdrawals_and_states():
    assert line(record(1, 16, 4, SESSION6 + message(withdrawn=PREFIX))) == (
        "BGP4MP|1|W|2001:db8::1|4200000000|175.45.176.0/22"
    )
    gone = attribute(15, struct.pack("!HB", 2, 1) + PREFIX6, 0x80)
    assert line(record(1, 16, 4, SESSION + message(gone))) == "BGP4MP|1|W|192.0.2.1|64500|2001:db8::/32"
    assert line(record(1, 16, 5, SESSION + struct.pack("!HH", 6, 1))) == "BGP4MP|1|STATE|192.0.2.1|64500|6|1"
    assert line(record(1, 16, 0, NARROW + struct.pack("!HH", 6, 1))) == "BGP4MP|1|STATE|192.0.2.1|64500|6|1"


def test_the_order_of_one_update_is_withdrawn_mp_unreach_nlri_mp_reach():
    hop = bytes.fromhex("20010db8000000000000000000000009")
    attributes = reach(2, 1, hop, PREFIX6) + attribute(15, struct.pack("!HB", 2, 1) + b"\x10\x20\x02", 0x80)
    found = lines(record(1, 16, 4, SESSION + message(attributes + ORIGIN + PATH + HOP, PREFIX, b"\x08\x0a")))
    assert [each.split("|")[2] + each.split("|")[5] for each in found] == [
        "W10.0.0.0/8",
        "W2002::/16",
        "A175.45.176.0/22",
        "A2001:db8::/32",
    ]
    assert [each.split("|")[8] for each in found[2:]] == ["192.0.2.9", "2001:db8::9"]


def test_of_two_next_hops_the_global_one_is_shown():
    hop = bytes.fromhex("20010db8000000000000000000000009 fe800000000000000000000000000001")
    assert "|2001:db8::/32|64500 131279|IGP|2001:db8::9|" in line(
        record(1, 16, 4, SESSION + message(reach(2, 1, hop, PREFIX6) + ORIGIN + PATH))
    )


def test_next_hops_of_ipv4_prefixes_are_those_of_the_field_that_they_stand_in():
    attributes = reach(1, 1, bytes([198, 51, 100, 1]), b"\x08\x0a\x08\x0b") + ORIGIN + PATH + HOP
    found = lines(record(1, 16, 4, SESSION + message(attributes, PREFIX)))
    assert [(each.split("|")[5], each.split("|")[8]) for each in found] == [
        ("175.45.176.0/22", "192.0.2.9"),
        ("10.0.0.0/8", "198.51.100.1"),
        ("11.0.0.0/8", "198.51.100.1"),
    ]
    found = lines(record(1, 16, 4, SESSION + message(attributes)))
    assert {each.split("|")[8] for each in found} == {"198.51.100.1"}


def test_extended_timestamps_have_microseconds():
    body = struct.pack("!I", 42) + SESSION
    assert line(record(1, 17, 4, body + message(withdrawn=PREFIX))) == (
        "BGP4MP_ET|1.000042|W|192.0.2.1|64500|175.45.176.0/22"
    )
    assert line(record(1, 17, 5, body + struct.pack("!HH", 6, 1))) == "BGP4MP_ET|1.000042|STATE|192.0.2.1|64500|6|1"


@pytest.mark.parametrize(
    ("kind", "subtype", "head"),
    [
        (16, 7, "BGP4MP_LOCAL|1|W|192.0.2.1|64500|175.45.176.0/22"),
        (16, 9, "BGP4MP_AP|1|W|192.0.2.1|64500|175.45.176.0/22|7"),
        # Sent by the collector as well, but not marked; here the sender is shown, above the receiver.
        (16, 11, "BGP4MP_AP|1|W|192.0.2.254|64999|175.45.176.0/22|7"),
        (17, 7, "BGP4MP_ET_LOCAL|1.000000|W|192.0.2.1|64500|175.45.176.0/22"),
        (17, 9, "BGP4MP_ET_AP|1.000000|W|192.0.2.1|64500|175.45.176.0/22|7"),
    ],
)
def test_subtypes_have_their_words(kind, subtype, head):
    body = SESSION + message(withdrawn=struct.pack("!I", 7) * (subtype > 7) + PREFIX)
    assert line(record(1, kind, subtype, (bytes(4) if kind == 17 else b"") + body)) == head


def test_table_dumps():
    tail = "64500 131279|IGP|192.0.2.9|0|0||NAG||"
    assert line(rib(2, ORIGIN + PATH + HOP)) == f"TABLE_DUMP2|1419264907|B|192.0.2.1|64500|175.45.176.0/22|{tail}"
    assert line(rib(8, ORIGIN + PATH + HOP, path_id=struct.pack("!I", 4294967295))) == (
        f"TABLE_DUMP2_AP|1419264907|B|192.0.2.1|64500|175.45.176.0/22|4294967295|{tail}"
    )
    hop = bytes.fromhex("20010db8000000000000000000000009")
    short = attribute(14, b"\x10" + hop, 0x80)
    for mp_reach in (short, reach(2, 1, hop, PREFIX6)):
        assert line(rib(4, ORIGIN + PATH + mp_reach, PREFIX6)) == (
            "TABLE_DUMP2|1419264907|B|192.0.2.1|64500|2001:db8::/32|64500 131279|IGP|2001:db8::9|0|0||NAG||"
        )
    narrow = ORIGIN + attribute(2, segment(SEQUENCE, [64500, 7], 2)) + HOP
    body = bytes(4) + bytes([175, 45, 176, 0, 22, 1]) + bytes(4) + bytes([192, 0, 2, 1])
    assert line(record(1000, 12, 1, body + struct.pack("!HH", 64500, len(narrow)) + narrow)) == (
        "TABLE_DUMP|1000|B|192.0.2.1|64500|175.45.176.0/22|64500 7|IGP|192.0.2.9|0|0||NAG||"
    )


def test_tables_that_are_not_printed_are_counted():
    """bgpdump has no line for multicast tables; a line like the others would be taken for unicast."""
    peers, text = PeerTable(), BgpdumpText()
    blocks = list(MrtReader([rib(3, ORIGIN + PATH + HOP)], peers))
    assert [each for block in blocks for each in text.lines(block, peers, np.arange(len(block.time_us)))] == []
    assert text.left_out == 1


def test_the_deprecated_type_has_one_field_less():
    attributes = (
        ORIGIN + attribute(2, segment(SEQUENCE, [3333], 2)) + HOP + attribute(8, struct.pack("!I", 65536 * 3 + 4))
    )
    body = struct.pack("!HIHI", 3333, 0xC0000201, 64999, 0xC00002FE)
    update = struct.pack("!HH", 0, len(attributes)) + attributes + PREFIX
    assert line(record(1, 5, 1, body + update)) == (
        "BGP|1|A|192.0.2.1|3333|175.45.176.0/22|3333|IGP|192.0.2.9|0|03:4|NAG||"
    )
    assert line(record(1, 5, 3, body[:6] + struct.pack("!HH", 6, 1))) == "BGP|1|STATE|192.0.2.1|3333|6|1"


def test_paths_of_two_octet_speakers_are_merged():
    narrow = attribute(2, segment(SEQUENCE, [64500, 23456, 23456], 2))
    wide = attribute(17, segment(SEQUENCE, [70000, 131279], 4), 0xC0)
    trans = attribute(7, struct.pack("!H", 23456) + bytes([192, 0, 2, 7])) + attribute(
        18, struct.pack("!I", 131279) + bytes([192, 0, 2, 8])
    )
    found = line(record(1, 16, 1, NARROW + message(ORIGIN + narrow + HOP + wide + trans, PREFIX)))
    assert "|64500 70000 131279|" in found
    assert found.endswith("|NAG|131279 192.0.2.8|")


def test_a_path_that_does_not_fit_is_called_an_error():
    assert "|! Error !|" in line(record(1, 16, 4, SESSION + message(ORIGIN + attribute(2, b"\2\x09\0") + HOP, PREFIX)))


def path_record(numbers: list[int]) -> bytes:
    parts = [segment(SEQUENCE, numbers[at : at + 255], 4) for at in range(0, len(numbers), 255)]
    return record(1, 16, 4, SESSION + message(ORIGIN + attribute(2, b"".join(parts)) + HOP, PREFIX))


UNCUT = [1234567] * 986 + [1234567890, 1]  # with spaces between, ends at the limit
CUT = {"behind it": [*UNCUT, 2, 3], "the last": [*UNCUT, 2], "inside": [*UNCUT[:-1], 12, 3]}


def test_a_path_is_cut_behind_the_first_number_that_ends_past_the_limit():
    def path(numbers: list[int]) -> str:
        return line(path_record(numbers)).split("|")[6]

    def text(numbers: list[int]) -> str:
        return " ".join(map(str, numbers))

    assert len(text(UNCUT)) == PATH_LIMIT
    assert path(UNCUT) == text(UNCUT)
    assert path(CUT["behind it"]) == path(CUT["the last"]) == text([*UNCUT, 2]) + "..."
    assert path(CUT["inside"]) == text([*UNCUT[:-1], 12]) + "..."


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (0x20010668000000030FFF0000ADCD39EA, "2001:668::3:fff:0:adcd:39ea"),
        (0x20010DB8000100020003000400050000, "2001:db8:1:2:3:4:5::"),
        (0x00000DB8000100020003000400050006, "::db8:1:2:3:4:5:6"),
        (0x20010DB8000000000001000000000001, "2001:db8::1:0:0:1"),
        (0, "::"),
        (1, "::1"),
        (2, "::0.0.0.2"),
        (0x90A5, "::0.0.144.165"),
        (0xFFFFC0000201, "::ffff:192.0.2.1"),
        (0x1FFFFC0000201, "::1:ffff:c000:201"),
    ],
)
def test_ipv6_addresses_have_their_oddities(address, text):
    assert address_text(2, address >> 64, address & (1 << 64) - 1) == text


def test_texts_are_the_same_whichever_rows_are_asked_for():
    data = b"".join(record(at, 16, 4, SESSION + message(ORIGIN + PATH + HOP, PREFIX + b"\x08\x0a")) for at in range(9))
    peers, text = PeerTable(), BgpdumpText()
    (block,) = MrtReader([data], peers)
    every = list(text.lines(block, peers, np.arange(18)))
    assert len(every) == 18
    for rows in (np.arange(1, 18, 3), np.array([17]), np.array([], np.int64)):
        assert list(text.lines(block, peers, rows)) == [every[row] for row in rows]


def test_kinds_of_records_may_alternate():
    kinds = [
        record(1, 16, 4, SESSION + message(ORIGIN + PATH + HOP, PREFIX)),
        record(1, 16, 1, NARROW + message(ORIGIN + attribute(2, segment(SEQUENCE, [7], 2)) + HOP, PREFIX)),
        record(1, 16, 9, SESSION + message(withdrawn=struct.pack("!I", 7) + PREFIX)),
        record(1, 16, 7, SESSION + message(withdrawn=PREFIX)),
        record(1, 17, 4, bytes(4) + SESSION + message(withdrawn=PREFIX)),
        rib(2, ORIGIN + PATH + HOP),
        rib(8, ORIGIN + PATH + HOP, path_id=bytes(4)),
        record(1, 16, 5, SESSION + struct.pack("!HH", 6, 1)),
    ]
    assert lines(b"".join(kinds) * 3) == [line(each) for each in kinds] * 3


def test_the_time_of_alternating_kinds_is_linear():
    """A run of one kind costs what its rows cost, not what the block does."""
    pair = record(1, 17, 4, bytes(4) + SESSION + message(withdrawn=PREFIX)) + record(
        1, 16, 4, SESSION + message(withdrawn=PREFIX)
    )
    peers, text = PeerTable(), BgpdumpText()
    (block,) = MrtReader([pair * 5000], peers)
    columns = block._replace(**{name: Counted(getattr(block, name)) for name in ("time_us", "afi", "safi")})
    assert sum(1 for _ in text.lines(columns, peers, np.arange(10000))) == 10000
    assert all(getattr(columns, name).taken <= 20_000 for name in ("time_us", "afi", "safi"))


class Counted:
    """A column that counts how many of its rows were taken; it can be used in no other way."""

    def __init__(self, column: np.ndarray) -> None:
        self.column, self.taken = column, 0

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        self.taken += len(rows)
        return self.column[rows]
