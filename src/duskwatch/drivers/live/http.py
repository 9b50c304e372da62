"""/healthz, /readyz and /metrics of a live run, and nothing else: HTTP/1.1, GET, one request a connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

LONGEST_HEAD = 8192
TIMEOUT_S = 5.0
CONNECTIONS = 32

Answer = tuple[int, str]
Pages = dict[str, Callable[[], Answer]]
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


@asynccontextmanager
async def served(host: str, port: int, pages: Pages) -> AsyncIterator[int]:
    """Serve pages while the context lasts; the port. OSError where that cannot be."""
    room = asyncio.Semaphore(CONNECTIONS)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if room.locked():
                return
            async with room, asyncio.timeout(TIMEOUT_S):
                writer.write(_answer(await reader.readuntil(b"\r\n\r\n"), pages))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone, or asked too much
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, host, port, limit=LONGEST_HEAD)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def _answer(head: bytes, pages: Pages) -> bytes:
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) != 3:
        status, text = 400, "one GET at a time\n"
    elif words[0] not in (b"GET", b"HEAD"):
        status, text = 405, "GET only\n"
    else:
        page = pages.get(words[1].split(b"?")[0].decode("latin-1"))
        status, text = page() if page is not None else (404, f"there are {', '.join(pages)}\n")
    body = text.encode()
    kind = "text/plain; version=0.0.4; charset=utf-8"
    said = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    whole = f"{said}Connection: close\r\n\r\n".encode()
    return whole if words[0] == b"HEAD" else whole + body
