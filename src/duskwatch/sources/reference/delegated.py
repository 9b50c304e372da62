"""RIR delegated and delegated-extended statistics files: which country space was handed to, and when.

Format: "RIR statistics exchange format", as every registry publishes it beside its files: a version line
``2|apnic|20141222|73433|19830613|20141221|+1000``, summary lines, then records
``registry|cc|type|start|value|date|status[|opaque-id[|extensions]]``. An ipv4 value counts addresses (no power of two
is promised), an ipv6 value is a prefix length, an asn value counts numbers. The older form without opaque-id, and the
joint file of all registries, read the same.
"""

import re
import socket
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import delegated as kernel
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, describe
from duskwatch.sources.reference.held import ONES, HeldTable, number_of
from duskwatch.sources.reference.overlaps import CountryRecord

REGISTRIES = frozenset({"afrinic", "apnic", "arin", "iana", "lacnic", "nro", "ripencc"})
MAX_DAMAGED_NAMED = 5
_LINE_BYTES = 1024
_HELD = frozenset({"allocated", "assigned"})
_UNHELD = frozenset({"available", "reserved", "ietf", "iana"})
_DIGITS8 = re.compile(r"[0-9]{8}")
_CODE = re.compile(r"[A-Z]{2}")
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")
_NOBODY = "ZZ"


@dataclass(slots=True)
class Delegations:
    """What a file says. Addresses are plain integers of their address family."""

    ipv4: HeldTable = field(default_factory=lambda: HeldTable.of([]))
    ipv6: HeldTable = field(default_factory=lambda: HeldTable.of([]))
    asn: HeldTable = field(default_factory=lambda: HeldTable.of([]))
    dated: date | None = None  # end date of the version line
    records: int = 0  # record lines that could be read, of any status
    later: int = 0  # left out: dated after the day analysed
    unheld: int = 0  # left out: available, reserved, or without a country
    damaged: int = 0
    damage: list[str] = field(default_factory=list)  # the first few damaged lines, in words
    damaged_of: dict[str, list[str]] = field(default_factory=dict)  # the same by the country code that they name


class _Damaged(ValueError):
    """What was expected of a line, and what stood there."""


def read_delegated(file: StoredFile, on: date) -> Delegations:
    """Read one file as it applies on a day: records dated after it are counted and left out.

    Damaged lines are counted and the first few described, of each country too. ReferenceDataError where the file holds
    no version line and no record of this format.
    """
    day = on.year * 10000 + on.month * 100 + on.day
    lines = _lines(file.data)
    out = Delegations()
    rows: dict[int, list[CountryRecord]] = {kernel.IPV4: [], kernel.IPV6: [], kernel.ASN: []}
    versions = 0
    for at in np.flatnonzero(lines.kind == kernel.ODD).tolist():
        raw = file.data[lines.start[at] : lines.stop[at]]
        line = raw[:_LINE_BYTES].decode("utf-8", "replace").strip("\ufeff \t\r")
        if not line or line.startswith("#"):
            continue
        fields = line.split("|")
        if " " in line:
            fields = [text.strip(" ") for text in fields]
        try:
            if len(raw) > _LINE_BYTES:
                raise _Damaged(f"a line of {len(raw)} bytes, longer than {_LINE_BYTES}")
            if _is_version(fields):
                versions += 1
                out.dated = _newer(out.dated, _version_date(fields))
            elif not (len(fields) >= 6 and fields[5] == "summary"):
                _record(out, fields, day, rows)
        except _Damaged as error:
            _note(out, fields, f"line {at + 1}: {error}")
    _add_regular(out, lines, day)
    out.ipv4, out.ipv6, out.asn = (
        HeldTable.join([table, HeldTable.of(rows[kind])])
        for kind, table in ((kernel.IPV4, out.ipv4), (kernel.IPV6, out.ipv6), (kernel.ASN, out.asn))
    )
    if not versions and not out.records:
        first = out.damage[0] if out.damage else "line 1: nothing follows"
        raise ReferenceDataError(
            f"{file.name}: this is {describe(file.data)}, not a RIR delegated statistics file; {first}; "
            "expected a version line (2|apnic|20141222|...) and records (apnic|KP|ipv4|175.45.176.0|1024|...)"
        )
    return out


class _Lines(NamedTuple):
    """L lines, as ``kernels.delegated.parse_lines`` tells them."""

    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    kind: npt.NDArray[np.uint8]
    first: npt.NDArray[np.uint64]
    last: npt.NDArray[np.uint64]
    country: npt.NDArray[np.int32]
    since: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]


def _lines(data: bytes) -> _Lines:
    octets = np.frombuffer(data, np.uint8)
    room = int(np.count_nonzero(octets == ord("\n"))) + 1
    columns = _Lines(*(np.zeros(room, kind) for kind in ("i8", "i8", "u1", "u8", "u8", "i4", "i4", "u1")))
    words = (_words(REGISTRIES), _words(_HELD), _words(_UNHELD))
    kernel.parse_lines(octets, *(part for word in words for part in word), *columns)
    return columns


