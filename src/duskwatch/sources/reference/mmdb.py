"""MaxMind-format address databases (.mmdb): which country an address is filed under.

Read through ``maxminddb``. Listing every network there makes one Python object each; a city database has millions. So
the search tree is walked level by level with NumPy (MaxMind DB file format 2.0, "Binary Search Tree Section") and the
reader is asked once per distinct record. Understood are the layouts of MaxMind and DB-IP (``country.iso_code``, then
``registered_country.iso_code``) and of IPinfo and others (``country_code``, or ``country`` as two letters).
"""

import io
import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import maxminddb
import numpy as np
import numpy.typing as npt

from duskwatch.sources.reference.files import ReferenceDataError, StoredFile
from duskwatch.sources.reference.overlaps import CountryRecord

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_CODE = re.compile(r"[A-Za-z]{2}")
_BROKEN = (maxminddb.InvalidDatabaseError, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)
_NOBODY = "ZZ"


@dataclass(frozen=True, slots=True)
class MmdbCountries:
    """What a database says. Addresses are plain integers of their address family; ``since`` is the day it was built."""

    ipv4: list[CountryRecord]
    ipv6: list[CountryRecord]
    dated: date
    networks: int  # networks in the tree that have a record
    nameless: int  # of these, without a country
    database_type: str


@dataclass(frozen=True, slots=True)
class _Leaves:
    """Networks of the tree that point to a record. [L] each; addresses are right-aligned within the tree's bits."""

    hi: U64
    lo: U64
    length: I64
    pointer: I64


def read_mmdb(file: StoredFile) -> MmdbCountries:
    """Read one database. ReferenceDataError where it is damaged or holds no countries."""
    try:
        with _open(file) as reader:
            meta = reader.metadata()
            built = datetime.fromtimestamp(meta.build_epoch, UTC).date()
            bits = 128 if meta.ip_version == 6 else 32
            leaves = _walk(_tree(file.data, meta.node_count, meta.record_size), bits)
            codes, code_of = _countries(reader, leaves, bits)
    except ReferenceDataError:
        raise
    except (*_BROKEN, OSError) as error:
        raise ReferenceDataError(f"{file.name}: this MaxMind-format database is damaged: {error}") from None
    named = code_of >= 0
    if not named.any():
        raise ReferenceDataError(
            f"{file.name}: no network in this database has a country (its type is '{_shown(meta.database_type)}'); "
            "expected a country or city database"
        )
    since = built.year * 10000 + built.month * 100 + built.day
    if bits == 32:
        is_v4 = np.ones(named.shape, dtype=np.bool_)
    else:  # IPv4 sits in ::/96
        is_v4 = (leaves.hi == 0) & (leaves.lo >> np.uint64(32) == 0) & (leaves.length >= 96)
    return MmdbCountries(
        ipv4=_held(leaves, code_of, codes, np.flatnonzero(named & is_v4), bits, since),
        ipv6=_held(leaves, code_of, codes, np.flatnonzero(named & ~is_v4), bits, since),
        dated=built,
        networks=int(named.size),
        nameless=int((~named).sum()),
        database_type=_shown(meta.database_type),
    )


def _open(file: StoredFile) -> Any:
    if not file.packed:
        return maxminddb.open_database(file.path)
    return maxminddb.open_database(io.BytesIO(file.data), maxminddb.MODE_FD)


def _tree(data: bytes, nodes: int, record_bits: int) -> I64:
    """Both records of every node, [nodes, 2]."""
    if record_bits not in (24, 28, 32):
        raise ValueError(f"its search tree has records of {record_bits} bits; expected 24, 28 or 32")
    node_bytes = record_bits // 4
    if not 0 < nodes * node_bytes <= len(data):
        raise ValueError(f"its search tree of {nodes} nodes does not fit the file")
    raw = np.frombuffer(data, dtype=np.uint8, count=nodes * node_bytes).reshape(nodes, node_bytes).astype(np.int64)
    tree = np.empty((nodes, 2), dtype=np.int64)
    if record_bits == 28:  # the middle byte holds the top four bits of both records
        tree[:, 0] = (raw[:, 3] >> 4) << 24 | raw[:, 0] << 16 | raw[:, 1] << 8 | raw[:, 2]
        tree[:, 1] = (raw[:, 3] & 15) << 24 | raw[:, 4] << 16 | raw[:, 5] << 8 | raw[:, 6]
        return tree
    width = record_bits // 8
    for side in (0, 1):
        value = np.zeros(nodes, dtype=np.int64)
        for k in range(width):
            value = value << 8 | raw[:, side * width + k]
        tree[:, side] = value
    return tree


