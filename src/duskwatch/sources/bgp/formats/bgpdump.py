"""Elems as the lines that `bgpdump -m` prints."""

import re
import socket
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.attributes import clip_next_hops, find_attributes
from duskwatch.records.elems import ElemBlock, Kind, PeerTable
from duskwatch.sources.bgp.formats.attributes import (
    ABBREVIATED,
    AGGREGATOR,
    AS4_AGGREGATOR,
    AS4_PATH,
    AS_PATH,
    AS_TRANS,
    ATOMIC_AGGREGATE,
    COMMUNITIES,
    LOCAL_PREF,
    MED,
    MP_REACH_NLRI,
    NEXT_HOP,
    ORIGIN,
    AddressFamily,
    Path,
    mp_next_hop,
    numbers,
    path_text,
    read_path,
    split_attributes,
    whole_path,
)
from duskwatch.sources.bgp.formats.elem_text import Bounded, PeerTexts, Remembered

MRTD_BGP, TABLE_DUMP, TABLE_DUMP_V2, BGP4MP, BGP4MP_ET = 5, 12, 13, 16, 17
TABLES = (TABLE_DUMP, TABLE_DUMP_V2)
ADD_PATH = (8, 9, 10, 11)  # of BGP4MP
RIB_ADD_PATH = {8, 10}  # of TABLE_DUMP_V2
NOT_PRINTED = (3, 5, 6, 9, 11, 12)  # of TABLE_DUMP_V2: multicast tables and RIB_GENERIC
LOCAL = (6, 7)  # messages that the collector sent; the line names their receiver

ORIGINS = {b"\0": "IGP", b"\1": "EGP"}
WELL_KNOWN = {0xFFFFFF01: "no-export", 0xFFFFFF02: "no-advertise", 0xFFFFFF03: "local-AS"}
BROADCAST = "255.255.255.255"  # stands for no address at all
BROKEN_PATH = "! Error !"
PATH_LIMIT = 7900  # a path is cut behind the first number that ends past it
COMMUNITIES_LIMIT = 8190

# Attributes whose places are looked up before any is read.
PLACED = (AS_PATH, AS4_PATH, MP_REACH_NLRI)
COLUMN_OF = np.full(256, -1, np.int16)
COLUMN_OF[list(PLACED)] = np.arange(len(PLACED))

# What text of attributes depends on beside their bytes: which kind of record they are from.
PLAIN, DUMP, DUMP_V2, MESSAGE = 0, 1, 2, 3
IPV4_UNICAST, IPV6_UNICAST = (1, 1), (2, 1)

# Two where next hops differ by the field that a prefix stands in: NLRI, or MP_REACH_NLRI of IPv4 unicast.
Tail = str | tuple[str, str]
Rows = npt.NDArray[np.int64]


