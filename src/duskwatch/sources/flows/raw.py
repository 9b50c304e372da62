"""Files of bare datagrams: one of any export, or NetFlow 5 and IPFIX one after the other (RFC 5655)."""

import struct
from collections.abc import Iterable, Iterator

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_datagrams import Datagrams
from duskwatch.records.elems import Damage
from duskwatch.sources.flows.datagrams import batch_of
from duskwatch.sources.flows.octets import Octets

LONGEST = 65_535  # octets of a datagram
DATAGRAMS_AT_ONCE = 512  # datagrams


def begins_as_export(data: bytes) -> bool:
    """Whether a file that begins so may be one of datagrams."""
    return data[:2] in (b"\0\5", b"\0\x09", b"\0\x0a") or data[:4] == b"\0\0\0\5"


class RawReader:
    """Batches of datagrams from the pieces of one file. Their sender and time of reception are not known.

    datagrams  how many there were
    damage     where the file stopped making sense; None where it is whole
    """

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.datagrams = 0
        self.damage: Damage | None = None
        self._octets = Octets(pieces)

    def __iter__(self) -> Iterator[Datagrams]:
        waiting: list[bytes] = []
        try:
            while (one := self._next()) is not None:
                self.datagrams += 1
                waiting.append(one)
                if len(waiting) == DATAGRAMS_AT_ONCE:
                    yield batch_of(waiting)
                    waiting = []
            if waiting:
                yield batch_of(waiting)
        finally:
            self._octets.close()
            self.damage = self._octets.damage or self.damage

    def _next(self) -> bytes | None:
        at = self._octets.at
        head = self._octets.take(4)
        if not head:
            return None
        size = _size(head)
        if size is None:
            # Nothing in it says how long it is: it is all there is.
            rest = self._octets.take(LONGEST + 1)
            if len(head) + len(rest) > LONGEST or not begins_as_export(head):
                what = "a datagram of NetFlow, IPFIX or sFlow" if not begins_as_export(head) else "one datagram"
                self.damage = Damage(at, f"{what}, of up to {LONGEST} bytes", head.hex(" "))
                return None
            return head + rest
        rest = self._octets.take(size - 4)
        return head + rest


def _size(head: bytes) -> int | None:
    """Octets of a datagram by its first four; None where they do not say."""
    if len(head) < 4:
        return None
    version, second = struct.unpack("!HH", head)
    if version == to.NETFLOW5 and 1 <= second <= 30:
        return 24 + 48 * int(second)
    if version == to.IPFIX and second >= 16:
        return int(second)
    return None
