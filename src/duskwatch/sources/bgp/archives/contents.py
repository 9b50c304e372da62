"""What one archive file holds, as messages: table dumps and updates, in one file or in files of their own.

``cat bview updates.*`` makes a file in which updates follow a dump; several dumps may be in one. Where the updates of
a dump's own minutes stand among its routes, as some routers write them, they stay inside of the dump.
"""

from collections.abc import Iterator

import numpy as np

from duskwatch.records.elems import ElemBlock, Kind, RibBlock
from duskwatch.records.messages import DumpBegin, DumpEnd, Message
from duskwatch.records.times import MINUTE
from duskwatch.sources.bgp.archives.find import ArchiveFile
from duskwatch.sources.bgp.archives.order import follows_late, in_order, joined, taken
from duskwatch.sources.bgp.formats.mrt import MrtReader

# Updates that follow a dump's routes are held back, as more of its routes may come: so many, or of so long.
MOST_HELD = 4096
LONGEST_HELD_US = 10 * MINUTE


class Contents:
    """Messages of one file: blocks, with DumpBegin and DumpEnd around those of each dump. Iterate once.

    dumps          table dumps with any route so far
    in_dump        whether the block given last is of one
    ended_in_dump  whether the file ended (or broke off) in one
    late, late_us  elems that came out of order and were put in order, and by how much the latest was late
    """

    def __init__(self, file: ArchiveFile, reader: MrtReader) -> None:
        self.dumps = 0
        self.in_dump = self.ended_in_dump = False
        self.late = self.late_us = 0
        self._file, self._reader = file, reader
        self._held: list[ElemBlock] = []
        self._waits: ElemBlock | None = None  # updates, which the next block may belong ahead of
        self._begun_us = 0  # what the first route of the dump says

    def __iter__(self) -> Iterator[Message]:
        for block in self._reader.routes():
            if isinstance(block, RibBlock):
                if len(block.time_us):
                    yield from self._routes(block)
                continue
            for part, kind in self._parts(block):
                if kind == Kind.RIB:
                    yield from self._routes(part)
                elif kind == Kind.RIB_PEER:
                    yield from self._end(complete=True)  # the index of another dump
                else:
                    yield from self._updates(part)
        self.ended_in_dump = self.in_dump and not self._held
        yield from self._end(complete=self._reader.damage is None or not self.ended_in_dump)
        yield from self._waited()

    def _parts(self, block: ElemBlock) -> Iterator[tuple[ElemBlock, Kind]]:
        """Stretches of a block that are of a dump's routes, of its index, or of updates (as ANNOUNCE)."""
        if not self._reader.has_rib:
            yield block, Kind.ANNOUNCE
            return
        kinds = block.kind
        what = np.where(kinds == Kind.RIB, Kind.RIB, np.where(kinds == Kind.RIB_PEER, Kind.RIB_PEER, Kind.ANNOUNCE))
        edges = np.concatenate([[0], np.flatnonzero(np.diff(what)) + 1, [len(what)]])
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if start < end:
                yield (block if end - start == len(what) else taken(block, slice(start, end))), Kind(int(what[start]))

    def _routes(self, block: ElemBlock | RibBlock) -> Iterator[Message]:
        said_us = int(block.time_us[0])
        if self.in_dump and self._held and said_us >= self._begun_us + LONGEST_HELD_US and isinstance(block, ElemBlock):
            yield from self._end(complete=True)  # no index begins a dump of TABLE_DUMP (RFC 6396 section 4.2)
        if not self.in_dump:
            yield from self._waited()
            first = not self.dumps and not self._file.is_update
            self.in_dump, self._begun_us = True, said_us
            self.dumps += 1
            yield DumpBegin(self._file.path.name, said_us, self._file.named_us if first else None)
        held, self._held = self._held, []
        yield from held
        yield block

    def _updates(self, block: ElemBlock) -> Iterator[Message]:
        if not self.in_dump:
            yield from self._ordered(block)
            return
        self._held.append(block)
        many = sum(len(held.time_us) for held in self._held) >= MOST_HELD
        if many or block.last_us >= self._begun_us + LONGEST_HELD_US:
            yield from self._end(complete=True)

    def _end(self, complete: bool) -> Iterator[Message]:
        """The dump is over, if one had begun, and what was held back comes after it."""
        if not self.in_dump:
            return
        yield DumpEnd(complete)
        self.in_dump = False
        held, self._held = self._held, []
        for block in held:
            yield from self._ordered(block)

    def _ordered(self, block: ElemBlock) -> Iterator[ElemBlock]:
        """Updates in the order of their times; the last block waits for the one after it."""
        if self._waits is not None and len(block.time_us) and follows_late(self._waits, block):
            block, self._waits = joined(self._waits, block), None
        yield from self._waited()
        self._waits, late, late_us = in_order(block)
        self.late, self.late_us = self.late + late, max(self.late_us, late_us)

    def _waited(self) -> Iterator[ElemBlock]:
        waits, self._waits = self._waits, None
        if waits is not None:
            yield waits
