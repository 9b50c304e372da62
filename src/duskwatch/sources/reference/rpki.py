"""Validated ROA payloads (VRPs) as validators write them, and what they say of routes (RFC 6811).

Told apart by content: CSV with a head (rpki-client, Routinator ``csv``, ``csvcompat``, ``csvext``, the archive of RIPE
NCC), JSON with ``roas`` (rpki-client, Routinator, OctoRPKI, NTT) or a bare list of objects, OpenBGPD's ``roa-set`` and
BIRD's ``roa`` lines. Router keys and ASPA objects beside them are passed over. An AS is ``4837`` or ``AS4837``.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duskwatch.records.prefix import Prefix
from duskwatch.records.report import InputFile
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, describe, read_stored

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

MAX_BYTES = 512 << 20
_PLAIN = re.compile(
    r"\s*(?:roa\s+)?(?:route\s+)?([0-9a-fA-F:.]+/\d{1,3})\s+(?:(?:max(?:len)?\s+(\d{1,3})\s+)?(?:source-)?as\s+(\d{1,10}))"
    r"\s*;?(?:\s*expires\s+(\d{1,12}))?\s*"
)


class Validity(IntEnum):
    """What the payloads say of a route (RFC 6811, section 2)."""

    NOT_FOUND = 0  # no payload covers its prefix
    VALID = 1  # one that covers it names its origin and allows its length
    INVALID = 2  # some cover it, and none of them does


@dataclass(frozen=True, slots=True)
class Payloads:
    """V validated payloads, and where they come from."""

    afi: U8  # [V] 1 or 2
    hi: U64  # [V] prefix, left-aligned in 128 bits
    lo: U64  # [V]
    length: U8  # [V]
    max_length: U8  # [V] longest prefix that is allowed
    asn: U32  # [V]
    source: str = ""  # names of the files
    inputs: tuple[InputFile, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.asn)


Row = tuple[Prefix, int, int]  # prefix, longest length, AS


def load_payloads(paths: Sequence[Path | str], at_us: int | None = None) -> Payloads:
    """Read files of any of the forms above. Payloads that had run out at ``at_us``, or began later, are left out.

    ReferenceDataError, in one line, where a file cannot be read or holds no payload at all.
    """
    rows: list[Row] = []
    inputs: list[InputFile] = []
    notes: list[str] = []
    for path in paths:
        file = read_stored(path, MAX_BYTES)
        found, bad, out = read_payloads(file, at_us)
        rows += found
        inputs.append(
            InputFile(file.name, file.sha256, "rpki", None, None, len(found), bad, size_bytes=file.size_bytes)
        )
        if bad:
            notes.append(f"{file.name}: {bad} entries that are no payload left out")
        if out:
            notes.append(f"{file.name}: {out} payloads not in force at that time left out")
    return payloads_of(rows, "; ".join(one.name for one in inputs), tuple(inputs), tuple(notes))


def payloads_of(
    rows: Iterable[Row], source: str = "", inputs: tuple[InputFile, ...] = (), notes: tuple[str, ...] = ()
) -> Payloads:
    """Payloads as columns; doubles are kept once, in order of prefix."""
    kept = sorted(set(rows))
    return Payloads(
        np.array([prefix.afi for prefix, _, _ in kept], np.uint8),
        np.array([prefix.hi for prefix, _, _ in kept], np.uint64),
        np.array([prefix.lo for prefix, _, _ in kept], np.uint64),
        np.array([prefix.length for prefix, _, _ in kept], np.uint8),
        np.array([longest for _, longest, _ in kept], np.uint8),
        np.array([asn for _, _, asn in kept], np.uint32),
        source,
        inputs,
        notes,
    )


def read_payloads(file: StoredFile, at_us: int | None = None) -> tuple[list[Row], int, int]:
    """Payloads of one file, how many entries could not be read, and how many were not in force at ``at_us``.

    ReferenceDataError where there is no payload, in force or not.
    """
    if b"\x00" in file.data[:4096]:
        raise _wrong(file)
    text = file.data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "["):
        entries = _json(file, text)
    elif "," in text.partition("\n")[0]:
        entries = _csv(text)
    else:
        entries = _lines(text)
    rows: list[Row] = []
    bad = out = 0
    for entry in entries:
        row = _row(entry)
        if row is None:
            bad += 1
        elif at_us is not None and not _in_force(entry, at_us):
            out += 1
        else:
            rows.append(row)
    if not rows and not out:
        raise _wrong(file)
    return rows, bad, out


def _wrong(file: StoredFile, detail: str = "") -> ReferenceDataError:
    return ReferenceDataError(
        f"{file.name}: this is {describe(file.data)}, and no validated payload is in it{detail}; "
        "expected what rpki-client or Routinator writes as csv or json, or roas.csv of RIPE NCC's archive"
    )


Entry = Mapping[str, object]  # prefix, asn, max, from, until


def _json(file: StoredFile, text: str) -> Iterator[Entry]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(file, f" (the JSON cannot be read: {error})") from None
    roas = document.get("roas") if isinstance(document, dict) else document
    if not isinstance(roas, list):
        return
    for one in roas:
        if not isinstance(one, dict):
            yield {}
            continue
        yield {
            "prefix": one.get("prefix"),
            "asn": one.get("asn"),
            "max": one.get("maxLength", one.get("max_length")),
            "until": one.get("expires"),
        }


_OPEN = (None, "", "N/A")  # no limit in time; Routinator's csvext writes N/A for exceptions set by hand
_TITLES = {
    "asn": "asn",
    "ip prefix": "prefix",
    "prefix": "prefix",
    "max length": "max",
    "maxlength": "max",
    "expires": "until",
    "not after": "until",
    "not before": "from",
}


def _csv(text: str) -> Iterator[Entry]:
    # Line by line: no cell holds a line break, and a quote that nobody closes must not swallow what follows.
    lines = io.StringIO(text)
    titles = [_TITLES.get(title.strip().lower(), "") for title in _cells(next(lines, ""))]
    if "asn" not in titles or "prefix" not in titles:
        return
    for line in lines:
        if line.strip():
            yield {title: cell.strip() for title, cell in zip(titles, _cells(line), strict=False) if title}


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader((line,), strict=True), [])
    except csv.Error:
        return []


def _lines(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        bare = line.partition("#")[0].strip()
        if bare in ("", "}", "roa-set {"):
            continue
        match = _PLAIN.fullmatch(bare[:200])
        if match:
            until = None if match[4] is None else int(match[4])
            yield {"prefix": match[1], "max": match[2], "asn": match[3], "until": until}
        else:
            yield {}


def _row(entry: Entry) -> Row | None:
    if any(entry.get(key) not in _OPEN and _moment(entry[key]) is None for key in ("from", "until")):
        return None  # whether it is in force cannot be told
    asn, text, longest = _number(entry.get("asn"), 1 << 32, "AS"), entry.get("prefix"), entry.get("max")
    if asn is None or not isinstance(text, str) or len(text) > 50:
        return None
    try:
        prefix = Prefix.parse(text)
    except ValueError:
        return None
    bits = 32 if prefix.afi == 1 else 128
    most = prefix.length if longest in (None, "") else _number(longest, bits + 1)
    return None if most is None or most < prefix.length else (prefix, most, asn)


def _number(value: object, below: int, mark: str = "") -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    if mark and text[:2].upper() == mark:
        text = text[2:]
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) >= below:
        return None
    return int(text)


def _in_force(entry: Entry, at_us: int) -> bool:
    first, last = _moment(entry.get("from")), _moment(entry.get("until"))
    return (first is None or first <= at_us) and (last is None or at_us < last)


def _moment(value: object) -> int | None:
    """Seconds since the epoch, or ISO 8601 in UTC, as microseconds; None where it is neither."""
    seconds = _number(int(value) if isinstance(value, float) and math.isfinite(value) else value, 1 << 34)
    if seconds is not None:
        return seconds * 1_000_000
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return int(moment.timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        return None


def validate(payloads: Payloads, afi: U8, hi: U64, lo: U64, length: U8, origin: U32) -> U8:
    """Validity of R routes, [R]. ``origin`` 0 stands for a path without one origin (AS_SET), which is never valid.

    A payload for AS 0 (RFC 6483) covers, and makes nothing valid.
    """
    found = np.zeros(len(origin), np.uint8)
    for address_family in (1, 2):
        mine = np.flatnonzero(afi == address_family)
        theirs = np.flatnonzero(payloads.afi == address_family)
        for bits in np.unique(payloads.length[theirs]).tolist() if len(mine) else ():
            routes = mine[length[mine] >= bits]
            some = theirs[payloads.length[theirs] == bits]
            place, place_of = np.unique(_keys(payloads.hi[some], payloads.lo[some], bits), return_inverse=True)
            wanted = _keys(hi[routes], lo[routes], bits)
            at = np.minimum(np.searchsorted(place, wanted), len(place) - 1)
            covered = place[at] == wanted
            routes, at = routes[covered], at[covered].astype(np.uint64)
            # The longest length that each AS may announce below each prefix.
            pair, group = np.unique(
                (place_of.astype(np.uint64) << np.uint64(32)) | payloads.asn[some].astype(np.uint64),
                return_inverse=True,
            )
            longest = np.zeros(len(pair), np.uint8)
            np.maximum.at(longest, group, payloads.max_length[some])
            asked = (at << np.uint64(32)) | origin[routes].astype(np.uint64)
            where = np.minimum(np.searchsorted(pair, asked), len(pair) - 1)
            good = (pair[where] == asked) & (longest[where] >= length[routes]) & (origin[routes] != 0)
            found[routes[good]] = Validity.VALID
            bad = routes[~good]
            found[bad[found[bad] == Validity.NOT_FOUND]] = Validity.INVALID
    return found


def _keys(hi: U64, lo: U64, bits: int) -> npt.NDArray[np.generic]:
    """Addresses cut to so many bits, as values that sort and compare."""
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    if bits <= 64:
        return hi & (full << np.uint64(64 - bits) if bits else np.uint64(0))
    both = np.empty((len(hi), 2), ">u8")
    both[:, 0], both[:, 1] = hi, lo & (full << np.uint64(128 - bits))
    return both.view("S16").ravel()
