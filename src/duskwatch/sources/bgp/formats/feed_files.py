"""Recorded feeds: RIS Live frames, BMP as a stream or in a packet capture, OpenBMP's raw messages one after the other.

The first octets of a file say which of them it holds.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from enum import StrEnum
from itertools import chain
from pathlib import Path

from duskwatch.records.elems import Damage
from duskwatch.records.errors import InputError
from duskwatch.sources.bgp.formats.bmp import LOST, VERSIONS, BmpOptions, BmpReader
from duskwatch.sources.bgp.formats.bmp_parts import COMMON_HEADER
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_table import FeedBatch
from duskwatch.sources.bgp.formats.openbmp import MAGIC, MESSAGE_LIMIT, OpenBmpReader
from duskwatch.sources.bgp.formats.ris_frames import SPACE, frames
from duskwatch.sources.bgp.formats.ris_live import RisLiveReader
from duskwatch.sources.files.captures import Capture, is_capture
from duskwatch.sources.files.pieces import TransportDamage, open_pieces
from duskwatch.sources.files.tcp import Stream, StreamPiece, TcpStreams

BATCH_OCTETS = 1 << 20  # of records that wait to be read
PIECE_OCTETS = 1 << 16
BEGIN = 512  # octets that tell what a file holds
STREAMS_KEPT = 4096
LOOKS = 64  # pieces of a connection that may stand before a BMP header, where a capture begins in the middle of one


class FeedForm(StrEnum):
    """What a recorded feed may be."""

    RIS_LIVE = "ris-live"
    BMP = "bmp"
    OPENBMP = "openbmp"
    CAPTURE = "capture"


class NotAFeedError(InputError):
    """A file holds no feed that is read here."""


def form_of(begin: bytes) -> FeedForm | None:
    """What begins with these octets; None where it is no recorded feed."""
    if is_capture(begin):
        return FeedForm.CAPTURE
    if begin[:4] == MAGIC:
        return FeedForm.OPENBMP
    if len(begin) >= COMMON_HEADER and begin[0] in VERSIONS and begin[1] == begin[2] == 0 and begin[5] <= 6:
        return FeedForm.BMP
    if begin.lstrip(SPACE)[:1] in (b"{", b"["):
        return FeedForm.RIS_LIVE
    return None


class RecordedFeed:
    """Batches out of one recorded feed, and what was wrong with it. Iterate once.

    form     what the file holds; None until iteration began
    counts   what was read
    damage   where the file stopped making sense, None where it is whole
    unread   what of a capture was no part of a BMP session: packets, connections
    """

    def __init__(self, pieces: Iterable[bytes | memoryview], name: str, options: BmpOptions = BmpOptions()) -> None:
        self.form: FeedForm | None = None
        self.counts = FeedCounts()
        self.damage: Damage | None = None
        self.unread: dict[str, int] = {}
        self._pieces, self._name, self._options = pieces, name, options

    def __iter__(self) -> Iterator[FeedBatch]:
        with closing(self._undamaged()) as pieces:
            begin, rest = _begin(pieces)
            self.form = form_of(begin)
            if self.form is None:
                if not begin and self.damage is not None:
                    return
                raise NotAFeedError(
                    f"{self._name}: {'the file is empty' if not begin else 'no recorded feed'}; RIS Live frames, a BMP "
                    "stream, a packet capture with BMP in it or OpenBMP messages are read (duskwatch mrt reads MRT)"
                )
            read = {
                FeedForm.RIS_LIVE: self._ris_live, FeedForm.BMP: self._bmp, FeedForm.OPENBMP: self._openbmp,
                FeedForm.CAPTURE: self._capture,
            }[self.form]  # fmt: skip
            yield from read(rest)

    def _undamaged(self) -> Generator[bytes]:
        pieces = iter(self._pieces)
        try:
            for piece in pieces:
                for at in range(0, len(piece), PIECE_OCTETS):
                    yield bytes(piece[at : at + PIECE_OCTETS])
        except TransportDamage as damage:
            self.damage = Damage(damage.offset, damage.expected, damage.found)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def _ris_live(self, pieces: Iterable[bytes]) -> Iterator[FeedBatch]:
        reader = RisLiveReader()
        self.counts = reader.counts
        for text in frames(pieces):
            reader.frame(text)
            if reader.waiting >= BATCH_OCTETS:
                yield reader.take()
        yield reader.take()

    def _bmp(self, pieces: Iterable[bytes]) -> Iterator[FeedBatch]:
        reader = BmpReader(Path(self._name).name, self._options)
        self.counts = reader.counts
        for piece in pieces:
            reader.feed(piece)
            if reader.waiting >= BATCH_OCTETS:
                yield reader.take()
        reader.finish()
        self.damage = self.damage or reader.damage
        yield reader.take()

    def _openbmp(self, pieces: Iterable[bytes]) -> Iterator[FeedBatch]:
        reader = OpenBmpReader(self._options)
        self.counts = reader.counts
        held, at = b"", 0
        for piece in chain(pieces, (b"",)):
            held += piece
            while len(held) >= 12 and held[:4] == MAGIC:
                length = int.from_bytes(held[6:8], "big") + int.from_bytes(held[8:12], "big")
                if length > MESSAGE_LIMIT or length > len(held):
                    break
                reader.message(held[:length])
                held, at = held[length:], at + length
            if len(held) > MESSAGE_LIMIT or (len(held) >= 4 and held[:4] != MAGIC):
                self.damage = self.damage or Damage(at, "an OpenBMP header", held[:12].hex(" "))
                break
            if reader.waiting >= BATCH_OCTETS:
                yield reader.take()
        else:
            if held:
                found = f"the end after {len(held)} bytes of it"
                self.damage = self.damage or Damage(at, "a whole OpenBMP message", found)
        yield reader.take()

    def _capture(self, pieces: Iterable[bytes]) -> Iterator[FeedBatch]:
        capture, streams, routers = Capture(pieces), TcpStreams(), _Routers(self._options, self.counts)
        for piece in streams.pieces(capture):
            reader = routers.reader(piece)
            if reader is None:
                continue
            if piece.missing:
                found = f"{piece.missing} octets missing from the connection of {piece.stream.source}"
                self.damage = self.damage or Damage(piece.offset, "the octets that follow", found)
                routers.end(piece.stream, "octets of the connection are missing from the capture")
            else:
                reader.feed(piece.data)
                if piece.end:
                    routers.end(piece.stream, LOST if piece.closed else "")
                if reader.damage is not None:
                    self.damage = self.damage or Damage(piece.offset, reader.damage.expected, reader.damage.found)
            if piece.end or reader.waiting >= BATCH_OCTETS:
                yield reader.take()
        for reader in routers.all:
            yield reader.take()
        self.damage = self.damage or capture.damage
        self.unread = {
            "packets without a TCP segment": streams.others,
            "connections without BMP": len(routers.others),
        }


class _Routers:
    """Readers of the routers in a capture. A router that connects again goes on with the tables it had."""

    def __init__(self, options: BmpOptions, counts: FeedCounts) -> None:
        self.all: list[BmpReader] = []
        self.others: dict[Stream, int] = {}  # connections that are no BMP, and how many pieces of them were looked at
        self._ended: set[Stream] = set()
        self._options, self._counts = options, counts
        self._active: dict[Stream, BmpReader] = {}
        self._idle: dict[str, list[BmpReader]] = {}

    def reader(self, piece: StreamPiece) -> BmpReader | None:
        """Who reads a piece; None where nobody does."""
        stream = piece.stream
        found = self._active.get(stream)
        if found is not None or not piece.data or stream in self._ended:
            return found
        looks = self.others.get(stream, 0)
        if looks > LOOKS or form_of(piece.data) != FeedForm.BMP or len(self.all) >= STREAMS_KEPT:
            if looks or len(self.others) < STREAMS_KEPT:
                self.others[stream] = looks + 1
            return None
        self.others.pop(stream, None)
        source = stream.source
        idle = self._idle.get(source)
        if idle:
            found = idle.pop()
            found.begin()
        else:
            name = source
            if others := sum(reader.router.partition("#")[0] == source for reader in self.all):
                name = f"{source}#{others + 1}"
            found = BmpReader(name, self._options, self._counts)
            self.all.append(found)
        self._active[stream] = found
        return found

    def end(self, stream: Stream, reason: str) -> None:
        """A connection is over; where there is a reason, so are the sessions that came over it."""
        reader = self._active.pop(stream)
        reader.finish()
        if reason:
            reader.lost(0, reason)
        if len(self._ended) < STREAMS_KEPT:
            self._ended.add(stream)
        self._idle.setdefault(stream.source, []).append(reader)


def open_feed(path: str | Path, options: BmpOptions = BmpOptions()) -> RecordedFeed:
    """The recorded feed in a file, plain or compressed; ``-`` is standard input."""
    return RecordedFeed(open_pieces(path, piece_bytes=1 << 20), str(path), options)


def _begin(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first octets, and all of them again."""
    held, have = [], 0
    for piece in pieces:
        held.append(piece)
        have += len(piece)
        if have >= BEGIN:
            break
    first = b"".join(held)
    return first[:BEGIN], chain((first,), pieces) if first else iter(())
