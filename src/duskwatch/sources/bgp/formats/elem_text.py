"""What all forms of elems share: texts and attributes made once for all elems that carry the same, and addresses."""

import socket
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from duskwatch.records.elems import PeerTable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRIES = 1 << 17
OCTETS = 16 << 20


class Bounded(dict[K, V], Generic[K, V]):
    """A dictionary that is emptied when it holds ENTRIES, or keys of OCTETS octets in all.

    Hostile attributes are 64 kB long and never the same twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self._octets = 0

    def put(self, key: K, value: V) -> V:
        """Keep a value; gives it back."""
        if len(self) >= ENTRIES or self._octets >= OCTETS:
            self.clear()
            self._octets = 0
        if isinstance(key, bytes):
            self._octets += len(key)
        self[key] = value
        return value


class Remembered(Bounded[K, V]):
    """``remembered[key]`` is ``make(key)``, made once while it is kept."""

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        return self.put(key, self._make(key))


def address_text(afi: int, hi: int, lo: int) -> str:
    """Text of a left-aligned address, as RFC 5952 wants it."""
    if afi == 1:
        return f"{hi >> 56}.{hi >> 48 & 255}.{hi >> 40 & 255}.{hi >> 32 & 255}"
    return socket.inet_ntop(socket.AF_INET6, (hi << 64 | lo).to_bytes(16, "big"))


class PeerTexts:
    """``texts(peers)``: one text for each row of a peer table, made when the row is first there."""

    def __init__(self, make: Callable[[int, int, int, int], str]) -> None:
        """``make`` is given address family, address and AS number."""
        self._make = make
        self._table: PeerTable | None = None
        self._texts: list[str] = []

    def of(self, peers: PeerTable) -> list[str]:
        """The texts, by row."""
        if peers is not self._table:
            self._table, self._texts = peers, []
        for row in range(len(self._texts), len(peers)):
            address = peers.afi[row], peers.address_hi[row], peers.address_lo[row]
            self._texts.append(self._make(*address, peers.asn[row]))
        return self._texts
