"""Where a store is: a folder, or a URL of an object store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from duskwatch.store.errors import StoreError

OBJECT_STORES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
NOT_IN_PATHS = "%[]^|"  # delta-rs takes the path for a URL and comes to other files, or to none


@dataclass(frozen=True, slots=True)
class Location:
    """A place for tables. ``root`` is what delta-rs is given: an absolute path, or a URL without a slash at its end."""

    root: str
    folder: Path | None  # None: an object store
    options: Mapping[str, str] = field(default_factory=dict)  # credentials, endpoint, ... as delta-rs names them

    def table(self, name: str) -> str:
        """Path or URL of one table."""
        return f"{self.root}/{name}"


def locate(where: str | Path, options: Mapping[str, str] | None = None) -> Location:
    """Read a folder, a file:// URL or the URL of an object store. StoreError where it is none of these."""
    text = str(where)
    scheme, separator, _ = text.partition("://")
    scheme = scheme.lower()
    if not separator:
        folder = Path(where).absolute()
    elif scheme == "file":
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise StoreError(f"'{text}' names no folder of this machine; write it like file:///var/lib/duskwatch")
        folder = Path(unquote(parts.path))
    elif scheme in OBJECT_STORES:
        if not urlsplit(text).netloc:
            raise StoreError(f"'{text}' names no bucket; write it like {scheme}://bucket/folder")
        return Location(text.rstrip("/"), None, dict(options or {}))
    else:
        schemes = ", ".join(f"{name}://" for name in ("file", *OBJECT_STORES))
        raise StoreError(f"'{text}': stores are folders or URLs that begin with {schemes}")
    if set(str(folder)) & set(NOT_IN_PATHS):
        raise StoreError(f"'{text}': the path of a store cannot hold any of {' '.join(NOT_IN_PATHS)}; name another")
    return Location(str(folder), folder, dict(options or {}))
