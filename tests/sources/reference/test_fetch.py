"""Delegated files of a day from servers laid out as the five registries' are."""

import bz2
import gzip
import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from duskwatch.sources.downloads.cache import Cache, open_cache
from duskwatch.sources.downloads.errors import DownloadError
from duskwatch.sources.downloads.session import Limits
from duskwatch.sources.reference.asnames import load_as_names
from duskwatch.sources.reference.fetch import (
    Listings,
    ReferenceFailure,
    ReferenceFile,
    fetch_as_names,
    fetch_delegated,
    names_mirror,
    reference_mirrors,
)
from duskwatch.sources.reference.fetch_layout import PUBLIC, choose, dated, folders, names
from duskwatch.sources.reference.geo import load_geo
from tests.sources.downloads.server import Place, serve

DAY = date(2014, 12, 22)
QUICK = Limits(attempts=2, backoff_s=0.01, stall_s=8, connect_s=8)


def text_of(registry: str, day: date) -> bytes:
    return (
        f"2|{registry}|{day:%Y%m%d}|1|19830613|{day:%Y%m%d}|+0000\n"
        f"{registry}|*|ipv4|*|1|summary\n{registry}|KP|ipv4|175.45.176.0|1024|20091221|assigned|A1\n"
    ).encode()


def put(root: Path, where: str, day: date = DAY) -> bytes:
    """A registry's file at a path below its folder; packed as the name says. What is stored comes back."""
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text_of(where.partition("/")[0], day)
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif path.suffix == ".bz2":
        data = bz2.compress(data)
    path.write_bytes(data)
    return data


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root = tmp_path / "stats"
    put(root, "afrinic/2014/delegated-afrinic-extended-20141222")
    put(root, "apnic/2014/delegated-apnic-extended-20141222.gz")
    put(root, "arin/archive/2014/delegated-arin-extended-20141222")
    put(root, "lacnic/delegated-lacnic-extended-20141222")
    put(root, "ripencc/2014/delegated-ripencc-extended-20141222.bz2")
    with serve(root) as serving:
        yield serving


@pytest.fixture
def cache(tmp_path) -> Cache:
    return open_cache(tmp_path / "cache")


def get(
    place: Place | str, cache: Cache, *registries: str, on: date = DAY, **options
) -> tuple[list[ReferenceFile], list[ReferenceFailure]]:
    url = place if isinstance(place, str) else place.url
    return fetch_delegated(registries or list(PUBLIC), on, reference_mirrors([url], ""), cache, limits=QUICK, **options)


@pytest.mark.parametrize("listing", ["nginx", "apache", "none"])
def test_each_registry_has_its_layout(place, cache, listing):
    place.listing = listing
    files, failures = get(place, cache)
    assert failures == []
    assert [(each.registry, each.day, each.state, each.note(DAY)) for each in files] == [
        (registry, DAY, "fetched", "") for registry in PUBLIC
    ]
    ranges = load_geo([each.path for each in files], DAY)
    assert "KP" in ranges
    before = len(place.asked)
    again, _ = get(place, cache)
    assert {each.state for each in again} == {"cached"}
    assert len(place.asked) == before


@pytest.mark.parametrize("listing", ["nginx", "none"])
def test_the_nearest_earlier_day_stands_in_and_says_so(place, cache, listing):
    place.listing = listing
    put(place.root, "apnic/2014/delegated-apnic-extended-20141225.gz", date(2014, 12, 25))
    put(place.root, "apnic/2014/delegated-apnic-extended-20141201.gz", date(2014, 12, 1))
    files, failures = get(place, cache, "apnic", on=date(2014, 12, 24))
    assert failures == []
    assert files[0].day == DAY
    assert files[0].note(date(2014, 12, 24)) == "apnic: no file of 2014-12-24; that of 2014-12-22 was taken, 2 d before"


def test_over_new_year_the_folder_of_the_year_before_is_looked_into(place, cache):
    put(place.root, "apnic/2015/delegated-apnic-extended-20150105.gz", date(2015, 1, 5))
    files, _ = get(place, cache, "apnic", on=date(2015, 1, 3))
    assert files[0].day == DAY


def test_a_registry_without_a_file_in_a_month_is_a_failure_and_the_others_are_kept(place, cache):
    files, failures = get(place, cache, "apnic", "arin", on=date(2015, 3, 1))
    assert files == []
    assert [each.registry for each in failures] == ["apnic", "arin"]
    assert "has no file of 2015-03-01 or of the month before" in failures[0].reason
    place.always["/apnic/2014/delegated-apnic-extended-20141222.gz"] = "garbage"
    files, failures = get(place, cache, "apnic", "arin")
    assert [each.registry for each in files] == ["arin"]
    assert "no gzip file" in failures[0].reason


