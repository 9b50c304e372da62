"""Flows as they are sent: UDP sockets with large buffers, and what was lost on the way."""

import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from duskwatch.kernels.flow_datagrams import Datagrams
from duskwatch.sources.flows.errors import FlowInputError
from duskwatch.sources.flows.receive import SLOTS, SO_RCVBUFFORCE, Receiver

BUFFER = 32 << 20  # octets asked of the system for each socket: a second of a busy exporter
PORT = 2055


class Bind(NamedTuple):
    """An address and UDP port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can send to it."""
        return self.host == "::1" or self.host.startswith("127.")


def parse_bind(text: str) -> Bind:
    """``127.0.0.1:2055``, ``[::1]:2055``, or an address alone. FlowInputError where it is none of these."""
    host, port = text, str(PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else port if not rest else ""
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(address_family, host)
    except (OSError, ValueError):
        raise FlowInputError(f"'{text}' is no address to listen on; write 127.0.0.1:2055 or [::1]:2055") from None
    if not port.isdecimal() or not port.isascii() or int(port) > 65_535:
        raise FlowInputError(f"'{text}' has no UDP port; write 127.0.0.1:2055 or [::1]:2055")
    return Bind(host, int(port))


@dataclass(slots=True)
class SocketCounts:
    """What came to one socket."""

    bind: Bind
    buffer: int  # octets that the system gave it
    asked: int
    datagrams: int = 0
    dropped: int = 0  # that the system had to drop, since nobody took them in time


class Listener:
    """Batches of datagrams from sockets that are bound here and closed at the end of a ``with``.

    Raises FlowInputError where an address cannot be bound.
    """

    def __init__(self, binds: list[Bind], *, buffer: int = BUFFER) -> None:
        self._receiver = Receiver()
        self._sockets: list[tuple[socket.socket, SocketCounts]] = []
        try:
            for bind in binds:
                self._open(bind, buffer)
        except BaseException:
            self.close()
            raise

    @property
    def sockets(self) -> list[SocketCounts]:
        """What came to each socket."""
        return [counts for _, counts in self._sockets]

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets."""
        for sock, _ in self._sockets:
            sock.close()

    def receive(self, seconds: float) -> Iterator[Datagrams]:
        """Batches of what comes, until nothing more is there or each socket had its turn; waits so long for the first.

        A batch is good until the next one.
        """
        ready, _, _ = select.select([sock for sock, _ in self._sockets], [], [], max(seconds, 0))
        for sock, counts in self._sockets:
            if sock not in ready:
                continue
            batch, dropped = self._receiver.receive(sock)
            if dropped is not None:
                counts.dropped = max(counts.dropped, dropped)
            if batch is not None:
                counts.datagrams += len(batch.start)
                yield batch

    def drain(self) -> Iterator[Datagrams]:
        """What had come when there is nothing to wait for any more; bounded by what the buffers hold."""
        for _ in range(1 + sum(counts.buffer for counts in self.sockets) // SLOTS // 64):
            batches = list(self.receive(0))
            if not batches:
                return
            yield from batches

    def _open(self, bind: Bind, buffer: int) -> None:
        address_family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
        sock = socket.socket(address_family, socket.SOCK_DGRAM)
        try:
            _ask_buffer(sock, buffer)
            self._receiver.prepare(sock)
            sock.setblocking(False)
            sock.bind((bind.host, bind.port))
        except OSError as error:
            sock.close()
            raise FlowInputError(f"{bind}: cannot listen there: {error.strerror or error}") from None
        given = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        bound = Bind(bind.host, sock.getsockname()[1])
        self._sockets.append((sock, SocketCounts(bound, given // 2, buffer)))  # Linux counts twice what it gives


def _ask_buffer(sock: socket.socket, octets: int) -> None:
    """As large a buffer as asked, where this is allowed; else as large as the system's limit (net.core.rmem_max)."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, octets)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
