"""One file from a server into the cache: what came before is kept, what comes is checked, the name appears last."""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import httpx

from duskwatch.sources.downloads.cache import Cache, touch
from duskwatch.sources.downloads.checksum import Checksum, parse_checksum
from duskwatch.sources.downloads.errors import NotThereError, RefusedError, TransientError
from duskwatch.sources.downloads.integrity import damage, matches, wrong_magic
from duskwatch.sources.downloads.session import Limits, Web, content_length

CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
State = Literal["cached", "fetched", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch."""

    url: str
    path: Path  # where it is to lie
    most_bytes: int  # more than this is refused
    size_bytes: int | None = None  # as listed; None where unknown
    checksum_url: str | None = None  # file with its checksum, where one is published


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one wanted file."""

    wanted: Wanted
    state: State
    reason: str = ""  # of missing and failed; of a fetched one that is damaged as published, the damage
    received_bytes: int = 0  # over the network, repeats included


Progress = Callable[[Wanted, int, int | None], None]
"""Told a file, how many of its bytes there are, and how many it has where known."""


async def fetch_all(
    wanted: Sequence[Wanted], web: Web, cache: Cache, progress: Progress | None = None
) -> list[Outcome]:
    """Fetch files, as many at once as the limits allow; outcomes in the order of ``wanted``. Raises nothing."""
    return list(await asyncio.gather(*(fetch(each, web, cache, progress) for each in wanted)))


async def fetch(wanted: Wanted, web: Web, cache: Cache, progress: Progress | None = None) -> Outcome:
    """Fetch one file, or find it in the cache. Its name appears when it is whole, by one rename. Raises nothing.

    A file that comes twice with the same length and bytes and yet cannot be unpacked to its end is damaged where it
    is published: it is kept, since everything before the damage can be read, and the outcome names the damage.
    """
    if wanted.path.is_file():
        touch(wanted.path)
        return Outcome(wanted, "cached")
    try:
        async with web.room:
            with _claimed(cache.part_of(wanted.url)) as part:
                return await _Transfer(wanted, web, part, progress).run()
    except NotThereError as error:
        return Outcome(wanted, "missing", str(error))
    except RefusedError as error:
        return Outcome(wanted, "failed", str(error))
    except OSError as error:
        return Outcome(wanted, "failed", f"{error.strerror or error}")


class _Transfer:
    """The state of one transfer over its attempts."""

    def __init__(self, wanted: Wanted, web: Web, part: Path, progress: Progress | None) -> None:
        self.wanted, self.web, self.part, self.progress = wanted, web, part, progress
        self.notes = part.with_suffix(".json")
        self.received = 0
        self.furthest = 0
        self.checksum: Checksum | None = None
        self.wrong = ""
        self.broken: set[str] = set()  # digests of what could not be unpacked
        self.ranges = True  # until the server answers with another range than was asked for

    async def run(self) -> Outcome:
        self.checksum = await self._published_checksum()
        found = await self.web.patiently(self._attempt, lambda: self.furthest)
        wanted = self.wanted
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        self.part.replace(wanted.path)
        self.notes.unlink(missing_ok=True)
        touch(wanted.path)
        return Outcome(wanted, "fetched", found, self.received)

    async def _published_checksum(self) -> Checksum | None:
        if self.wanted.checksum_url is None:
            return None
        try:
            return parse_checksum(await self.web.text(self.wanted.checksum_url, remember=True), self.wanted.path.name)
        except (NotThereError, RefusedError):
            return None

    async def _attempt(self) -> str:
        """Get what is left and check the whole; the damage that it has as published, mostly none."""
        have, validator = self._so_far()
        headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
        async with self.web.open("GET", self.wanted.url, headers) as response:
            if response.status_code == 416:
                self._start_over()
                raise TransientError("it is shorter now than what was fetched before")
            try:
                start, total = _extent(response, have)
            except TransientError:
                # A block cache may answer with a range of its own (RFC 9110 section 14.4), and would again.
                self.ranges = False
                self._start_over()
                raise
            await self._receive(response, start, total)
        size = self.part.stat().st_size
        if total is not None and size != total:
            if size > total:
                self._start_over()
            raise TransientError(f"it ended after {size} of {total} bytes")
        return await asyncio.to_thread(self._checked)

    def _so_far(self) -> tuple[int, str | None]:
        """Bytes there are of an earlier attempt, and what proves that the server still means the same file."""
        if not self.ranges:
            return 0, None
        try:
            notes = json.loads(self.notes.read_text(encoding="utf-8"))
            if notes["url"] == self.wanted.url and isinstance(notes["validator"], str):
                return self.part.stat().st_size, notes["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, None

    async def _receive(self, response: httpx.Response, start: int, total: int | None) -> None:
        limits, most = self.web.limits, self.wanted.most_bytes
        if total is not None and total > most:
            raise RefusedError(f"it says it has {total} bytes; more than {most} are not fetched")
        if start == 0:
            notes = {"url": self.wanted.url, "validator": _validator(response)}
            self.notes.write_text(json.dumps(notes), encoding="utf-8")
        with self.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            head = b"" if start == 0 else None
            pace = _Pace(limits)
            async for piece in response.aiter_raw():
                self.received += len(piece)
                if head is not None:
                    head = await self._sniff(head + piece[:16])
                file.write(piece)
                self.furthest = max(self.furthest, file.tell())
                if file.tell() > most:
                    raise RefusedError(f"more than {most} bytes came")
                pace.note(len(piece))
                if self.progress:
                    self.progress(self.wanted, file.tell(), total)

    async def _sniff(self, head: bytes) -> bytes | None:
        """Judge the first octets as soon as there are enough of them, so that an error page is not fetched whole."""
        if len(head) < 4:
            return head
        if wrong := wrong_magic(self.wanted.path.name, head):
            self._start_over()
            if wrong == self.wrong:
                raise RefusedError(f"{wrong}, each time")
            self.wrong = wrong
            raise TransientError(wrong)
        return None

    def _checked(self) -> str:
        name, path = self.wanted.path.name, self.part
        with path.open("r+b") as file:
            os.fsync(file.fileno())  # on the disk before it has its name: a file found after a crash is whole
            head = file.read(16)
        if wrong := wrong_magic(name, head) if head else "it is empty":
            self._start_over()
            raise TransientError(wrong)
        if self.checksum is not None and not matches(path, name, self.checksum):
            self._start_over()
            raise TransientError(f"its {self.checksum.algorithm} sum is not {self.checksum.hex} as published")
        found = damage(path, name)
        if found and self.checksum is None:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest not in self.broken:
                self.broken.add(digest)
                self._start_over()
                raise TransientError(found)
        return found or ""

    def _start_over(self) -> None:
        self.notes.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self.part, 0)


class _Pace:
    """Raises TransientError where a transfer crawls: a byte now and then keeps a time limit from ever running out."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.since, self.bytes = limits, time.monotonic(), 0

    def note(self, count: int) -> None:
        self.bytes += count
        passed = time.monotonic() - self.since
        if passed < self.limits.slow_window_s:
            return
        if self.bytes < self.limits.slow_bytes:
            raise TransientError(f"only {self.bytes} bytes came in {passed:.0f} s")
        self.since, self.bytes = time.monotonic(), 0


def _extent(response: httpx.Response, have: int) -> tuple[int, int | None]:
    """Where the body goes in the file, and how long the file will be; TransientError where the answer contradicts."""
    length = content_length(response)
    if response.status_code != 206:
        return 0, length
    match = CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if match is None or int(match[1]) != have:
        raise TransientError("the server answered with another range than was asked for")
    if match[3] != "*":
        return have, int(match[3])
    return have, None if length is None else have + length


def _validator(response: httpx.Response) -> str | None:
    """What If-Range may carry (RFC 9110 section 13.1.5): a strong entity tag, else the date."""
    tag = str(response.headers.get("etag", ""))
    if tag.startswith('"') and tag.isascii():
        return tag
    date = response.headers.get("last-modified")
    return str(date) if date else None


@contextlib.contextmanager
def _claimed(part: Path) -> Iterator[Path]:
    """The part file, locked against other processes; where one has it, a part file of our own, gone afterwards."""
    part.parent.mkdir(parents=True, exist_ok=True)
    lock: IO[bytes] | None = None
    own_part = part.with_suffix(f".{os.getpid()}.part")
    try:
        if sys.platform != "win32":
            import fcntl

            lock = part.open("ab")
            if not _locked(lock, part, fcntl):
                lock.close()
                lock = None
        yield own_part if lock is None and sys.platform != "win32" else part
    finally:
        if lock is not None:
            _drop_if_empty(part)
        if lock is not None:
            lock.close()
        own_part.unlink(missing_ok=True)
        own_part.with_suffix(".json").unlink(missing_ok=True)


def _locked(lock: IO[bytes], part: Path, fcntl: Any) -> bool:
    """Whether the lock was got, on the file that still has the name: another process may just have renamed it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(lock.fileno()).st_ino == part.stat().st_ino
    except OSError:
        return False


def _drop_if_empty(part: Path) -> None:
    with contextlib.suppress(OSError):
        if part.stat().st_size == 0:
            part.unlink()
            part.with_suffix(".json").unlink(missing_ok=True)