def test_an_error_page_in_place_of_a_plain_file_is_not_kept(place, cache):
    place.always["/afrinic/2014/delegated-afrinic-extended-20141222"] = "garbage"
    files, (failure,) = get(place, cache, "afrinic")
    assert files == []
    assert "an HTML or XML page, not a RIR delegated statistics file" in failure.reason
    assert [path for path in (cache.root / "reference").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("packed", [True, False])
def test_the_registrys_checksum_is_heeded(place, cache, packed):
    stored = (place.root / "apnic/2014/delegated-apnic-extended-20141222.gz").read_bytes()
    digest = hashlib.md5(stored if packed else gzip.decompress(stored)).hexdigest()
    sums = place.root / "apnic/2014/delegated-apnic-extended-20141222.md5"
    sums.write_text(f"MD5 (delegated-apnic-extended-latest) = {digest}\n")
    assert get(place, cache, "apnic")[1] == []
    sums.write_text(f"MD5 (delegated-apnic-extended-latest) = {'0' * 32}\n")
    next((cache.root / "reference").rglob("*.gz")).unlink()
    assert "as published" in get(place, cache, "apnic")[1][0].reason


def test_a_server_that_cannot_be_asked_is_a_failure(cache, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files, failures = get("http://127.0.0.1:9", cache)
    assert files == []
    assert len(failures) == 5
    assert "tried 2 times" in failures[0].reason


def test_offline_the_cache_alone_answers(place, cache):
    get(place, cache, "apnic")
    before = len(place.asked)
    files, failures = get(place, cache, "apnic", "arin", on=date(2014, 12, 30), offline=True)
    assert [(each.registry, each.day, each.state) for each in files] == [("apnic", DAY, "cached")]
    assert [each.reason for each in failures] == ["no file of 2014-12-30 or of the month before in the cache"]
    assert len(place.asked) == before


def test_a_later_day_in_the_cache_does_not_stop_one_from_asking(place, cache):
    get(place, cache, "apnic")
    put(place.root, "apnic/2014/delegated-apnic-extended-20141223.gz", date(2014, 12, 23))
    files, _ = get(place, cache, "apnic", on=date(2014, 12, 23))
    assert files[0].day == date(2014, 12, 23)


def test_a_local_folder_is_used_in_place(place, cache):
    files, failures = get(str(place.root), cache)
    assert failures == []
    assert {each.state for each in files} == {"local"}
    assert all(place.root in each.path.parents for each in files)
    flat = cache.root.parent / "flat"
    flat.mkdir()
    (flat / "delegated-apnic-extended-20141222").write_bytes(text_of("apnic", DAY))
    files, failures = get(str(flat), cache, "apnic")
    assert [each.path.parent for each in files] == [flat]


def test_one_registry_may_have_a_mirror_of_its_own(tmp_path):
    found = reference_mirrors([f"apnic={tmp_path}"], "")
    assert found["apnic"] == str(tmp_path)
    assert found["arin"] == PUBLIC["arin"]
    assert reference_mirrors([], "http://m/stats/")["lacnic"] == "http://m/stats/lacnic"
    with pytest.raises(DownloadError, match="ftp is not spoken here"):
        reference_mirrors(["ftp://x"], "")


def test_an_unknown_registry_is_named(cache):
    with pytest.raises(DownloadError, match="no registry 'ripe'; there are afrinic, apnic, arin, lacnic, ripencc"):
        get("http://127.0.0.1:9", cache, "ripe")


CHOICES = {
    "the day itself": (["extended-20141221", "extended-20141222", "extended-20141223"], "extended-20141222"),
    "extended rather than plain": (["20141222", "extended-20141210"], "extended-20141210"),
    "plain where there is no extended": (["20141222", "20141210"], "20141222"),
    "plain text rather than packed": (["extended-20141222.gz", "extended-20141222"], "extended-20141222"),
    "nothing older than a month": (["extended-20141101"], None),
    "no other file": (["extended-latest", "extended-20141222.md5", "extended-20141399", "x"], None),
}


@pytest.mark.parametrize("what", CHOICES)
def test_which_file_is_chosen(what):
    there, best = CHOICES[what]
    found = choose([f"delegated-apnic-{name}" for name in there], "apnic", DAY)
    assert (found.name if found else None) == (f"delegated-apnic-{best}" if best else None)


def test_the_months_in_which_ripes_extended_file_lacked_countries():
    there = ["delegated-ripencc-20110901.bz2", "delegated-ripencc-extended-20110901.bz2"]
    on = date(2011, 9, 1)
    assert choose(there, "ripencc", on) == dated(there[0], "ripencc")
    assert choose(there[1:], "ripencc", on) == dated(there[1], "ripencc")
    assert names("ripencc", on)[0] == there[0]
    assert names("ripencc", date(2012, 2, 1))[0] == "delegated-ripencc-extended-20120201.bz2"


def test_folders_of_a_day():
    assert folders("apnic", date(2015, 1, 3)) == ["2015/", "", "2014/"]
    assert folders("lacnic", DAY) == ["archive/2014/", ""]


def test_index_pages_are_asked_for_once_for_many_days(place, cache, tmp_path):
    """A week after the other, as a backfill asks: before, each registry's pages were asked for anew each week."""
    root = tmp_path / "stats"
    put(root, "apnic/2014/delegated-apnic-extended-20141215.gz", date(2014, 12, 15))
    put(root, "apnic/2014/delegated-apnic-extended-20141208.gz", date(2014, 12, 8))
    pages: Listings = {}
    for day in (date(2014, 12, 8), date(2014, 12, 15), DAY):
        files, failures = get(place, cache, "apnic", on=day, listings=pages)
        assert ([each.day for each in files], failures) == ([day], [])
    assert len(place.gets("/apnic/2014/")) == 1
    assert [each.day for each in get(place, cache, "apnic", on=date(2014, 12, 16))[0]] == [date(2014, 12, 15)]
    assert len(place.gets("/apnic/2014/")) == 2  # without the pages of earlier calls


# Names of AS numbers.

NAMES_TEXT = b"4837 CHINA169-BACKBONE CNCGROUP, CN\n131279 STAR-KP Ryugyong-dong, KP\n"


@pytest.fixture
def named(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "names" / "asnames").mkdir(parents=True)
    (tmp_path / "names" / "asnames" / "asn.txt").write_bytes(NAMES_TEXT)
    with serve(tmp_path / "names") as serving:
        yield serving


def as_names(place: Place, cache: Cache, on: date = DAY, **options) -> ReferenceFile | ReferenceFailure:
    return fetch_as_names(on, names_mirror([place.url], ""), cache, limits=QUICK, **options)


def test_as_names_are_fetched_once_a_week(named, cache, tmp_path):
    first = as_names(named, cache)
    assert isinstance(first, ReferenceFile)
    assert (first.state, first.path.name) == ("fetched", "asn-20141222.txt")
    assert load_as_names([first.path]).names[131279] == "STAR-KP Ryugyong-dong, KP"
    before = len(named.asked)
    week = as_names(named, cache, DAY + timedelta(days=6))
    assert isinstance(week, ReferenceFile)
    assert (week.state, week.path, len(named.asked)) == ("cached", first.path, before)
    later = as_names(named, cache, DAY + timedelta(days=7))
    assert isinstance(later, ReferenceFile)
    assert (later.state, later.path.name) == ("fetched", "asn-20141229.txt")


def test_offline_and_where_nobody_answers_older_names_serve(named, cache, tmp_path):
    assert isinstance(as_names(named, cache, offline=True), ReferenceFailure)
    kept = as_names(named, cache)
    assert isinstance(kept, ReferenceFile)
    much_later = DAY + timedelta(days=400)
    offline = as_names(named, cache, much_later, offline=True)
    assert isinstance(offline, ReferenceFile)
    assert (offline.path, offline.day) == (kept.path, DAY)
    (tmp_path / "names" / "asnames" / "asn.txt").unlink()
    gone = as_names(named, cache, much_later)
    assert isinstance(gone, ReferenceFile)
    assert gone.path == kept.path


def test_a_page_under_the_name_of_as_names_is_a_failure_and_is_not_kept(named, cache, tmp_path):
    (tmp_path / "names" / "asnames" / "asn.txt").write_bytes(b"<html><body>moved</body></html>")
    found = as_names(named, cache)
    assert isinstance(found, ReferenceFailure)
    assert "no AS is named in it" in found.reason
    assert not list(cache.root.rglob("asn-*.txt"))


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ([], "https://ftp.ripe.net/ripe/asnames"),
        (["http://host/mirror"], "http://host/mirror/asnames"),
        (["asnames=http://host/names"], "http://host/names"),
        (["apnic=http://host/apnic"], "https://ftp.ripe.net/ripe/asnames"),
    ],
)
def test_where_as_names_come_from(values, where):
    assert names_mirror(values, "") == where
    assert set(reference_mirrors(values, "")) == set(PUBLIC)
