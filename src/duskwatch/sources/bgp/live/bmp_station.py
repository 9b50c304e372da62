"""A BMP station: many routers on one TCP listener, each within limits (RFC 7854 section 3.2)."""

import asyncio
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from duskwatch.records.errors import InputError
from duskwatch.sources.bgp.formats.bmp import BmpOptions
from duskwatch.sources.bgp.formats.feed_counts import ClockRules, bump
from duskwatch.sources.bgp.live.bmp_router import Router, RouterLimits
from duskwatch.sources.bgp.live.clock import Clock, happens, now_us
from duskwatch.sources.bgp.live.messages import FeedMessage

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
HANDSHAKE_S = 10.0
CHUNK = 1 << 16


class StationError(InputError):
    """The station cannot run with what it was given; one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class StationSettings:
    """Where to listen, who may connect, and what each may do.

    ``names``: address of a router to the name of its collector; others are named by their address. A connection from
    an address that has ``connections_per_router`` already ends the oldest of them: a router that lost its connection
    without our knowing comes back so.
    """

    host: str = "127.0.0.1"
    port: int = 1790
    allow: tuple[Network, ...] = LOOPBACK
    names: Mapping[str, str] = field(default_factory=dict)
    reader: BmpOptions = field(default_factory=lambda: BmpOptions(clock=ClockRules()))
    limits: RouterLimits = field(default_factory=RouterLimits)
    routers: int = 1024  # that are remembered
    connections: int = 256
    connections_per_router: int = 1
    waiting_octets: int = 1 << 28  # of all routers together
    tls: ssl.SSLContext | None = None
    batch_s: float = 0.5


class BmpStation:
    """The listener. ``start``, then ``messages`` until it is closed.

    routers   by name, also those that are not connected at the moment
    refused   connections that were refused, by address: not allowed, or too many
    """

    def __init__(self, settings: StationSettings, clock: Clock = now_us) -> None:
        self.routers: dict[str, Router] = {}
        self.refused: Counter[str] = Counter()
        self.accepted = 0
        self._settings, self._clock = settings, clock
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._active: dict[str, list[asyncio.Task[None]]] = {}  # connections by address, the oldest first
        self._ready = asyncio.Event()

    @property
    def address(self) -> str:
        """Where it listens."""
        if self._socket is None:
            return "nowhere"
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0

    @property
    def connected(self) -> int:
        """Connections there are."""
        return sum(map(len, self._active.values()))

    async def start(self) -> None:
        """Listen. OSError, with the address, where that cannot be."""
        settings = self._settings
        address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(address_family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise OSError(error.errno, error.strerror, f"{settings.host} port {settings.port}") from None
        listener.setblocking(False)
        self._socket = listener
        self._spawn(self._accept(listener))

    def _spawn(self, run: "asyncio._CoroutineLike[None]") -> "asyncio.Task[None]":
        task = asyncio.create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError:  # out of file descriptors, or the other side was faster
                await asyncio.sleep(0.1)
                continue
            address = str(peer[0]).partition("%")[0].removeprefix("::ffff:")
            if not self._allowed(address) or self.connected >= self._settings.connections:
                bump(self.refused, address)
                connection.close()
                continue
            self.accepted += 1
            others = self._active.get(address, [])
            if len(others) >= self._settings.connections_per_router:
                oldest = others.pop(0)
                oldest.cancel()
                await asyncio.wait([oldest], timeout=1)
            task = self._spawn(self._serve(connection, address))
            self._active.setdefault(address, []).append(task)
            task.add_done_callback(lambda done, address=address: self._gone(address, done))  # type: ignore[misc]

    def _allowed(self, address: str) -> bool:
        found = ipaddress.ip_address(address)
        return any(found in network for network in self._settings.allow)

    def _gone(self, address: str, task: "asyncio.Task[None]") -> None:
        others = self._active.get(address, [])
        if task in others:
            others.remove(task)
        if not others:
            self._active.pop(address, None)

    async def _serve(self, connection: socket.socket, address: str) -> None:
        """One connection, to its end."""
        _keep_alive(connection)
        settings, loop = self._settings, asyncio.get_running_loop()
        stream = asyncio.StreamReader(limit=CHUNK)
        protocol = asyncio.StreamReaderProtocol(stream)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=settings.tls,
                ssl_handshake_timeout=HANDSHAKE_S if settings.tls is not None else None,
            )
        except BaseException as error:
            connection.close()
            if isinstance(error, (OSError, ssl.SSLError, TimeoutError)):
                bump(self.refused, address)
                return
            raise
        router = self._router(address)
        router.connect(self._clock())
        ended = "the station stopped listening to the router"
        try:
            while True:
                data = await stream.read(CHUNK)
                if not data:
                    ended = "the router closed the connection"
                    return
                wait_s = router.take(data, self._clock(), loop.time())
                if router.broken:
                    ended = f"what the router sent is no BMP: {router.broken}"
                    return
                if router.reader.closed is not None:
                    ended = f"the router ended its reports: {router.reader.closed.reason}"
                    return
                if router.reader.waiting >= settings.limits.batch_octets:
                    self._ready.set()
                while router.full or self._waiting() > settings.waiting_octets:
                    self._ready.set()
                    await router.drained.wait()
                    router.drained.clear()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
        except (OSError, ssl.SSLError) as error:
            ended = str(error) or type(error).__name__
        finally:
            router.disconnect(self._clock(), ended)
            transport.close()
            self._ready.set()

    def _router(self, address: str) -> Router:
        plain = self._settings.names.get(address, address)
        name, number = plain, 1
        while name in self.routers and self.routers[name].connected:
            number += 1
            name = f"{plain}#{number}"
        router = self.routers.pop(name, None)
        if router is None:
            while len(self.routers) >= self._settings.routers:
                gone = next((name for name, each in self.routers.items() if not each.connected), None)
                if gone is None:
                    break
                del self.routers[gone]
            router = Router(name, self._settings.reader, self._settings.limits)
        self.routers[name] = router
        return router

    def _waiting(self) -> int:
        return sum(router.reader.waiting for router in self.routers.values())

    async def messages(self) -> AsyncGenerator[FeedMessage]:
        """Blocks, events and silences of all routers, as they come."""
        while True:
            self._ready.clear()
            await happens(self._ready, self._settings.batch_s)
            for router in list(self.routers.values()):
                for message in router.messages(self._clock()):
                    yield message

    async def close(self) -> None:
        """Stop listening and end all connections."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _keep_alive(connection: socket.socket) -> None:
    """A router that is gone without a word is noticed after a minute and a half: BMP itself says nothing for hours.

    ``bmp_router.UNSURE_US`` is that time.
    """
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def server_tls(certificate: Path, key: Path, authority: Path | None = None) -> ssl.SSLContext:
    """TLS for the station; where an authority is given, routers need a certificate of that one.

    StationError names what cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if authority is not None:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise StationError(f"{certificate}, {key}: no certificate and key for TLS: {error}") from None
    return context
