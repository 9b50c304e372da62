"""Files of nfcapd into blocks of flows: nfdump 1.6 (layout 1) and 1.7 (layout 2)."""

import bz2
import struct
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_nfdump as kernel
from duskwatch.kernels import lzo
from duskwatch.records.elems import Damage
from duskwatch.records.flows import Export, Exporter, FlowBlock
from duskwatch.sources.flows.blocks import new_rows, to_block
from duskwatch.sources.flows.octets import Octets

MAGIC = b"\x0c\xa5"
HEADER_1, IDENT_AND_STATISTICS = 140, 136  # layout 1: octets of the header, and of the statistics behind it
HEADER_2 = 40
MOST_BLOCK = 16 << 20  # octets, packed or not; nfcapd writes 5 MB at most
PLAIN, LZO, BZIP2, LZ4, ZSTD = range(5)
UNCOMPRESSED_BLOCK = 1
FLOW_BLOCKS = {1: (2,), 2: (2, 3)}  # kinds of blocks that hold flow records, by layout
SFLOW_VERSION = 9999
VERSIONS = {5: Export.NETFLOW5, 9: Export.NETFLOW9, 10: Export.IPFIX, SFLOW_VERSION: Export.SFLOW5}
MAPS = 4096
U32 = 0xFFFFFFFF


