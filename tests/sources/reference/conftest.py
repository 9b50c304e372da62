"""A small writer of MaxMind-format databases, from the format's document (MaxMind DB file format, version 2.0)."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

import pytest

MARK = b"\xab\xcd\xefMaxMind.com"
MAP, ARRAY, TEXT, BYTES, UINT16, UINT32, UINT64 = 7, 11, 2, 4, 5, 6, 9


class Tagged(int):
    """An integer with the type it is to be written as."""

    def __new__(cls, kind: int, value: int) -> "Tagged":
        self = super().__new__(cls, value)
        self.kind = kind
        return self


def encode(value: Any) -> bytes:
    """The data section's encoding of a value."""
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        raw = value.encode()
        return control(TEXT, len(raw)) + raw
    kind = getattr(value, "kind", UINT32)
    raw = int(value).to_bytes(8, "big").lstrip(b"\x00")
    return control(kind, len(raw)) + raw


def control(kind: int, size: int) -> bytes:
    """Control byte(s): the type in three bits, extended types in a second byte, sizes from 29 on in a further one."""
    low = size if size < 29 else 29
    head = bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])
    return head if size < 29 else head + bytes([size - 29])


def build(
    networks: Sequence[tuple[str, Any]],
    *,
    version: int = 6,
    record_size: int = 24,
    built: int = 1_419_206_400,
    kind: str = "Test-Country",
    aliases: Sequence[str] = (),
) -> bytes:
    """A database that maps networks to records, broad ones first; ``aliases`` point to the IPv4 subtree."""
    bits = 128 if version == 6 else 32
    nodes: list[list[Any]] = [[None, None]]

    def path(text: str) -> tuple[int, int]:
        network = ipaddress.ip_network(text)
        value, length = int(network.network_address), network.prefixlen
        if network.version == 4 and version == 6:
            length += 96
        return value, length

    def put(text: str, target: Any) -> None:
        value, length = path(text)
        node = 0
        for depth in range(length):
            side = value >> (bits - 1 - depth) & 1
            if depth == length - 1:
                nodes[node][side] = target
                return
            below = nodes[node][side]
            if not isinstance(below, int):  # split: both halves keep what the whole had
                nodes.append([below, below])
                nodes[node][side] = below = len(nodes) - 1
            node = below

    data = b""
    offsets: dict[bytes, int] = {}
    for text, record in networks:
        raw = encode(record)
        if raw not in offsets:
            offsets[raw] = len(data)
            data += raw
        put(text, ("data", offsets[raw]))
    if aliases:
        start = 0
        for _ in range(96):
            start = nodes[start][0]
        for text in aliases:
            put(text, start)

    def number(side: Any) -> int:
        if side is None:
            return len(nodes)
        return side if isinstance(side, int) else len(nodes) + 16 + side[1]

    tree = b"".join(node_bytes(number(left), number(right), record_size) for left, right in nodes)
    meta = {
        "node_count": Tagged(UINT32, len(nodes)),
        "record_size": Tagged(UINT16, record_size),
        "ip_version": Tagged(UINT16, version),
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": Tagged(UINT16, 2),
        "binary_format_minor_version": Tagged(UINT16, 0),
        "build_epoch": Tagged(UINT64, built),
        "description": {"en": "made by a test"},
    }
    return tree + bytes(16) + data + MARK + encode(meta)


def node_bytes(left: int, right: int, record_size: int) -> bytes:
    if record_size == 28:
        middle = (left >> 24) << 4 | right >> 24
        return (left & 0xFFFFFF).to_bytes(3, "big") + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3, "big")
    return left.to_bytes(record_size // 8, "big") + right.to_bytes(record_size // 8, "big")


@pytest.fixture(scope="session")
def mmdb() -> Callable[..., bytes]:
    """The writer: ``mmdb([("10.0.0.0/8", {"country": {"iso_code": "KP"}})], version=6, record_size=24)``."""
    return build
