"""Addresses and folders that users name as the place to read from."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from duskwatch.sources.downloads.errors import DownloadError


def address_or_folder(text: str) -> str | Path:
    """An http or https address without a slash at its end, or an existing folder (a path, or a file address).

    Raises DownloadError, one sentence, where it is neither. Names and passwords in addresses are refused: what is
    fetched, and from where, is shown in messages and reports.
    """
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("http", "https"):
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            parts = None
        if parts is not None and (parts.username or parts.password):
            raise DownloadError("--mirror: a name and password belong in ~/.netrc, not in the address")
        if parts is None or not parts.hostname or parts.query or parts.fragment:
            raise DownloadError(f"--mirror {text} is not an address; write it like https://archive.example.org/data")
        return text.rstrip("/")
    if scheme == "file":
        text = unquote(urlsplit(text).path)
    elif scheme:
        raise DownloadError(f"--mirror {text}: {scheme} is not spoken here; give http, https or a folder")
    if not text or not Path(text).is_dir():
        raise DownloadError(f"--mirror {text}: no such folder, and no http or https address")
    return Path(text)
