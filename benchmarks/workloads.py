"""Writes seeded workloads shaped like a full table: table dumps and hours of updates, packed as archives pack them.

Shape, at scale 1: 1,000,000 IPv4 and 200,000 IPv6 prefixes, 40 peers with a session per family, 75,000 origins. Mix
of prefix lengths, AS paths of 4.6 hops, 4.3 communities and 2.6 elems per update message, as counted in RIPE RIS files
of 2021. Scale multiplies prefixes, origins and update rate; peers stay.
"""

import argparse
import bz2
import json
import os
import struct
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.mrt_kernels import LONGEST_ENTRY, fill_routes, mix, write_rib, write_updates
from duskwatch.sources.bgp.formats.mrt_write import Peer, peer_index_table

DATA = Path(__file__).resolve().parent / "data"
VERSION = 2  # raise it when the same parameters make other files
START = 1736899200  # 2025-01-15T00:00:00Z
IPV4_PREFIXES, IPV6_PREFIXES, ORIGINS, PEERS = 1_000_000, 200_000, 75_000, 40
RECORDS_PER_SECOND = 67  # of 40 peers; rrc12 had 230 of some 200 peers
PIECE = 8 << 20
# Shares of prefix lengths in the global table, in per mille.
LENGTHS4 = {24: 600, 23: 92, 22: 110, 21: 50, 20: 45, 19: 26, 18: 14, 17: 8, 16: 14, 15: 2, 14: 1, 13: 1, 12: 1}
LENGTHS6 = {48: 460, 44: 80, 40: 90, 36: 60, 32: 130, 46: 30, 47: 20, 42: 20, 45: 15, 33: 20, 34: 15, 29: 30}
PERIOD_S = {"gz": 300, "bz2": 900}


@dataclass(frozen=True)
class File:
    """One file of a workload."""

    path: str
    kind: str  # rib or updates
    raw_bytes: int
    stored_bytes: int
    records: int
    elems: int


@dataclass(frozen=True)
class Workload:
    """A folder of files. Paths are relative to it."""

    folder: Path
    files: tuple[File, ...]
    geo: Path
    start: int
    seconds: int

    @property
    def collector(self) -> Path:
        return self.folder / Path(self.files[0].path).parts[0]

    def of(self, kind: str) -> list[Path]:
        return [self.folder / file.path for file in self.files if file.kind == kind]

    def total(self, what: str, kind: str | None = None) -> int:
        return sum(getattr(file, what) for file in self.files if kind in (None, file.kind))


class Shape(NamedTuple):
    """What workload() is asked for, but for its seed."""

    packing: str
    scale: float
    hours: float
    dump_hours: float = 0

    def made(self) -> Workload:
        """The workload of this shape."""
        return workload(self.packing, self.scale, self.hours, dump_hours=self.dump_hours)

    def told(self) -> dict[str, str | float]:
        """Its fields, to stand in a result."""
        return self._asdict()


# Archives as the two large projects keep them, with 10 s of unpacking and more on one core.
RIS_TWO_DAYS = Shape("gz", 1, 48, 8)
ROUTE_VIEWS_SIX_HOURS = Shape("bz2", 0.2, 6, 2)


