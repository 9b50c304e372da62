"""A prefix as a value, and its text."""

import ipaddress
import socket
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MASK64 = (1 << 64) - 1
ALL = (1 << 128) - 1
UNDER_ZERO = bytes(8)
# What an octet of an IPv4 address is written as, and a length: a whole table has millions.
LAST = [str(octet) for octet in range(256)]
DOTTED = [f"{octet}." for octet in range(256)]
BITS = [f"/{bits}" for bits in range(256)]


class Prefix(NamedTuple):
    """An IP prefix, left-aligned in 128 bits (IPv4 in the top 32 bits of ``hi``)."""

    afi: int
    hi: int
    lo: int
    length: int

    @classmethod
    def parse(cls, text: str) -> "Prefix":
        """Read ``192.0.2.0/24`` or ``2001:db8::/32``; a bare address is a host prefix.

        Raises ValueError, with the text named, where it is no prefix or has host bits set.
        """
        plain = _plain(text)
        if plain is not None:
            return plain
        return cls.from_network(ipaddress.ip_network(text.strip(), strict=True))

    @classmethod
    def from_network(cls, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> "Prefix":
        """The same prefix, from the standard library's type."""
        value = int(network.network_address)
        if network.version == 4:
            return cls(1, value << 32, 0, network.prefixlen)
        return cls(2, value >> 64, value & MASK64, network.prefixlen)

    def __str__(self) -> str:
        return f"{address_text(self.afi, self.hi, self.lo)}/{self.length}"

    @property
    def first(self) -> int:
        """First address as an integer of 128 bits, left-aligned."""
        return (self.hi << 64) | self.lo

    @property
    def last(self) -> int:
        """Last address as an integer of 128 bits, left-aligned; an IPv4 /32 spans 2**96 of these."""
        return self.first + (1 << (128 - self.length)) - 1

    def contains(self, other: "Prefix") -> bool:
        """Whether the other prefix lies in this one (or is this one)."""
        return self.afi == other.afi and self.length <= other.length and self.first <= other.first <= self.last


def _plain(text: str) -> Prefix | None:
    """A prefix written as it is printed here, which is nearly all there are; None for any other text."""
    address, _, bits = text.partition("/")
    if not bits.isdecimal() or not bits.isascii() or len(bits) > 3:
        return None
    address_family, length = socket.AF_INET6 if ":" in address else socket.AF_INET, int(bits)
    try:
        raw = socket.inet_pton(address_family, address)
    except (OSError, ValueError):
        return None
    value = int.from_bytes(raw, "big") << (0 if len(raw) == 16 else 96)
    if f"{socket.inet_ntop(address_family, raw)}/{length}" != text or length > 8 * len(raw) or value << length & ALL:
        return None
    return Prefix(1 if len(raw) == 4 else 2, value >> 64, value & MASK64, length)


def address_text(afi: int, hi: int, lo: int) -> str:
    """Text of a left-aligned address."""
    if afi == 1:
        return str(ipaddress.IPv4Address(hi >> 32))
    return str(ipaddress.IPv6Address((hi << 64) | lo))


def prefix_texts(
    afi: npt.NDArray[np.uint8], hi: npt.NDArray[np.uint64], lo: npt.NDArray[np.uint64], length: npt.NDArray[np.uint8]
) -> list[str]:
    """Texts of many left-aligned prefixes, [P] columns: the same as str(Prefix(...)) of each."""
    octets = hi.astype(">u8").view(np.uint8).reshape(-1, 8)[:, :4].T.tolist()
    columns = zip(*octets, length.tolist(), strict=True)
    out = [DOTTED[a] + DOTTED[b] + DOTTED[c] + LAST[d] + BITS[bits] for a, b, c, d, bits in columns]
    six = np.flatnonzero(afi != 1)
    raw = np.stack([hi[six], lo[six]], axis=1).astype(">u8").tobytes()
    for at, row in zip(range(0, len(raw), 16), six.tolist(), strict=True):
        if raw[at : at + 8] != UNDER_ZERO:
            address = socket.inet_ntop(socket.AF_INET6, raw[at : at + 16])
        else:  # the system writes IPv4 addresses in some of these
            address = str(ipaddress.IPv6Address(raw[at : at + 16]))
        out[row] = address + BITS[int(length[row])]
    return out
