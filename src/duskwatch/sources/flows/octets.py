"""Exactly so many octets at a time, out of pieces."""

from collections.abc import Generator, Iterable

from duskwatch.records.elems import Damage
from duskwatch.sources.files.pieces import TransportDamage


class Octets:
    """The octets of one file. ``at`` is the position of the next; ``damage`` where unpacking failed, if it did."""

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.at = 0
        self.damage: Damage | None = None
        self._pieces = self._undamaged(pieces)
        self._held = bytearray()

    def take(self, count: int) -> bytes:
        """The next octets; fewer where there are no more."""
        while len(self._held) < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        taken = bytes(self._held[:count])
        del self._held[:count]
        self.at += len(taken)
        return taken

    def close(self) -> None:
        """Let go of the file."""
        self._pieces.close()

    def _undamaged(self, pieces: Iterable[bytes | memoryview]) -> Generator[bytes | memoryview]:
        iterator = iter(pieces)
        try:
            yield from iterator
        except TransportDamage as damage:
            self.damage = Damage(damage.offset, damage.expected, damage.found)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()