def workload(
    packing: str,
    scale: float,
    hours: float,
    seed: int = 1,
    jobs: int | None = None,
    day: int = 0,
    dump_hours: float = 0,
) -> Workload:
    """The workload of these parameters, from the cache below benchmarks/data or written now.

    day         so many days after the first: the same table and peers, other updates
    dump_hours  time between table dumps; 0: there is one, at the start. RIPE RIS takes one every 8 hours, Route Views
                one every 2
    """
    if packing not in PERIOD_S:
        raise ValueError(f"packing {packing!r}: gz or bz2")
    if dump_hours * 3600 % PERIOD_S[packing]:
        raise ValueError(f"{dump_hours} hours between dumps: not a multiple of the {PERIOD_S[packing]} s of a file")
    name = f"table-{packing}-scale{scale:g}-hours{hours:g}"
    name += f"-dumps{dump_hours:g}" if dump_hours else ""
    folder = DATA / f"{name}-seed{seed}{f'-day{day}' if day else ''}"
    start = START + day * 86400
    manifest = folder / "manifest.json"
    wanted = {"version": VERSION, "packing": packing, "scale": scale, "hours": hours, "seed": seed}
    if day:
        wanted["day"] = day
    if dump_hours:
        wanted["dump_hours"] = dump_hours
    seconds = round(hours * 3600)
    if manifest.is_file():
        stored = json.loads(manifest.read_text())
        if stored["parameters"] == wanted:
            files = tuple(File(**row) for row in stored["files"])
            return Workload(folder, files, folder / "delegated-nro-extended-20250115", start, seconds)
    between = round(dump_hours * 3600) or seconds
    files = tuple(_write(folder, packing, scale, start, seconds, between, seed, jobs or os.cpu_count() or 1))
    geo = folder / "delegated-nro-extended-20250115"
    geo.write_text(_delegated())
    manifest.write_text(json.dumps({"parameters": wanted, "files": [asdict(file) for file in files]}, indent=1))
    return Workload(folder, files, geo, start, seconds)


@dataclass(frozen=True)
class Tables:
    """Prefixes of both families in order of address, with the origin (row of asns) of each."""

    hi4: npt.NDArray[np.uint64]
    length4: npt.NDArray[np.uint8]
    origin4: npt.NDArray[np.int64]
    hi6: npt.NDArray[np.uint64]
    length6: npt.NDArray[np.uint8]
    origin6: npt.NDArray[np.int64]
    asns: npt.NDArray[np.int64]
    peer_asn: npt.NDArray[np.int64]


def make_tables(scale: float, seed: int) -> Tables:
    """Draw the prefixes and who originates them."""
    rng = np.random.default_rng(seed)
    origins = max(20, round(ORIGINS * scale))
    hi4, length4 = _prefixes4(rng, max(50, round(IPV4_PREFIXES * scale)))
    hi6, length6 = _prefixes6(rng, max(20, round(IPV6_PREFIXES * scale)))
    asns = rng.choice(np.arange(8000, 402_000, dtype=np.int64), origins, replace=False)
    return Tables(
        hi4,
        length4,
        _origins(rng, len(hi4), origins),
        hi6,
        length6,
        _origins(rng, len(hi6), origins),
        asns,
        np.array([64496 + k if k < 16 else 65520 + k for k in range(PEERS)], np.int64),
    )


def _draw(rng: np.random.Generator, shares: dict[int, int], count: int) -> npt.NDArray[np.int64]:
    weights = np.array(list(shares.values()), float)
    return rng.choice(np.array(list(shares), np.int64), count, p=weights / weights.sum())


