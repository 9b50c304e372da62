"""What is kept, what goes, and that nothing else is ever deleted."""

import os
from pathlib import Path

import pytest

from duskwatch.sources.downloads.cache import Cache, default_root, open_cache, parse_size, place_name
from duskwatch.sources.downloads.errors import DownloadError


def put(cache: Cache, name: str, size: int, used: int) -> Path:
    path = cache.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (used, used))
    return path


@pytest.fixture
def cache(tmp_path):
    return open_cache(tmp_path / "cache", 1000)


def test_what_was_not_used_for_longest_goes_first(cache):
    a, b, c = (put(cache, f"archives/x/{n}", 400, used) for n, used in (("a", 30), ("b", 10), ("c", 20)))
    assert cache.make_room(0, []) == [b]
    assert cache.make_room(300, []) == [c]
    assert (a.exists(), b.exists(), c.exists()) == (True, False, False)
    assert cache.used_bytes() == 400


def test_nothing_goes_while_there_is_room(cache):
    put(cache, "archives/x/a", 400, 1)
    put(cache, "reference/x/b", 600, 1)
    assert cache.make_room(0, []) == []


def test_what_is_needed_stays_even_over_the_limit(cache):
    a = put(cache, "archives/a", 900, 1)
    b = put(cache, "partial/b.part", 900, 2)
    c = put(cache, "reference/c", 10, 3)
    assert cache.make_room(500, [a, b]) == [c]
    assert a.exists()
    assert b.exists()


def test_files_that_are_not_the_caches_stay(cache, tmp_path):
    other = put(cache, "notes.txt", 5000, 1)
    outside = tmp_path / "outside"
    outside.write_bytes(bytes(5000))
    (cache.root / "archives" / "link").symlink_to(outside)
    assert cache.make_room(0, []) == []
    assert other.exists()
    assert outside.exists()


def test_a_folder_of_other_things_is_no_cache(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DownloadError, match="holds other files"):
        open_cache(tmp_path)
    with pytest.raises(DownloadError, match="is a file; name a folder"):
        open_cache(tmp_path / "thesis.tex")
    assert open_cache(tmp_path / "new" / "cache").root.is_dir()
    assert open_cache(tmp_path / "new" / "cache").root.is_dir()


def test_the_tag_is_the_one_that_backup_programs_know(cache):
    assert (cache.root / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("500M", 500_000_000), ("20G", 20 * 10**9), ("1.5 TB", 15 * 10**11), ("3GiB", 3 * 10**9)],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "-5G", "5X", "1e9", "9" * 40])
def test_what_is_no_size_is_named(text):
    with pytest.raises(DownloadError, match="is not a size; write it like"):
        parse_size(text)


def test_each_source_has_its_own_place():
    assert place_name("https://data.ris.ripe.net") == "data.ris.ripe.net"
    places = [place_name(url) for url in ("http://h:80", "http://h:81", "http://h/a", "http://h/b", "http://u:p@h")]
    assert len(set(places)) == 5
    assert not any("p@" in place or "/" in place or ":" in place for place in places)


def test_the_environment_names_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("DUSKWATCH_CACHE", str(tmp_path / "here"))
    assert default_root() == tmp_path / "here"
    monkeypatch.delenv("DUSKWATCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "duskwatch"
