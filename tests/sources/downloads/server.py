"""A server on the loopback interface that serves a folder as archives do, and misbehaves when told to."""

import contextlib
import hashlib
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    range: str | None
    encoding: str | None


@dataclass
class Place:
    """What the tests see of the server."""

    root: Path
    url: str = ""
    listing: str = "nginx"  # nginx, apache, none
    etag: bool = True
    blocks: int = 1  # ranges are answered from a multiple of this, as block caches do
    bare_ranges: bool = False  # ranges are answered without saying which
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, deque[str]] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)  # path of a folder: page served in place of its listing
    stop: threading.Event = field(default_factory=threading.Event)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, path: str, *faults: str) -> None:
        """Misbehave on the next requests for a path, one fault each."""
        self.faults.setdefault(path, deque()).extend(faults)

    def gets(self, path: str) -> list[Asked]:
        """GET requests for a path."""
        return [asked for asked in self.asked if asked.path == path and asked.method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        place = self.server.place
        with place.lock:
            place.at_once += 1
            place.most_at_once = max(place.most_at_once, place.at_once)
        try:
            self._answer()
        finally:
            with place.lock:
                place.at_once -= 1

    def _answer(self) -> None:
        place = self.server.place
        path = unquote(self.path.partition("?")[0])
        place.asked.append(Asked(self.command, path, self.headers.get("Range"), self.headers.get("Accept-Encoding")))
        queue = place.faults.get(path)
        fault = queue.popleft() if queue and self.command == "GET" else place.always.get(path, "")
        kind, _, value = fault.partition(":")
        file = place.root / path.lstrip("/")
        if kind == "status":
            code, _, rest = value.partition(":")
            return self._send(int(code), b"an error page", {"Retry-After": rest} if rest else {})
        if kind == "slow":
            place.stop.wait(float(value))
        if kind == "redirect":
            return self._send(302, b"", {"Location": value})
        if kind == "garbage":
            return self._send(200, b"<html><body>Please log in</body></html>", {"Content-Type": "text/html"})
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return None
        if path in place.pages:
            return self._send(200, place.pages[path].encode(), {"Content-Type": "text/html"})
        if file.is_dir():
            return self._listing(file, path)
        if not file.is_file():
            return self._send(404, b"not found", {})
        return self._file(file, kind, value)

    def _file(self, file: Path, kind: str, value: str) -> None:
        place = self.server.place
        data = file.read_bytes()
        headers = {"Last-Modified": formatdate(file.stat().st_mtime, usegmt=True)}
        if place.etag:
            headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        status, start = 200, 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        wished = self.headers.get("If-Range")
        if match and kind != "no-range" and wished in (headers.get("ETag"), headers["Last-Modified"]):
            start = int(match[1])
            if start >= len(data):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            status = 206
            start -= start % place.blocks
            total = "*" if kind == "unknown-total" else len(data)
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{total}"
            if place.bare_ranges:
                del headers["Content-Range"]
        if kind == "other-range":  # not the one that was asked for
            start, status = 7, 206
            headers["Content-Range"] = f"bytes 7-{len(data) - 1}/{len(data)}"
        body = data[start:]
        if kind == "capped" and status == 206:  # less than asked for, and says so
            body = body[: int(value)]
            headers["Content-Range"] = f"bytes {start}-{start + len(body) - 1}/{len(data)}"
        length, sent = len(body), body
        if kind == "cut":  # says all, sends less, hangs up
            sent = body[: int(value)]
        elif kind == "short":  # says less than there is
            length, sent = int(value), body[: int(value)]
        elif kind == "says":
            length = int(value)
        elif kind == "flip":  # a bit turned on the way
            sent = bytes([*body[:-5], body[-5] ^ 1, *body[-4:]])
        self.send_response(status)
        for key, text in headers.items():
            self.send_header(key, text)
        if kind == "no-length":
            self.close_connection = True
            self.send_header("Connection", "close")
            sent = body[: int(value)] if value else body
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if kind == "stall":
            self.wfile.write(sent[: int(value)])
            self.wfile.flush()
            place.stop.wait(20)
            self.close_connection = True
            return None
        if kind == "crawl":
            for octet in sent:
                self.wfile.write(bytes([octet]))
                self.wfile.flush()
                if place.stop.wait(0.02):
                    break
            self.close_connection = True
            return None
        self.wfile.write(sent)
        if length != len(sent):
            self.close_connection = True
        return None

    def _listing(self, folder: Path, path: str) -> None:
        place = self.server.place
        if place.listing == "none":
            return self._send(403, b"no listing", {})
        entries = sorted(folder.iterdir())
        if place.listing == "apache":
            rows = "".join(
                f'<tr><td><img alt="[ ]"></td><td><a href="{e.name}{"/" if e.is_dir() else ""}">{e.name[:19]}..&gt;</a>'
                f'</td><td align="right">2014-12-22 16:20  </td><td align="right">{_rounded(e)} </td></tr>\n'
                for e in entries
            )
            page = (
                f"<html><head><title>Index of {path}</title></head><body><table>"
                f'<tr><th><a href="?C=N;O=D">Name</a></th></tr>'
                f'<tr><td><a href="/">Parent Directory</a></td><td> - </td></tr>{rows}</table></body></html>'
            )
        else:
            rows = "".join(
                f'<a href="{e.name}{"/" if e.is_dir() else ""}">{e.name}</a>   22-Dec-2014 16:20   '
                f"{'-' if e.is_dir() else e.stat().st_size}\n"
                for e in entries
            )
            page = (
                f"<html><head><title>Index of {path}</title></head><body><h1>Index of {path}</h1><hr><pre>"
                f'<a href="../">../</a>\n{rows}</pre></body></html>'
            )
        return self._send(200, page.encode(), {"Content-Type": "text/html"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, text in headers.items():
            self.send_header(key, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _rounded(entry: Path) -> str:
    size = entry.stat().st_size
    return "-" if entry.is_dir() else str(size) if size < 1024 else f"{size / 1024:.1f}K"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    place: Place

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hung up


@contextmanager
def serve(root: Path) -> Iterator[Place]:
    """Serve a folder on a free port of 127.0.0.1 until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.place = place = Place(root, f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        place.stop.set()
        server.shutdown()
        with contextlib.suppress(OSError):
            server.server_close()
        thread.join(5)
