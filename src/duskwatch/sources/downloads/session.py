"""HTTP as downloads need it: bytes as stored, few connections to a host, redirects that stay on it, sorted errors."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from duskwatch import __version__
from duskwatch.sources.downloads.errors import NotThereError, RefusedError, TransientError
from duskwatch.sources.downloads.retry import PASSING, backoff_s, retry_after_s

Result = TypeVar("Result")
# Files on their way at once, over all hosts: each holds one open, and systems allow some hundred.
CONNECTIONS = 64
CONNECTS = 3  # tries to connect to a host
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on time, number and size. Seconds and bytes."""

    per_host: int = 4  # connections to one host at once
    attempts: int = 6  # failures in a row, without a megabyte gained between them, until a file is given up
    backoff_s: float = 0.5
    backoff_cap_s: float = 60.0
    longest_wait_s: float = 300.0  # a server that asks for more is taken at its word, and left
    connect_s: float = 15.0
    stall_s: float = 30.0  # without a single byte
    slow_window_s: float = 60.0
    slow_bytes: int = 64 << 10  # fewer than this in a window is a stall too
    page_bytes: int = 16 << 20  # index pages: a month of RIPE RIS has some 9,000 entries, 2 MB
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Head:
    """What a server says about a file without sending it."""

    size_bytes: int | None


class Web:
    """One client for a run. Use as an asynchronous context manager."""

    def __init__(self, limits: Limits | None = None, rng: random.Random | None = None) -> None:
        self.limits = limits or Limits()
        self._rng = rng or random.Random()
        self.room = asyncio.Semaphore(CONNECTIONS)
        self._remembered: dict[str, str] = {}
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._client = httpx.AsyncClient(
            verify=_trusted(),
            follow_redirects=False,
            timeout=httpx.Timeout(self.limits.stall_s, connect=self.limits.connect_s, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=self.limits.per_host * 4),
            # Archives are packed already; a server that packs them again would change their bytes and length.
            headers={"User-Agent": f"duskwatch/{__version__}", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> "Web":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def open(self, method: str, url: str, headers: dict[str, str] | None = None) -> AsyncIterator[httpx.Response]:
        """A response with status 2xx or 416, its body still to be read.

        Raises NotThereError, RefusedError or TransientError for everything else that may happen, here or while the
        body is read.
        """
        host = urlsplit(url).netloc
        gate = self._gates.setdefault(host, asyncio.Semaphore(self.limits.per_host))
        async with gate:
            try:
                response = await self._follow(method, url, headers or {})
                try:
                    self._judge(response)
                    yield response
                finally:
                    await response.aclose()
            except httpx.TimeoutException as error:
                raise TransientError(_timeout_words(error, self.limits)) from None
            except httpx.ConnectError as error:
                # Mostly there is no network at all, and nobody wants to wait half a minute to be told.
                raise TransientError(f"no connection to {host}: {error}", most=CONNECTS) from None
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise RefusedError(str(error)) from None
            except httpx.HTTPError as error:
                raise TransientError(str(error) or type(error).__name__) from None

    async def _follow(self, method: str, url: str, headers: dict[str, str]) -> httpx.Response:
        at = url
        for _ in range(self.limits.redirects + 1):
            request = self._client.build_request(method, at, headers=headers)
            response = await self._client.send(request, stream=True)
            if response.status_code not in REDIRECTS:
                return response
            await response.aclose()
            target = _target(at, response.headers.get("location", ""))
            if not _same_place(at, target):
                raise RefusedError(f"it redirects to {_shown(target)}, which was not asked for; name it with --mirror")
            at = target
        raise RefusedError(f"more than {self.limits.redirects} redirects")

    def _judge(self, response: httpx.Response) -> None:
        status = response.status_code
        if 200 <= status < 300 or status == 416:
            return
        words = f"HTTP {status} {response.reason_phrase}".rstrip()
        if status in (404, 410):
            raise NotThereError(words)
        if status in PASSING:
            wait = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC))
            if wait is not None and wait > self.limits.longest_wait_s:
                raise RefusedError(f"{words}, and to come back in {wait:.0f} s; try again then")
            raise TransientError(words, wait)
        raise RefusedError(words, status)

    async def patiently(
        self, attempt: Callable[[], Awaitable[Result]], gained: Callable[[], int] = lambda: 0
    ) -> Result:
        """Run an attempt until it succeeds or fails for good; the last TransientError becomes a RefusedError.

        ``gained`` tells how many bytes there are so far: an attempt that gained a megabyte or more starts the count
        of failures anew.
        """
        failures = 0
        while True:
            before = gained()
            try:
                return await attempt()
            except TransientError as error:
                failures = 1 if gained() - before >= 1 << 20 else failures + 1
                if failures >= min(self.limits.attempts, error.most):
                    raise RefusedError(f"{error} (tried {failures} times)") from None
                pause = backoff_s(failures, self.limits.backoff_s, self.limits.backoff_cap_s, self._rng)
                await asyncio.sleep(pause if error.wait_s is None else error.wait_s + pause / 4)

    async def text(self, url: str, *, remember: bool = False) -> str:
        """A page of text, at most ``page_bytes`` long. Raises NotThereError or RefusedError.

        ``remember`` is for pages that many files need, such as the sums of a whole folder.
        """
        if url in self._remembered:
            return self._remembered[url]

        async def attempt() -> str:
            body = bytearray()
            async with self.open("GET", url) as response:
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > self.limits.page_bytes:
                        raise RefusedError(f"a page of more than {self.limits.page_bytes} bytes")
            return body.decode("utf-8", "replace")

        found = await self.patiently(attempt)
        if remember:
            self._remembered[url] = found
        return found

    async def head(self, url: str) -> Head:
        """Size of a file, where the server says. Raises NotThereError or RefusedError."""

        async def attempt() -> Head:
            async with self.open("HEAD", url) as response:
                return Head(content_length(response))

        return await self.patiently(attempt)


@lru_cache(1)
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reading the certificates takes 0.1 s, so once a process


def content_length(response: httpx.Response) -> int | None:
    """Content-Length as a number; None where there is none."""
    text = response.headers.get("content-length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _target(at: str, location: str) -> str:
    try:
        return urljoin(at, location)
    except ValueError:
        raise RefusedError(f"it redirects to '{location[:80]}', which is no address") from None


def _same_place(at: str, target: str) -> bool:
    """Whether a redirect stays on the host asked for; from http to https is an improvement, the reverse is not."""
    try:
        here, there = urlsplit(at), urlsplit(target)
        same_port = here.port == there.port
    except ValueError:
        return False
    if here.hostname != there.hostname:
        return False
    if here.scheme == there.scheme:
        return same_port
    return (here.scheme, there.scheme) == ("http", "https") and here.port in (None, 80) and there.port in (None, 443)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"[:200]


def _timeout_words(error: httpx.TimeoutException, limits: Limits) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {limits.connect_s:g} s"
    return f"nothing came for {limits.stall_s:g} s"