class NfdumpReader:
    """Blocks of flows from the pieces of one file. Iterate once.

    exporters       who exported, as the file tells; a block's ``exporter`` is a row here, 0 where it does not tell
    flows           rows given
    other_records   records that are no flows
    scaled          flows whose counts nfcapd has multiplied by a rate that the file does not tell: they are taken as
                    they are, as if nothing had been sampled
    damage          where the file stopped making sense; None where it is whole

    No bytes, however broken, raise an exception here.
    """

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.exporters = [Exporter(Export.NFDUMP, 0, 0, 0, 0)]
        self.flows = self.other_records = self.scaled = 0
        self.damage: Damage | None = None
        self._octets = Octets(pieces)
        self._block_at = 0
        self._map_rows = np.full(1 << 16, -1, np.int32)
        self._maps = np.zeros((1, 64), np.uint8)
        self._whose = np.zeros(1 << 16, np.int32)
        self._rates = np.zeros(1 << 16, np.int64)
        self._tally = np.zeros(2, np.int64)

    def __iter__(self) -> Iterator[FlowBlock]:
        out = new_rows()
        try:
            layout, packing, blocks = self._begin()
            for _ in range(blocks):
                if self.damage is not None:
                    break
                data = self._block(layout, packing)
                if data is not None:
                    yield from self._flows(data, out)
        finally:
            self._octets.close()
            self.damage = self._octets.damage or self.damage
            self.other_records, self.scaled = self._tally.tolist()

    def _begin(self) -> tuple[int, int, int]:
        """Layout, packing and number of blocks."""
        head = self._octets.take(8)
        if len(head) < 8 or head[:2] != MAGIC:
            self.damage = Damage(0, "a file of nfcapd of a machine that has the low octet first", head.hex(" "))
            return 0, 0, 0
        (layout,) = struct.unpack_from("<H", head, 2)
        if layout == 1:
            rest = self._octets.take(HEADER_1 - 8 + IDENT_AND_STATISTICS)
            flags, blocks = struct.unpack("<I", head[4:])[0], int.from_bytes(rest[:4], "little")
            packing = LZO if flags & 1 else BZIP2 if flags & 8 else LZ4 if flags & 16 else PLAIN
            if len(rest) == HEADER_1 - 8 + IDENT_AND_STATISTICS:
                return layout, packing, blocks
        elif layout == 2:
            rest = self._octets.take(HEADER_2 - 8)
            if len(rest) == HEADER_2 - 8:
                packing, encryption = rest[8], rest[9]
                (blocks,) = struct.unpack_from("<I", rest, 28)
                if encryption:
                    self.damage = Damage(17, "a file that is not encrypted", f"encryption {encryption}")
                return layout, packing, blocks
        else:
            self.damage = Damage(2, "layout 1 or 2 of nfdump's files; let nfdump write CSV", f"layout {layout}")
            return 0, 0, 0
        self.damage = Damage(self._octets.at, "a whole file header", "the end of the file")
        return 0, 0, 0

    def _block(self, layout: int, packing: int) -> npt.NDArray[np.uint8] | None:
        """The unpacked octets of the next block; None where it holds no flow records, or is broken."""
        at = self._block_at = self._octets.at
        head = self._octets.take(12)
        if len(head) < 12:
            self.damage = Damage(at, "a data block", f"the end of the file after {len(head)} bytes of it")
            return None
        records, size, kind, flags = struct.unpack("<IIHH", head)
        if size > MOST_BLOCK:
            self.damage = Damage(at, f"a data block of up to {MOST_BLOCK} bytes", f"one of {size}")
            return None
        data = self._octets.take(size)
        if len(data) < size:
            self.damage = Damage(at, f"a data block of {size} bytes", f"the end of the file after {len(data)} of them")
            return None
        if kind not in FLOW_BLOCKS[layout]:
            self._tally[0] += records
            return None
        if packing == PLAIN or flags == UNCOMPRESSED_BLOCK:
            return np.frombuffer(data, np.uint8)
        unpacked = _unpacked(data, packing)
        if unpacked is None:
            self.damage = Damage(at, "a packed data block", f"{size} bytes that cannot be unpacked")
        return unpacked

    def _flows(self, data: npt.NDArray[np.uint8], out: npt.NDArray[np.uint64]) -> Iterator[FlowBlock]:
        at = 0
        while True:
            ended, at, rows = kernel.read_records(
                data,
                at,
                self._map_rows,
                self._maps,
                self._whose,
                self._rates,
                kernel.EXTENSION_OCTETS,
                self._tally,
                out,
            )
            if rows:
                self.flows += rows
                yield to_block(out, rows)
            if ended == kernel.META:
                at += self._meta(data[at:].tobytes())
            elif ended == kernel.BROKEN:
                found = data[at : at + 16].tobytes().hex(" ")
                self.damage = Damage(self._block_at, f"a record at byte {at} of the data block that begins here", found)
                return
            elif ended == kernel.ALL:
                return

    def _meta(self, data: bytes) -> int:
        """Take over a record about maps, exporters or samplers; its octets."""
        kind, size = struct.unpack_from("<HH", data)
        data = data[:size]
        if kind == kernel.MAP and size >= 8:
            (number,) = struct.unpack_from("<H", data, 4)
            numbers = [n for (n,) in struct.iter_unpack("<H", data[8 : size - size % 2])]
            fields_of_map = numbers[: numbers.index(0)] if 0 in numbers else numbers
            row = len(self._maps)
            if row < MAPS:
                fitting = np.zeros((1, 64), np.uint8)
                fitting[0, : len(fields_of_map[:63])] = [min(n, 255) for n in fields_of_map[:63]]
                self._maps = np.vstack([self._maps, fitting])
                self._map_rows[number] = row
        elif kind == kernel.EXPORTER_INFO and size >= 32:
            version, hi, lo, address_family, number, domain = struct.unpack_from("<IQQHHI", data, 4)
            six = hi != 0 or address_family == 10
            if len(self.exporters) < 1 << 16:
                self._whose[number] = len(self.exporters)
                export = VERSIONS.get(version, Export.NFDUMP)
                afi, hi, lo = (2, hi, lo) if six else (1, (lo & U32) << 32, 0)
                self.exporters.append(Exporter(export, afi, hi, lo, domain))
        elif kind == kernel.OLD_SAMPLER and size >= 16:
            _, interval, _, exporter = struct.unpack_from("<iIHH", data, 4)
            self._rates[exporter] = interval
        elif kind == kernel.SAMPLER_INFO and size >= 24:
            exporter, _, _, interval, space = struct.unpack_from("<HHqII", data, 4)
            self._rates[exporter] = min((interval + space) // interval, U32) if interval else 0
        return int(size)


def _unpacked(data: bytes, packing: int) -> npt.NDArray[np.uint8] | None:
    """The octets of a packed block; None where it is broken, or would be larger than any is."""
    try:
        if packing == LZO:
            out = np.empty(MOST_BLOCK, np.uint8)
            size = lzo.unpack(np.frombuffer(data, np.uint8), out)
            return None if size < 0 else out[:size].copy()
        if packing == BZIP2:
            return np.frombuffer(bz2.BZ2Decompressor().decompress(data, MOST_BLOCK), np.uint8)
        if packing == LZ4:
            import lz4.block

            return np.frombuffer(lz4.block.decompress(data, uncompressed_size=MOST_BLOCK), np.uint8)
        if packing == ZSTD:
            import zstandard

            return np.frombuffer(zstandard.ZstdDecompressor().decompress(data, MOST_BLOCK), np.uint8)
    except Exception:  # each library has its own exceptions, and they all mean the same
        return None
    return None
