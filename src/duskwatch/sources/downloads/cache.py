"""The folder that downloads are kept in: which file lies where, and which may go when it is full.

    CACHEDIR.TAG          says that this is a cache (bford.info/cachedir); nothing is deleted in a folder without it
    archives/ reference/  whole files, put there by one rename; their modification time is when they were last used
    partial/              files on their way, with what is needed to go on

The file system is the index: several processes may share a cache, and one that is killed leaves it as it is.
"""

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from duskwatch.sources.downloads.errors import DownloadError

TAG = "CACHEDIR.TAG"
SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
KEPT = ("archives", "reference", "partial")
DEFAULT_BYTES = 20 * 10**9
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache and its limit."""

    root: Path
    max_bytes: int = DEFAULT_BYTES

    def part_of(self, url: str) -> Path:
        """Where the bytes of ``url`` gather until it is whole."""
        return self.root / "partial" / f"{hashlib.sha256(url.encode()).hexdigest()[:40]}.part"

    def files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every file kept, whole or partial."""
        for folder in KEPT:
            for path in (self.root / folder).rglob("*"):
                with contextlib.suppress(OSError):  # another process may have taken it away
                    if path.is_file() and not path.is_symlink():
                        yield path, path.stat()

    def used_bytes(self) -> int:
        """Bytes of all files kept."""
        return sum(stat.st_size for _, stat in self.files())

    def make_room(self, coming_bytes: int, keep: Collection[Path]) -> list[Path]:
        """Delete files, the one not used for longest first, until ``coming_bytes`` more fit; never one of ``keep``.

        Returns what was deleted. Where the kept ones alone are too much, the cache stays over its limit.
        """
        kept = set(keep)
        files = sorted(self.files(), key=lambda entry: (entry[1].st_mtime_ns, entry[0]))
        total = sum(stat.st_size for _, stat in files) + coming_bytes
        gone = []
        for path, stat in files:
            if total <= self.max_bytes:
                break
            if path in kept:
                continue
            try:
                path.unlink()
            except OSError:
                continue
            total -= stat.st_size
            gone.append(path)
        return gone


def open_cache(root: Path, max_bytes: int = DEFAULT_BYTES) -> Cache:
    """The cache at ``root``, made where there is none.

    Raises DownloadError where the folder holds other things: files are deleted here when it is full. OSError where it
    cannot be written.
    """
    if root.exists() and not root.is_dir():
        raise DownloadError(f"--cache {root} is a file; name a folder")
    tag = root / TAG
    if not tag.exists():
        if root.is_dir() and any(root.iterdir()):
            raise DownloadError(
                f"--cache {root} holds other files, and a cache deletes files when it is full; name a new folder"
            )
        root.mkdir(parents=True, exist_ok=True)
        tag.write_text(f"{SIGNATURE}\n# Files fetched by duskwatch. Deleting this folder loses nothing but time.\n")
    for folder in KEPT:
        (root / folder).mkdir(exist_ok=True)
    return Cache(root, max_bytes)


def default_root() -> Path:
    """$DUSKWATCH_CACHE, else the folder that the system has for caches."""
    if named := os.environ.get("DUSKWATCH_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "duskwatch"


def parse_size(text: str) -> int:
    """Bytes of ``20G``, ``500 MB``, ``1.5T`` (powers of 1000, as disks are sold). DownloadError where it is no size."""
    match = SIZE.fullmatch(text.strip())
    if match is None or len(match[1]) > 15:
        raise DownloadError(f"'{text}' is not a size; write it like 500M, 20G or 1.5T")
    return int(float(match[1]) * UNITS[match[2].upper()])


def place_name(url: str) -> str:
    """A folder name for a source: its host, and a mark where it is not the whole host (several mirrors on one)."""
    parts = urlsplit(url)
    host = re.sub(r"[^A-Za-z0-9.-]", "_", parts.netloc.rpartition("@")[2]) or "local"
    path = parts.path.strip("/")
    return f"{host}~{hashlib.sha256(path.encode()).hexdigest()[:8]}" if path else host


def touch(path: Path) -> None:
    """Note that a file was used now."""
    with contextlib.suppress(OSError):
        os.utime(path)