def _walk(tree: I64, bits: int) -> _Leaves:
    """All networks with a record. Subtrees that only repeat the IPv4 one (6to4, Teredo, mapped) are left out."""
    nodes = len(tree)
    ipv4_start = -1
    if bits == 128:
        ipv4_start = 0
        for _ in range(96):
            if ipv4_start >= nodes:
                ipv4_start = -1
                break
            ipv4_start = int(tree[ipv4_start, 0])
    node = np.zeros(1, dtype=np.int64)
    hi = np.zeros(1, dtype=np.uint64)
    lo = np.zeros(1, dtype=np.uint64)
    found: list[tuple[U64, U64, I64, I64]] = []
    visited = 0
    for depth in range(1, bits + 1):
        visited += node.size
        if visited > 4 * nodes + 1024:  # a sound tree reaches each node once, but for a few shared subtrees
            raise ValueError("its search tree has a loop")
        child = tree[node].reshape(-1)
        bit = np.uint64(1) << np.uint64((bits - depth) % 64)
        in_hi = bits - depth >= 64
        step = np.tile(np.array([0, bit], dtype=np.uint64), node.size)
        hi = np.repeat(hi, 2) | (step if in_hi else np.uint64(0))
        lo = np.repeat(lo, 2) | (np.uint64(0) if in_hi else step)
        leaf = child > nodes
        found.append((hi[leaf], lo[leaf], np.full(int(leaf.sum()), depth, dtype=np.int64), child[leaf]))
        on = (child < nodes) & ~((child == ipv4_start) & ((hi | lo) != 0))
        node, hi, lo = child[on], hi[on], lo[on]
    return _Leaves(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _countries(reader: Any, leaves: _Leaves, bits: int) -> tuple[tuple[str, ...], I64]:
    """Country codes, and per leaf an index into them (-1: none). One look-up per distinct record."""
    _, example, inverse = np.unique(leaves.pointer, return_index=True, return_inverse=True)
    codes: dict[str, int] = {}
    index = np.full(example.size, -1, dtype=np.int64)
    for n, at in enumerate(example.tolist()):
        value = int(leaves.hi[at]) << 64 | int(leaves.lo[at])
        address = ipaddress.IPv4Address(value) if bits == 32 else ipaddress.IPv6Address(value)
        code = country_of(reader.get(address))
        if code:
            index[n] = codes.setdefault(code, len(codes))
    return tuple(codes), index[inverse.reshape(-1)]


def country_of(record: object) -> str:
    """Code of the country a record names, in whichever of the common layouts; '' where it names none."""
    if not isinstance(record, dict):
        return ""
    country = record.get("country")
    registered = record.get("registered_country")
    for value in (
        country.get("iso_code") if isinstance(country, dict) else None,
        record.get("country_code"),
        country,
        registered.get("iso_code") if isinstance(registered, dict) else None,
    ):
        if isinstance(value, str) and _CODE.fullmatch(value) and value.upper() != _NOBODY:
            return value.upper()
    return ""


def _held(
    leaves: _Leaves, code_of: I64, codes: tuple[str, ...], rows: I64, bits: int, since: int
) -> list[CountryRecord]:
    """Rows as records, neighbours of one country joined."""
    rows = rows[np.lexsort((leaves.lo[rows], leaves.hi[rows]))]
    if not rows.size:
        return []
    spare = (bits - leaves.length[rows]).tolist()
    firsts = [h << 64 | low for h, low in zip(leaves.hi[rows].tolist(), leaves.lo[rows].tolist(), strict=True)]
    out: list[CountryRecord] = []
    first, last, code = firsts[0], firsts[0] - 1, int(code_of[rows[0]])
    for start, host_bits, c in zip(firsts, spare, code_of[rows].tolist(), strict=True):
        if start != last + 1 or c != code:
            out.append(CountryRecord(first, last, codes[code], since))
            first, code = start, c
        last = start + (1 << host_bits) - 1
    out.append(CountryRecord(first, last, codes[code], since))
    return out


def _shown(text: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(text)[:60])