def _prefixes4(rng: np.random.Generator, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """Blocks laid out one after the other, then three in ten /24s moved into a larger block as more specifics."""
    length = _draw(rng, LENGTHS4, count)
    # In groups of 64, the largest first, so that each block is aligned to its size.
    for at in range(0, count, 64):
        length[at : at + 64] = np.sort(length[at : at + 64])
    size = np.int64(1) << (32 - length)
    group = np.add.reduceat(size, np.arange(0, count, 64))
    # What space is left between 1.0.0.0 and 223.255.255.255 becomes holes between the groups.
    hole = max(0, (222 << 24) - int(group.sum())) // len(group) * 7 // 10
    starts = np.empty(len(group), np.int64)
    at = 1 << 24
    for number, largest in enumerate(size[::64]):
        starts[number] = at = -(-at // largest) * largest
        at += group[number] + hole
    inside = np.cumsum(size) - size
    address = np.repeat(starts, 64)[:count] + inside - np.repeat(inside[::64], 64)[:count]
    large = np.flatnonzero(length <= 22)
    moved = np.flatnonzero((length == 24) & (rng.random(count) < 0.3))
    if len(large) and len(moved):
        home = rng.choice(large, len(moved))
        address[moved] = address[home] + (rng.integers(0, 1 << 30, len(moved)) % (size[home] >> 8) << 8)
    key = np.unique(((address % (224 << 24)) << 8) | length)
    return (key >> 8).astype(np.uint64) << np.uint64(32), (key & 255).astype(np.uint8)


def _prefixes6(rng: np.random.Generator, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """Prefixes inside a fifth as many /32s of 2400::/6."""
    length = _draw(rng, LENGTHS6, count)
    home = rng.integers(0x24000000, 0x28000000, max(1, count // 5))
    hi = (rng.choice(home, count) << 32) | rng.integers(0, 1 << 16, count) << 16
    hi &= ~((np.int64(1) << (64 - length)) - 1)
    keys = np.unique(np.stack([hi, length]), axis=1)
    return keys[0].astype(np.uint64), keys[1].astype(np.uint8)


def _origins(rng: np.random.Generator, count: int, origins: int) -> npt.NDArray[np.int64]:
    """Neighbours in address often share the origin; few origins have many prefixes."""
    runs = rng.geometric(0.35, count)
    of_run = (origins * rng.random(count) ** 2.2).astype(np.int64)
    return np.repeat(of_run, runs)[:count]


@dataclass(frozen=True)
class Routes:
    """What each peer holds of each prefix of one family."""

    variant: npt.NDArray[np.uint8]
    origin: npt.NDArray[np.int32]

    @classmethod
    def before(cls, prefix_origin: npt.NDArray[np.int64]) -> "Routes":
        """Before any update."""
        routes = cls(*(np.empty((len(prefix_origin), PEERS), dtype) for dtype in (np.uint8, np.int32)))
        fill_routes(prefix_origin, routes.variant, routes.origin)
        return routes


def _write(
    folder: Path, packing: str, scale: float, start: int, seconds: int, between: int, seed: int, jobs: int
) -> Iterator[File]:
    tables = make_tables(scale, seed)
    routes4, routes6 = Routes.before(tables.origin4), Routes.before(tables.origin6)
    name = "rrc97" if packing == "gz" else "route-views.stage"
    below = folder / name / "2025.01"
    period = PERIOD_S[packing]
    per_second = max(1, round(RECORDS_PER_SECOND * scale))
    began = time.perf_counter()
    for number in range(-(-seconds // period)):
        second = start + number * period
        stamp = datetime.fromtimestamp(second, UTC).strftime("%Y%m%d.%H%M")
        if number * period % between == 0:
            path = below / (f"bview.{stamp}.gz" if packing == "gz" else f"RIBS/rib.{stamp}.bz2")
            dumping, counts = time.perf_counter(), [0, 0]
            raw, stored = store(path, _rib_pieces(tables, routes4, routes6, counts, second), jobs)
            yield File(str(path.relative_to(folder)), "rib", raw, stored, *counts)
            _say(path, raw, stored, dumping)
        path = below / (f"updates.{stamp}.gz" if packing == "gz" else f"UPDATES/updates.{stamp}.bz2")
        out = np.empty(period * per_second * LONGEST_ENTRY, np.uint8)
        used, records, elems = write_updates(
            out,
            second,
            period,
            per_second,
            seed * 100_000 + (start - START) // 86400 * 1000 + number,
            packing == "bz2",
            tables.hi4,
            tables.length4,
            tables.origin4,
            routes4.variant,
            routes4.origin,
            tables.hi6,
            tables.length6,
            tables.origin6,
            routes6.variant,
            routes6.origin,
            tables.peer_asn,
            tables.asns,
        )
        raw, stored = store(path, [out[:used].tobytes()], jobs)
        yield File(str(path.relative_to(folder)), "updates", raw, stored, records, elems)
    _say(below, 0, 0, began)


def _say(path: Path, raw: int, stored: int, began: float) -> None:
    print(
        f"{path.name}: {raw / 1e6:.0f} MB, stored {stored / 1e6:.0f} MB, {time.perf_counter() - began:.0f} s",
        file=sys.stderr,
    )


def _rib_pieces(tables: Tables, routes4: Routes, routes6: Routes, counts: list[int], start: int) -> Iterator[bytes]:
    """The dump: peer index, then all prefixes. ``counts`` gets records and entries."""
    peers = [
        Peer(int(asn), f"198.18.{k * 16 >> 8}.{k * 16 & 255}", f"198.18.{k * 16 >> 8}.{k * 16 & 255}")
        for k, asn in enumerate(tables.peer_asn)
    ]
    peers += [Peer(int(asn), f"2001:db8::{k + 10:x}", f"198.19.0.{k + 1}") for k, asn in enumerate(tables.peer_asn)]
    yield peer_index_table(start, "198.18.255.255", peers)
    counts[0] += 1
    step = max(1, PIECE // (PEERS * 100))
    out = np.empty(step * (PEERS * LONGEST_ENTRY + 64), np.uint8)
    sequence = 0
    for afi, hi, length, routes in (
        (1, tables.hi4, tables.length4, routes4),
        (2, tables.hi6, tables.length6, routes6),
    ):
        for first in range(0, len(hi), step):
            last = min(first + step, len(hi))
            used, records, entries = write_rib(
                out,
                start,
                first,
                last,
                hi,
                length,
                routes.variant,
                routes.origin,
                afi,
                tables.peer_asn,
                (afi - 1) * PEERS,
                tables.asns,
                sequence,
            )
            counts[0] += records
            counts[1] += entries
            yield out[:used].tobytes()
        sequence += len(hi)


def store(path: Path, pieces: Iterable[bytes], jobs: int) -> tuple[int, int]:
    """Pack pieces into one file: gzip of one member, bzip2 of one stream. Returns unpacked and packed bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        raw = _gzip(pieces, file, jobs) if path.suffix == ".gz" else _bzip2(pieces, file)
    return raw, path.stat().st_size


def _gzip(pieces: Iterable[bytes], file, jobs: int) -> int:  # type: ignore[no-untyped-def]
    """Deflate pieces in parallel into one member (RFC 1952), each ending on a byte boundary (Z_FULL_FLUSH)."""
    raw, crc = 0, 0
    file.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    with ThreadPoolExecutor(jobs) as pool:
        waiting = []
        for piece in pieces:
            raw += len(piece)
            crc = zlib.crc32(piece, crc)
            waiting.append(pool.submit(_deflate, piece))
            if len(waiting) > 2 * jobs:
                file.write(waiting.pop(0).result())
        for done in waiting:
            file.write(done.result())
    file.write(zlib.compressobj(6, zlib.DEFLATED, -15).flush())
    file.write(struct.pack("<II", crc, raw & 0xFFFFFFFF))
    return raw


def _deflate(piece: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)


def _bzip2(pieces: Iterable[bytes], file) -> int:  # type: ignore[no-untyped-def]
    packer, raw = bz2.BZ2Compressor(9), 0
    for piece in pieces:
        raw += len(piece)
        file.write(packer.compress(piece))
    file.write(packer.flush())
    return raw


def _delegated() -> str:
    """Every /12 to one of sixty countries, by hash. No registry published this."""
    text = (
        "ADAEALAMAOARATAUAZBABDBEBGBHBOBRBWBYCACHCLCMCNCOCRCYCZDEDJDK"
        "DODZECEEEGESETFIFJFRGBGEGHGRGTHKHNHRHUIDIEILINIQIRISITJMJOJP"
    )
    codes = [text[at : at + 2] for at in range(0, len(text), 2)]
    lines = ["# Made for a benchmark; no registry published this file.", "2|nro|20250115|3552|19821213|20250114|+0000"]
    for block in range(16, 222 * 16):
        code = codes[int(mix(np.uint64(block)) >> np.uint64(33)) % len(codes)]
        lines.append(f"ripencc|{code}|ipv4|{block >> 4}.{(block & 15) << 4}.0.0|{1 << 20}|20050101|allocated|bench")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write a workload from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packing", choices=sorted(PERIOD_S))
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--dump-hours", type=float, default=0, help="hours between table dumps; 0: one, at the start")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    made = workload(options.packing, options.scale, options.hours, options.seed, dump_hours=options.dump_hours)
    print(
        f"{made.folder}: {len(made.files)} files, {made.total('raw_bytes') / 1e6:.0f} MB unpacked, "
        f"{made.total('stored_bytes') / 1e6:.0f} MB stored, {made.total('elems')} elems"
    )


if __name__ == "__main__":
    main()
