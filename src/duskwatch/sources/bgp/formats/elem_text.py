"""What all text forms of elems share: attributes decoded once for all elems that carry the same, and addresses."""

import socket
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
CACHED = 1 << 16


class AttributeCache(Generic[T]):
    """What ``make`` makes of raw attributes, remembered for up to CACHED of them."""

    def __init__(self, make: Callable[[bytes, int, int], T]) -> None:
        self._make = make
        self._made: dict[tuple[bytes, int, int], T] = {}

    def get(self, raw: bytes, as_size: int, form: int) -> T:
        """``form`` tells apart what else the result depends on (the address family and the kind of record)."""
        key = (raw, as_size, form)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= CACHED:
                self._made.clear()
            found = self._made[key] = self._make(raw, as_size, form)
        return found


def address_text(afi: int, hi: int, lo: int) -> str:
    """Text of a left-aligned address, as RFC 5952 wants it."""
    if afi == 1:
        return f"{hi >> 56}.{hi >> 48 & 255}.{hi >> 40 & 255}.{hi >> 32 & 255}"
    return socket.inet_ntop(socket.AF_INET6, (hi << 64 | lo).to_bytes(16, "big"))
