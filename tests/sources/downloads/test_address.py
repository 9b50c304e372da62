"""What users may name as a place to read from."""

import pytest

from duskwatch.sources.downloads.address import address_or_folder
from duskwatch.sources.downloads.errors import DownloadError


@pytest.mark.parametrize("text", ["http://x", "https://x:8443/a/b", "HTTP://x/a/"])
def test_addresses(text):
    assert address_or_folder(text) == text.rstrip("/")


def test_folders(tmp_path):
    assert address_or_folder(str(tmp_path)) == tmp_path
    assert address_or_folder(f"file://{tmp_path}") == tmp_path


@pytest.mark.parametrize(
    "text", ["ftp://x/y", "http://", "http://[", "/no/such/folder", "http://x/?a=b", "http://x:y/", "http://x/#f", ""]
)
def test_what_is_neither_is_named(text):
    with pytest.raises(DownloadError, match="--mirror"):
        address_or_folder(text)


def test_a_password_is_refused_and_not_shown():
    with pytest.raises(DownloadError, match=r"~/\.netrc") as caught:
        address_or_folder("https://me:secret@archive.example/")
    assert "secret" not in str(caught.value)