def _words(words: frozenset[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    ordered = sorted(words)
    return np.frombuffer("".join(ordered).encode(), np.uint8), np.cumsum([len(word) for word in ordered])


def _add_regular(out: Delegations, lines: _Lines, day: int) -> None:
    regular = (lines.kind != kernel.ODD) & (lines.kind != kernel.BLANK)
    held = regular & (lines.status == 1) & (lines.country != number_of(_NOBODY))
    later = held & (lines.since > day)
    out.records += int(regular.sum())
    out.unheld += int((regular & ~held).sum())
    out.later += int(later.sum())
    tables = []
    for kind in (kernel.IPV4, kernel.IPV6, kernel.ASN):
        rows = np.flatnonzero(held & ~later & (lines.kind == kind))
        first, last, zero = lines.first[rows], lines.last[rows], np.zeros(len(rows), np.uint64)
        a, b, c, d = (first, zero, last, zero + ONES) if kind == kernel.IPV6 else (zero, first, zero, last)
        tables.append(HeldTable(a, b, c, d, lines.country[rows], lines.since[rows]))
    out.ipv4, out.ipv6, out.asn = tables


def _note(out: Delegations, fields: list[str], text: str) -> None:
    """Count a damaged line, and describe it if it is one of the first, of all or of the country that it names."""
    out.damaged += 1
    if len(out.damage) < MAX_DAMAGED_NAMED:
        out.damage.append(text)
    code = fields[1].upper() if len(fields) > 1 else ""
    if _CODE.fullmatch(code) and len(of := out.damaged_of.setdefault(code, [])) < MAX_DAMAGED_NAMED:
        of.append(text)


def _is_version(fields: list[str]) -> bool:
    return len(fields) >= 6 and fields[1].lower() in REGISTRIES and _VERSION.fullmatch(fields[0]) is not None


def _version_date(fields: list[str]) -> date | None:
    """End date of the version line; some registries write 00000000, then the serial often is a date."""
    for text in (fields[5], fields[2]):
        if _DIGITS8.fullmatch(text) and int(text):
            try:
                return date(int(text[:4]), int(text[4:6]), int(text[6:]))
            except ValueError:
                continue
    return None


def _newer(a: date | None, b: date | None) -> date | None:
    return max((d for d in (a, b) if d is not None), default=None)


def _record(out: Delegations, fields: list[str], day: int, rows: dict[int, list[CountryRecord]]) -> None:
    if len(fields) < 7:
        raise _Damaged(f"expected 7 fields or more split by |, found {len(fields)}")
    registry, country, kind, start, value, since_text, status = fields[:7]
    if registry not in REGISTRIES and registry.lower() not in REGISTRIES:
        raise _Damaged(f"expected a registry ({', '.join(sorted(REGISTRIES))}) in field 1, found {_quoted(registry)}")
    if status not in _HELD and status not in _UNHELD:
        raise _Damaged(f"expected a status such as allocated, found {_quoted(status)}")
    first, last, what = _range(kind, start, value)
    since = _date(since_text)
    country = country.upper()
    if country and not _CODE.fullmatch(country) and country != "*":
        raise _Damaged(f"expected a country code of two letters, found {_quoted(country)}")
    out.records += 1
    if status in _UNHELD or not _CODE.fullmatch(country) or country == _NOBODY:
        out.unheld += 1
    elif since > day:
        out.later += 1
    else:
        rows[what].append(CountryRecord(first, last, country, since))


def _range(kind: str, start: str, value: str) -> tuple[int, int, int]:
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and int(value) > 0):
        raise _Damaged(f"expected a count or length above zero, found {_quoted(value)}")
    count = int(value)
    if kind == "ipv4":
        first = _address(socket.AF_INET, start)
        if first + count > 1 << 32:
            raise _Damaged(f"{count} addresses from {start} run past 255.255.255.255")
        return first, first + count - 1, kernel.IPV4
    if kind == "ipv6":
        first = _address(socket.AF_INET6, start)
        if count > 128:
            raise _Damaged(f"expected a prefix length up to 128, found {count}")
        size = 1 << (128 - count)
        if first % size:
            raise _Damaged(f"{start}/{count} has bits set beyond its length")
        return first, first + size - 1, kernel.IPV6
    if kind == "asn":
        if not (start.isascii() and start.isdigit() and len(start) <= 10) or int(start) + count > 1 << 32:
            raise _Damaged(f"expected an AS number below 4294967296, found {_quoted(start)}")
        return int(start), int(start) + count - 1, kernel.ASN
    raise _Damaged(f"expected ipv4, ipv6 or asn, found {_quoted(kind)}")


def _address(address_family: int, text: str) -> int:
    try:
        return int.from_bytes(socket.inet_pton(address_family, text), "big")
    except (OSError, ValueError):
        wanted = "IPv4" if address_family == socket.AF_INET else "IPv6"
        raise _Damaged(f"expected an {wanted} address, found {_quoted(text)}") from None


@lru_cache(1 << 15)  # half a million records share some ten thousand days
def _date(text: str) -> int:
    """YYYYMMDD as a number; 0 where there is none (early records have no date)."""
    if not text or text == "00000000":
        return 0
    if not _DIGITS8.fullmatch(text) or not (1 <= int(text[4:6]) <= 12 and 1 <= int(text[6:]) <= 31):
        raise _Damaged(f"expected a date such as 20091221, found {_quoted(text)}")
    return int(text)


def _quoted(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text[:40])
    return f"'{shown}'"