class BgpdumpText:
    """Lines of the blocks of one file or of several; remembers texts.

    left_out: table entries so far that bgpdump prints nothing for, so that there is no line here either: those of
    multicast tables and of RIB_GENERIC records.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._prefixes: Remembered[tuple[int, int, int, int], str] = Remembered(lambda key: prefix_text(*key))
        self._tails: dict[tuple[int, int, AddressFamily], Remembered[bytes, Tail]] = {}
        self._rests: dict[tuple[int, int, AddressFamily], Bounded[bytes, Tail]] = {}
        self._paths = {size: Remembered(partial(_own_path_text, as_size=size)) for size in (2, 4)}
        self._communities = Remembered(_communities_text)
        self._peers = PeerTexts(lambda afi, hi, lo, asn: f"{address_text(afi, hi, lo)}|{asn}")

    def lines(self, block: ElemBlock, peers: PeerTable, rows: Rows) -> Iterator[str]:
        """One line, with its newline, for each of ``rows`` (int64 [K], ascending) that bgpdump prints one for."""
        names = self._peers.of(peers)
        data = block.data.tobytes()
        rows = rows[block.kind[rows] <= Kind.STATE]
        record = block.record[rows]
        # Runs of one kind: a type, and of table dumps the subtype. Subtypes of messages alternate from row to row.
        kinds = block.record_type[record].astype(np.int64) << 16
        kinds |= np.where(np.isin(kinds >> 16, TABLES), block.record_subtype[record], 0)
        begins = np.flatnonzero(np.diff(kinds, prepend=-1)).tolist()
        places = _places(block, rows) if np.isin(kinds >> 16, TABLES).any() else None
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=False):
            kind, subtype = divmod(int(kinds[begin]), 1 << 16)
            if places is not None and kind in TABLES:
                yield from self._table_lines(block, data, names, rows[begin:end], places[begin:end], kind, subtype)
            else:
                yield from self._message_lines(block, data, names, rows[begin:end], kind)

    def _table_lines(
        self,
        block: ElemBlock,
        data: bytes,
        names: list[str],
        rows: Rows,
        places: npt.NDArray[np.int64],
        kind: int,
        subtype: int,
    ) -> Iterator[str]:
        if kind == TABLE_DUMP_V2 and subtype in NOT_PRINTED:
            self.left_out += int((block.kind[rows] == Kind.RIB).sum())
            return
        add_path = kind == TABLE_DUMP_V2 and subtype in RIB_ADD_PATH
        name = "TABLE_DUMP" if kind == TABLE_DUMP else "TABLE_DUMP2_AP" if add_path else "TABLE_DUMP2"
        afi = int(block.afi[rows[0]])
        form, as_size = DUMP if kind == TABLE_DUMP else DUMP_V2, int(block.as_size[rows[0]])
        tails, rests = self._tails_of(form, as_size, (afi, 1)), self._rests_of(form, as_size, (afi, 1))
        paths = self._paths[as_size]
        last_hi, last_lo, last_length, prefix = -1, -1, -1, ""
        for time, peer, hi, lo, length, path_id, (path, path_end, start, cut, go_on, stop, again, end) in zip(
            (block.time_us[rows] // 1_000_000).tolist(),
            *_columns(rows, block.peer, block.prefix_hi, block.prefix_lo, block.prefix_length, block.path_id),
            places.tolist(),
            strict=True,
        ):  # fmt: skip
            if hi != last_hi or length != last_length or lo != last_lo:
                last_hi, last_lo, last_length = hi, lo, length
                prefix = prefix_text(afi, hi, lo, length)
            shown = f"{prefix}|{path_id}" if add_path else prefix
            if path < 0:
                yield f"{name}|{time}|B|{names[peer]}|{shown}|{tails[data[start:end]]}\n"
                continue
            key = data[start:cut] + data[go_on:stop] + data[again:end]
            rest = rests.get(key)
            if rest is None:
                rest = rests.put(key, self._rest(split_attributes(data[start:end])[0], form, as_size, (afi, 1)))
            yield f"{name}|{time}|B|{names[peer]}|{shown}|{paths[data[path:path_end]]}{rest}\n"

    def _message_lines(self, block: ElemBlock, data: bytes, names: list[str], rows: Rows, kind: int) -> Iterator[str]:
        record = block.record[rows]
        subtypes = block.record_subtype[record]
        heads = {subtype: _message_name(kind, subtype) for subtype in set(subtypes.tolist())}
        times: list[str] | list[int] = (block.time_us[rows] // 1_000_000).tolist()
        if kind == BGP4MP_ET:
            parts = (block.time_us[rows] % 1_000_000).tolist()
            times = [f"{time}.{part:06d}" for time, part in zip(times, parts, strict=True)]
        who = [names[peer] for peer in block.peer[rows].tolist()]
        if kind != MRTD_BGP:
            for at in np.flatnonzero(np.isin(subtypes, LOCAL)).tolist():
                who[at] = _receiver_text(data, int(block.record_start[record[at]]), kind, int(subtypes[at]))
        add_path = np.isin(subtypes, ADD_PATH) if kind != MRTD_BGP else np.zeros(len(rows), np.bool_)
        form = PLAIN if kind == MRTD_BGP else MESSAGE
        keys = block.as_size[rows].astype(np.int64) << 16 | block.afi[rows].astype(np.int64) << 8 | block.safi[rows]
        tails = {key: self._tails_of(form, key >> 16, (key >> 8 & 255, key & 255)) for key in np.unique(keys).tolist()}
        prefixes, reached = self._prefixes, _Reached(block, data, kind)
        last, last_key = -1, -1
        found: Tail = ""
        for row, subtype, time, peer, key, ids, code, afi, hi, lo, length, path_id, start, size, state in zip(
            rows.tolist(), subtypes.tolist(), times, who, keys.tolist(), add_path.tolist(),
            *_columns(
                rows, block.kind, block.afi, block.prefix_hi, block.prefix_lo, block.prefix_length, block.path_id,
                block.attr_start, block.attr_length, block.state,
            ),
            strict=True,
        ):  # fmt: skip
            head = heads[subtype]
            if code == Kind.STATE:
                yield f"{head}|{time}|STATE|{peer}|{state >> 8}|{state & 255}\n"
                continue
            prefix = prefixes[afi, hi, lo, length]
            if ids:
                prefix = f"{prefix}|{path_id}"
            if code == Kind.WITHDRAW:
                yield f"{head}|{time}|W|{peer}|{prefix}\n"
                continue
            if code == Kind.RIB:  # BGP4MP_ENTRY, which bgpdump does not know
                table = self._tails_of(DUMP_V2, key >> 16, (key >> 8 & 255, key & 255))
                yield f"{head}|{time}|B|{peer}|{prefix}|{table[data[start : start + size]]}\n"
                continue
            if start != last or key != last_key:  # prefixes of one message have their attributes in common
                last, last_key, found = start, key, tails[key][data[start : start + size]]
            tail = found if isinstance(found, str) else found[reached.holds(row)]
            yield f"{head}|{time}|A|{peer}|{prefix}|{tail}\n"

    def _tails_of(self, form: int, as_size: int, address_family: AddressFamily) -> Remembered[bytes, Tail]:
        key = (form, as_size, address_family)
        if key not in self._tails:
            self._tails[key] = Remembered(
                partial(self._tail, form=form, as_size=as_size, address_family=address_family)
            )
        return self._tails[key]

    def _rests_of(self, form: int, as_size: int, address_family: AddressFamily) -> Bounded[bytes, Tail]:
        return self._rests.setdefault((form, as_size, address_family), Bounded())

    def _tail(self, raw: bytes, form: int, as_size: int, address_family: AddressFamily) -> Tail:
        """Everything behind the prefix of an announcement or a table entry."""
        found, _ = split_attributes(raw)
        if as_size == 2 and AS4_PATH in found:
            path = _path_text(*whole_path(found, 2))
        else:
            path = self._paths[as_size][found.get(AS_PATH, b"")]
        rest = self._rest(found, form, as_size, address_family)
        return path + rest if isinstance(rest, str) else (path + rest[0], path + rest[1])

    def _rest(self, found: dict[int, bytes], form: int, as_size: int, address_family: AddressFamily) -> Tail:
        """Everything behind the path."""
        communities = self._communities[found[COMMUNITIES]] if COMMUNITIES in found else ""
        source = _aggregator_text(found, as_size)
        begin = f"|{ORIGINS.get(found.get(ORIGIN, b''), 'INCOMPLETE')}|"
        end = (
            f"|{_number(found, LOCAL_PREF)}|{_number(found, MED)}"
            # Communities have no field of their own in what is printed of the deprecated type BGP.
            f"{'' if form == PLAIN else '|'}{communities}|{'AG' if ATOMIC_AGGREGATE in found else 'NAG'}|"
            f"{source}|"
        )
        hop = found.get(NEXT_HOP, b"")
        plain = socket.inet_ntoa(hop[:4]) if len(hop) >= 4 else BROADCAST
        reach = mp_next_hop(found[MP_REACH_NLRI]) if MP_REACH_NLRI in found and form != PLAIN else None
        if reach is None:
            return begin + plain + end
        other = _octets_text(reach[1])
        if form == MESSAGE and address_family == reach[0] == IPV4_UNICAST:
            return begin + plain + end, begin + other + end
        if form == MESSAGE:
            return begin + (other if reach[0] == address_family else plain) + end
        # Table entries have the abbreviated form; a full one, which early writers left, counts as well.
        counts = (ABBREVIATED, IPV6_UNICAST, IPV4_UNICAST) if form == DUMP_V2 else (ABBREVIATED, IPV6_UNICAST)
        return begin + (other if reach[0] in counts else plain) + end


def _places(block: ElemBlock, rows: Rows) -> npt.NDArray[np.int64]:
    """Where the path of some elems stands, and the rest: int64 [K, 8].

    Two numbers bound the AS path; -1 where there is none that counts alone. Three pairs bound the octets that stand
    for the rest: all attributes but the value of AS_PATH, and what MP_REACH_NLRI has behind its next hop.
    """
    start, length = np.empty((len(rows), len(PLACED)), np.int64), np.empty((len(rows), len(PLACED)), np.int32)
    find_attributes(
        block.data, block.attr_start, block.attr_length, rows, COLUMN_OF, start, length, np.empty(len(rows), np.uint16)
    )
    begin = block.attr_start[rows].astype(np.int64)
    end = begin + np.maximum(block.attr_length[rows], 0)
    there = (length[:, 0] >= 0) & ~((block.as_size[rows] == 2) & (length[:, 1] >= 0))
    path, path_end = np.where(there, start[:, 0], -1), np.where(there, start[:, 0] + length[:, 0], -1)
    reach, whole = start[:, 2].copy(), length[:, 2].copy()
    kept = whole.copy()
    clip_next_hops(block.data, reach, kept)
    cut = np.where(whole >= 0, reach + kept, end)
    go_on = np.where(whole >= 0, reach + whole, end)
    first = path <= cut
    cuts = np.where(first, path, cut), np.where(first, path_end, go_on)
    return np.column_stack((
        path, path_end, begin, *cuts, np.where(first, cut, path), np.where(first, go_on, path_end), end,
    ))  # fmt: skip


class _Reached:
    """Tells the two fields apart from which one UPDATE may announce IPv4 unicast: NLRI, MP_REACH_NLRI."""

    def __init__(self, block: ElemBlock, data: bytes, kind: int) -> None:
        self._block, self._data, self._kind = block, data, kind
        self._record, self._first = -1, 0

    def holds(self, row: int) -> bool:
        """Whether this announcement is from MP_REACH_NLRI. Elems of NLRI stand before those."""
        block, record = self._block, int(self._block.record[row])
        if record != self._record:
            self._record = record
            begin = int(np.searchsorted(block.record, record))
            self._first = begin + int(np.argmax(block.kind[begin : row + 1] == Kind.ANNOUNCE)) + self._in_nlri(row)
        return row >= self._first

    def _in_nlri(self, row: int) -> int:
        block, data, record = self._block, self._data, int(self._block.record[row])
        subtype = int(block.record_subtype[record])
        message = _behind_addresses(data, int(block.record_start[record]), self._kind, subtype)
        stop = message + int.from_bytes(data[message + 16 : message + 18], "big")
        stop = min(stop, int(block.record_start[record] + block.record_length[record]))
        at, count = int(block.attr_start[row]) + int(block.attr_length[row]), 0
        path_id = 4 if subtype in ADD_PATH or block.path_id[row] else 0
        while at + path_id < stop:
            at += path_id + 1 + (data[at + path_id] + 7) // 8
            count += 1
        return count


def prefix_text(afi: int, hi: int, lo: int, length: int) -> str:
    """Text of a left-aligned prefix as bgpdump writes it."""
    return f"{address_text(afi, hi, lo)}/{length}"


def address_text(afi: int, hi: int, lo: int) -> str:
    """Text of a left-aligned address as bgpdump writes it.

    Other than RFC 5952 wants it in two ways: a lone group of zeros is left out too (against section 4.2.2), and all
    addresses below ::/96 but the lowest two end in an IPv4 address (as those of RFC 4291 section 2.5.5.1, deprecated).
    """
    if afi == 1:
        return f"{hi >> 56}.{hi >> 48 & 255}.{hi >> 40 & 255}.{hi >> 32 & 255}"
    if hi == 0 and (lo >> 32 == 0xFFFF or (lo >> 32 == 0 and lo > 1)):
        return f"::{'ffff:' if lo >> 32 else ''}{address_text(1, lo << 32 & 0xFFFFFFFF00000000, 0)}"
    text = socket.inet_ntop(socket.AF_INET6, (hi << 64 | lo).to_bytes(16, "big"))
    if "::" in text:
        return text
    groups = text.split(":")
    if "0" not in groups:
        return text
    at = groups.index("0")
    return ":".join(groups[:at]) + "::" + ":".join(groups[at + 1 :])


def _octets_text(octets: bytes) -> str:
    if len(octets) == 4:
        return socket.inet_ntoa(octets)
    return address_text(2, int.from_bytes(octets[:8], "big"), int.from_bytes(octets[8:], "big"))


def _columns(rows: Rows, *columns: npt.NDArray[np.integer]) -> list[list[int]]:
    """Some rows of some columns, as plain integers."""
    return [column[rows].tolist() for column in columns]


def _message_name(kind: int, subtype: int) -> str:
    if kind == MRTD_BGP:
        return "BGP"
    local, add_path = "_LOCAL" if subtype in LOCAL else "", "_AP" if subtype in ADD_PATH else ""
    return f"BGP4MP{'_ET' if kind == BGP4MP_ET else ''}{local}{add_path}"


def _behind_addresses(data: bytes, start: int, kind: int, subtype: int) -> int:
    """Where the BGP message begins in a BGP4MP record (RFC 6396 section 4.4.2)."""
    at = start + (16 if kind == BGP4MP_ET else 12) + 4 * (2 if subtype in (4, 5, 7, 9, 11) else 1)
    return at + 4 + (8 if data[at + 3] == 1 else 32)


def _receiver_text(data: bytes, start: int, kind: int, subtype: int) -> str:
    """``address|AS number`` of the far side of a session, to which the collector sent a message."""
    at = start + (16 if kind == BGP4MP_ET else 12)
    size = 4 if subtype == 7 else 2
    octets = 4 if data[at + 2 * size + 3] == 1 else 16
    address = data[at + 2 * size + 4 : at + 2 * size + 4 + octets]
    return f"{_octets_text(address)}|{int.from_bytes(data[at : at + size], 'big')}"


def _aggregator_text(found: dict[int, bytes], as_size: int) -> str:
    """AS number and address of AGGREGATOR, read with the record's width of AS numbers whatever the length is.

    OpenBGPD writes four octets beside paths of two; then bgpdump's fields are not what was meant. JSON has that.
    """
    if AGGREGATOR not in found:
        return ""
    raw = found[AGGREGATOR]
    if as_size == 2 and raw[:2] == AS_TRANS.to_bytes(2, "big") and AS4_AGGREGATOR in found:
        raw, as_size = found[AS4_AGGREGATOR], 4
    raw = raw.ljust(as_size + 4, b"\0")
    address = socket.inet_ntoa(raw[as_size : as_size + 4])
    return "" if address == BROADCAST else f"{int.from_bytes(raw[:as_size], 'big')} {address}"


def _own_path_text(raw: bytes, as_size: int) -> str:
    return _path_text(*read_path(raw, as_size))


def _path_text(path: Path, fault: str) -> str:
    text = BROKEN_PATH if fault else path_text(path)
    if len(text) > PATH_LIMIT:
        for number in re.finditer(r"\d+", text):
            if number.end() > PATH_LIMIT:
                return text[: number.end()] + "..."
    return text


def _communities_text(raw: bytes) -> str:
    words = (WELL_KNOWN.get(value) or f"{value >> 16}:{value & 0xFFFF}" for value in numbers(raw))
    return " ".join(words)[:COMMUNITIES_LIMIT]


def _number(found: dict[int, bytes], code: int) -> int:
    return int.from_bytes(found[code][:4], "big") if code in found else 0
