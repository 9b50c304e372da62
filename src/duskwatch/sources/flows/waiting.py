"""Sets of records whose template has not come yet: held for a while, and decoded once it has (RFC 7011 section 8.2)."""

from collections import deque
from typing import NamedTuple

from duskwatch.kernels.flow_datagrams import Datagrams
from duskwatch.sources.flows.datagrams import batch_of

WAITING_OCTETS = 8 << 20
WAITING_SETS = 1 << 14
WAITING_OF_ONE = 1 << 20  # octets of one exporter
WAITING_US = 600_000_000  # a template that comes later may be another one of the same number


class WaitingSet(NamedTuple):
    """One set with the header of the datagram that it came in."""

    datagram: bytes
    received_us: int
    afi: int
    hi: int
    lo: int
    port: int


class WaitingSets:
    """WaitingSet sets by exporter and template number, in bounded memory."""

    def __init__(self) -> None:
        self._sets: dict[tuple[int, int], deque[WaitingSet]] = {}
        self._of: dict[int, int] = {}  # octets of each exporter
        self._octets = 0
        self._count = 0

    @property
    def full(self) -> bool:
        """Whether no more is held before some of it is given back."""
        return self._octets >= WAITING_OCTETS or self._count >= WAITING_SETS

    def hold(self, exporter: int, number: int, held: WaitingSet) -> None:
        """Keep a set, where there is room."""
        if self.full or self._of.get(exporter, 0) + len(held.datagram) > WAITING_OF_ONE:
            return
        self._sets.setdefault((exporter, number), deque()).append(held)
        self._count += 1
        self._octets += len(held.datagram)
        self._of[exporter] = self._of.get(exporter, 0) + len(held.datagram)

    def release(self, exporter: int, number: int, now_us: int) -> list[WaitingSet]:
        """The sets that waited for a template, but for those that waited too long."""
        found = self._sets.pop((exporter, number), None)
        if not found:
            return []
        octets = sum(len(held.datagram) for held in found)
        self._count -= len(found)
        self._octets -= octets
        self._of[exporter] -= octets
        return [held for held in found if not (now_us and held.received_us and now_us > held.received_us + WAITING_US)]

    def count(self, exporter: int) -> int:
        """How many sets of an exporter wait."""
        return sum(len(sets) for (whose, _), sets in self._sets.items() if whose == exporter)


def as_batch(held: list[WaitingSet]) -> Datagrams:
    """WaitingSet sets as datagrams."""
    return batch_of(
        [one.datagram for one in held],
        received_us=[one.received_us for one in held],
        afi=[one.afi for one in held],
        hi=[one.hi for one in held],
        lo=[one.lo for one in held],
        port=[one.port for one in held],
    )
