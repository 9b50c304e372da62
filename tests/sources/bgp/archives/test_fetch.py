"""Whole windows from a server: listed or not, whole or with holes, well or badly behaved."""

import bz2
import gzip
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from duskwatch.records.times import DAY, MINUTE, parse_time
from duskwatch.sources.bgp.archives.collectors import find_collector
from duskwatch.sources.bgp.archives.fetch import Fetched, Refusal, fetch_archives, plan_archives
from duskwatch.sources.bgp.archives.mirrors import Mirrors, choose_mirrors
from duskwatch.sources.bgp.archives.plan import FetchPlan
from duskwatch.sources.downloads.cache import Cache, open_cache
from duskwatch.sources.downloads.errors import DownloadError
from tests.sources.bgp.archives.conftest import BEGIN, QUICK, at, write_archive, write_file
from tests.sources.downloads.server import Place, serve

NOW = parse_time("2026-01-01")
FROM, UNTIL = at("08:30"), at("09:30")


def ask(
    mirror: str, cache: Cache, names: Sequence[str] = ("rrc00",), from_us: int = FROM, until_us: int = UNTIL, **options
) -> tuple[list[FetchPlan], list[Refusal], Mirrors]:
    mirrors = choose_mirrors([mirror], "")
    collectors = [find_collector(name, public=False) for name in names]
    options = {"now_us": NOW, "limits": QUICK, **options}
    plans, refused = plan_archives(collectors, from_us, until_us, mirrors, cache, **options)
    return plans, refused, mirrors


def get(mirror: str, cache: Cache, *args, **options) -> list[Fetched]:
    plans, refused, mirrors = ask(mirror, cache, *args, **options)
    assert refused == []
    return fetch_archives(plans, mirrors, cache, limits=QUICK)


def names(files: Sequence[Path]) -> list[str]:
    return [path.name for path in files]


@pytest.fixture
def own(archive: Path, tmp_path: Path):
    """A copy of the archive's rrc00 that a test may damage, served."""
    root = tmp_path / "own"
    for folder in ("rrc00", "route-views.sg"):
        shutil.copytree(archive / folder, root / folder)
    with serve(root) as serving:
        yield serving


WHOLE = ["bview.20141222.0800.gz", *(f"updates.20141222.08{m:02}.gz" for m in range(0, 60, 5))] + [
    f"updates.20141222.09{m:02}.gz" for m in range(0, 30, 5)
]


@pytest.mark.parametrize("listing", ["nginx", "apache", "none"])
def test_a_window_comes_whole_however_the_server_lists(place, cache, listing):
    place.listing = listing
    (found,) = get(place.url, cache)
    assert names(found.files) == WHOLE
    assert found.dump is not None
    assert (found.missing, found.empty, found.failures) == ((), (), ())
    assert all(path.read_bytes() == (place.root / "rrc00" / "2014.12" / path.name).read_bytes() for path in found.files)


@pytest.mark.parametrize("listing", ["nginx", "none"])
@pytest.mark.parametrize("name", ["route-views2", "route-views.sg"])
def test_route_views_layouts(place, cache, name, listing):
    place.listing = listing
    (found,) = get(place.url, cache, [name])
    assert names(found.files) == [
        "rib.20141222.0800.bz2",
        *(f"updates.20141222.{t}.bz2" for t in ("0800", "0815", "0830", "0845", "0900", "0915")),
    ]
    assert {path.parent.parent.name for path in found.files} == {name}


def test_sizes_are_known_before_anything_is_fetched(place, cache):
    for listing, exact in (("nginx", True), ("apache", True), ("none", True)):
        place.listing = listing
        ((plan,), _, _) = ask(place.url, cache)
        sizes = {file.name: file.size_bytes for file in plan.files()}
        assert sizes == {name: (place.root / "rrc00" / "2014.12" / name).stat().st_size for name in WHOLE}
        assert all(file.size_exact == exact for file in plan.files())
        assert plan.listed == (listing != "none")
    assert [asked for asked in place.asked if asked.method == "GET" and asked.path.endswith(".gz")] == []


def test_an_index_page_is_read_once(place, cache):
    ask(place.url, cache)
    assert len(place.gets("/rrc00/2014.12/")) == 1


def test_a_second_run_asks_for_no_file(place, cache):
    first = get(place.url, cache)
    before = len(place.asked)
    (second,) = get(place.url, cache)
    assert second.files == first[0].files
    assert {outcome.state for outcome in second.outcomes} == {"cached"}
    assert [asked.path for asked in place.asked[before:]] == ["/rrc00/2014.12/"]


def test_several_collectors_at_once(place, cache):
    found = get(place.url, cache, ["rrc00", "route-views2", "route-views.sg"])
    assert [each.plan.collector.name for each in found] == ["rrc00", "route-views2", "route-views.sg"]
    assert all(each.files and not each.missing for each in found)


@pytest.mark.parametrize("listing", ["nginx", "none"])
def test_files_that_the_archive_lacks_are_named_and_no_failure(own, cache, listing):
    own.listing = listing
    gone = ["updates.20141222.0800.gz", "updates.20141222.0845.gz", "updates.20141222.0850.gz"]
    gone.append("updates.20141222.0925.gz")
    for name in gone:
        (own.root / "rrc00" / "2014.12" / name).unlink()
    (found,) = get(own.url, cache)
    assert list(found.missing) == gone
    assert names(found.files) == [name for name in WHOLE if name not in gone]
    assert found.failures == ()


@pytest.mark.parametrize("listing", ["nginx", "none"])
@pytest.mark.parametrize("fault", ["missing", "failed"])
def test_the_first_dump_after_a_gap_is_fetched_as_well(own, cache, listing, fault):
    own.listing = listing
    lost = own.root / "rrc00" / "2014.12" / "updates.20141221.1500.gz"
    if fault == "missing":
        lost.unlink()
    else:
        own.always[f"/rrc00/2014.12/{lost.name}"] = "status:403"
    (found,) = get(own.url, cache, from_us=at("08:30") - DAY, until_us=at("09:30"))
    dumps = [name for name in names(found.files) if name.startswith("bview")]
    assert dumps == ["bview.20141221.0800.gz", "bview.20141221.1600.gz"]
    assert names(found.files) == sorted(names(found.files), key=lambda name: (name.partition(".")[2], name))
    assert (found.missing, len(found.failures)) == (((lost.name,), 0) if fault == "missing" else ((), 1))
    planned = [file.name for file in found.plan.files() if not file.is_update]
    assert planned == (dumps if fault == "missing" else dumps[:1])


@pytest.mark.parametrize("listing", ["nginx", "none"])
def test_each_part_of_a_window_gets_a_dump_to_begin_from(place, cache, listing):
    place.listing = listing
    midnight = at("00:00")
    moments = [midnight - DAY, midnight, midnight + 60 * MINUTE, midnight + 2 * DAY]
    (found,) = get(place.url, cache, from_us=at("04:00") - DAY, until_us=at("09:30"), restart_us=moments)
    dumps = [name for name in names(found.files) if name.startswith("bview")]
    # Dumps at 00:00, 08:00 and 16:00: that of the last moment is the newest before the window's end.
    assert dumps == ["bview.20141221.0000.gz", "bview.20141222.0000.gz", "bview.20141222.0800.gz"]
    assert found.missing == ()


def test_a_file_that_is_listed_but_gone_is_missing(own, cache):
    own.always["/rrc00/2014.12/updates.20141222.0900.gz"] = "status:404"
    (found,) = get(own.url, cache)
    assert found.missing == ("updates.20141222.0900.gz",)
    assert found.failures == ()


def test_a_file_that_fails_is_named_and_the_others_are_kept(own, cache):
    own.always["/rrc00/2014.12/updates.20141222.0900.gz"] = "garbage"
    own.always["/rrc00/2014.12/updates.20141222.0905.gz"] = "status:403"
    (found,) = get(own.url, cache)
    assert [(one.wanted.path.name, one.state) for one in found.failures] == [
        ("updates.20141222.0900.gz", "failed"),
        ("updates.20141222.0905.gz", "failed"),
    ]
    assert found.failures[1].reason == "HTTP 403 Forbidden"
    assert len(found.files) == len(WHOLE) - 2
    assert found.missing == ()


def test_a_dump_that_cannot_be_had_is_replaced_by_the_one_before(own, cache):
    own.always["/rrc00/2014.12/bview.20141222.0800.gz"] = "garbage"
    own.always["/rrc00/2014.12/bview.20141222.0000.gz"] = "status:404"
    (found,) = get(own.url, cache)
    assert found.dump is not None
    assert found.dump.name == "bview.20141221.1600.gz"
    assert names(found.files)[:2] == ["bview.20141221.1600.gz", "updates.20141221.1600.gz"]
    assert len(found.files) == 1 + 12 * 17 + 6
    assert [one.wanted.path.name for one in found.failures] == ["bview.20141222.0800.gz"]


def test_a_file_without_a_record_is_as_good_as_missing(own, cache):
    (own.root / "rrc00" / "2014.12" / "updates.20141222.0900.gz").write_bytes(gzip.compress(b"", mtime=0))
    empty = own.root / "route-views.sg" / "bgpdata" / "2014.12" / "UPDATES" / "updates.20141222.0900.bz2"
    empty.write_bytes(bz2.compress(b""))
    assert empty.stat().st_size == 14  # as Route Views has them by the thousand
    ris, route_views = get(own.url, cache, ["rrc00", "route-views.sg"])
    assert ris.empty == ("updates.20141222.0900.gz",)
    assert route_views.empty == ("updates.20141222.0900.bz2",)
    assert "updates.20141222.0900.gz" not in names(ris.files)
    assert ris.failures == route_views.failures == ()


def test_what_is_damaged_as_published_is_kept_and_named(own, cache):
    path = own.root / "rrc00" / "2014.12" / "updates.20141222.0900.gz"
    path.write_bytes(path.read_bytes()[:-4])
    (found,) = get(own.url, cache)
    (one,) = found.failures
    assert one.state == "fetched"
    assert "cannot be unpacked to its end" in one.reason
    assert path.name in names(found.files)


def test_a_checksum_beside_a_file_is_used(own, cache):
    folder = own.root / "rrc00" / "2014.12"
    (folder / "updates.20141222.0900.gz.md5").write_text("0" * 32)
    (found,) = get(own.url, cache)
    (one,) = found.failures
    assert one.wanted.path.name == "updates.20141222.0900.gz"
    assert "as published" in one.reason


def test_a_page_with_hostile_names_leads_nowhere(own, cache):
    links = [
        "../../../../etc/updates.20141222.0900.gz",
        "http://192.0.2.1/updates.20141222.0905.gz",
        "//192.0.2.1/rrc00/2014.12/updates.20141222.0910.gz",
        "/rrc00/2014.11/updates.20141222.0915.gz",
        "..%2Fupdates.20141222.0920.gz",
    ]
    own.pages["/rrc00/2014.12/"] = "<title>Index of /rrc00/2014.12/</title>" + "".join(
        f'<a href="{link}">{link}</a> 22-Dec-2014 16:20 100\n' for link in [*links, "updates.20141222.0855.gz"]
    )
    ((plan,), _, _) = ask(own.url, cache)
    assert [file.url for file in plan.files()] == [f"{own.url}/rrc00/2014.12/updates.20141222.0855.gz"]


def test_a_server_that_cannot_be_asked_is_one_refusal(place, cache):
    place.always["/rrc00/2014.12/"] = "reset"
    plans, refused, _ = ask(place.url, cache, ["rrc00", "route-views.sg"])
    assert [plan.collector.name for plan in plans] == ["route-views.sg"]
    ((name, reason),) = [(each.collector, each.reason) for each in refused]
    assert name == "rrc00"
    assert reason.startswith(f"{place.url}/rrc00/2014.12/: ")
    assert "tried 3 times" in reason


def test_a_host_that_is_not_there_is_one_refusal(cache):
    plans, (refusal,), _ = ask("http://127.0.0.1:9", cache)
    assert plans == []
    assert "tried 3 times" in refusal.reason


def test_a_place_that_has_nothing_is_asked_for_a_sample_only(place, cache):
    place.listing = "none"
    ((plan,), _, _) = ask(place.url, cache, ["rrc77"], at("00:00"), at("12:00"))
    assert plan.files() == ()
    assert len([asked for asked in place.asked if asked.method == "HEAD"]) <= 45
    assert len(plan.missing()) == 144


def test_a_server_that_knows_no_head_is_asked_for_the_files_themselves(own, cache):
    own.listing = "none"
    for name in [path.name for path in (own.root / "rrc00" / "2014.12").iterdir()]:
        own.always[f"/rrc00/2014.12/{name}"] = "status:405"
        own.fault(f"/rrc00/2014.12/{name}", "", "")
    ((plan,), _, mirrors) = ask(own.url, cache)
    assert {file.size_bytes for file in plan.files()} == {None}
    (found,) = fetch_archives([plan], mirrors, cache, limits=QUICK)
    assert names(found.files) == WHOLE


def test_a_window_over_two_months(tmp_path, cache):
    begin, end = parse_time("2014-11-30T20:00Z"), parse_time("2014-12-01T04:00Z")
    write_archive(tmp_path / "a", "rrc00", parse_time("2014-11-30T16:00Z"), end)
    with serve(tmp_path / "a") as place:
        (found,) = get(place.url, cache, ["rrc00"], begin, end)
    assert names(found.files)[0] == "bview.20141130.1600.gz"
    assert {path.parent.name for path in found.files} == {"2014.11", "2014.12"}
    assert len(found.files) == 1 + 12 * 12
    assert found.missing == ()


def test_the_file_that_a_month_begins_in_may_lie_in_the_one_before(tmp_path, cache):
    begin = parse_time("2001-02-01T00:00Z")
    for start in range(begin - 24 * MINUTE, begin + 40 * MINUTE, 15 * MINUTE):
        write_file(tmp_path / "a", "rrc00", start, updates=True)
    with serve(tmp_path / "a") as place:
        (found,) = get(place.url, cache, ["rrc00"], begin, begin + 10 * MINUTE)
    assert names(found.files) == ["updates.20010131.2351.gz", "updates.20010201.0006.gz"]
    assert found.missing == ()


def test_names_on_pacific_time_are_found(tmp_path, cache):
    begin, end = parse_time("2002-01-01T02:00Z"), parse_time("2002-01-01T04:00Z")
    write_archive(tmp_path / "a", "route-views2", parse_time("2002-01-01T00:00Z"), end)
    for listing in ("nginx", "none"):
        with serve(tmp_path / "a") as place:
            place.listing = listing
            (found,) = get(place.url, cache, ["route-views2"], begin, end)
        assert names(found.files)[:2] == ["rib.20011231.1800.bz2", "updates.20011231.1800.bz2"]
        assert len(found.files) == 1 + 8
        assert found.missing == ()


def test_a_local_folder_is_used_in_place(archive, cache):
    for root in (archive, archive / "rrc00"):
        (found,) = get(str(root), cache)
        assert names(found.files) == WHOLE
        assert all(archive in path.parents for path in found.files)
    assert cache.used_bytes() == 0


def test_offline_uses_what_is_in_the_cache_and_asks_nobody(place, cache):
    assert get(place.url, cache)[0].files
    before = len(place.asked)
    plans, refused, mirrors = ask(place.url, cache, from_us=at("08:40"), until_us=at("10:00"), offline=True)
    (found,) = fetch_archives(plans, mirrors, cache, limits=QUICK)
    assert names(found.files) == WHOLE
    assert found.missing == tuple(f"updates.20141222.09{m}.gz" for m in range(30, 60, 5))
    assert refused == []
    assert len(place.asked) == before


def test_a_disk_without_room_is_told_before_anything_is_fetched(place, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500))
    with pytest.raises(DownloadError, match="bytes are to be fetched and 500 are free"):
        get(place.url, cache)
    assert cache.used_bytes() == 0


def test_the_cache_makes_room_before_it_fetches_but_never_of_what_the_run_needs(place, tmp_path):
    cache = open_cache(tmp_path / "small")
    (first,) = get(place.url, cache)
    used = cache.used_bytes()
    for age, path in enumerate(first.files):
        os.utime(path, (age + 1, age + 1))
    small = open_cache(cache.root, used + 50)
    plans, _, mirrors = ask(place.url, small, ["route-views.sg"])
    coming = sum(file.size_bytes or 0 for file in plans[0].files())
    assert coming > 50
    seen = []

    def watch(*_: object) -> None:
        seen.append([path.exists() for path in first.files])

    (second,) = fetch_archives(plans, mirrors, small, limits=QUICK, progress=watch, keep=first.files[:2])
    gone = seen[0].count(False)
    assert gone >= 1
    assert seen[0] == [True, True, *[False] * gone, *[True] * (len(first.files) - gone - 2)]  # the oldest, but for two
    assert len(second.files) == 7
    assert all(path.exists() for path in second.files)
    assert small.used_bytes() <= small.max_bytes


def test_what_one_run_needs_may_be_more_than_the_limit(place, tmp_path):
    cache = open_cache(tmp_path / "small", 10)
    (found,) = get(place.url, cache)
    assert names(found.files) == WHOLE
    assert all(path.exists() for path in found.files)


@pytest.mark.parametrize(
    ("values", "environment", "ris", "route_views"),
    [
        ([], "", "https://data.ris.ripe.net", "https://archive.routeviews.org"),
        ([], "http://a/ ", "http://a", "http://a"),
        (["http://b/x/"], "http://a", "http://b/x", "http://b/x"),
        (["ris=http://b"], "", "http://b", "https://archive.routeviews.org"),
        (["http://a", "route-views=http://b"], "", "http://a", "http://b"),
    ],
)
def test_mirrors(values, environment, ris, route_views):
    found = choose_mirrors(values, environment)
    assert (found.ris.url, found.route_views.url) == (ris, route_views)


def test_begin_is_where_the_archive_begins(place: Place, cache):
    (found,) = get(place.url, cache, ["rrc00"], BEGIN, BEGIN + 1)
    assert names(found.files) == ["bview.20141221.0000.gz", "updates.20141221.0000.gz"]


FAULTS = {
    "passing": ["status:503", "reset", "garbage", "cut:10", "short:12", "says:99", "no-length:9", "flip", "no-range"],
    "lasting": ["status:404", "status:403", "garbage", "reset", "says:99999999999", "redirect:http://192.0.2.1/"],
}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_server_does_each_file_is_right_or_named(own, cache, seed):
    """Faults drawn for every file: what is in the cache is what the archive holds; what is not is named, each once."""
    rng = random.Random(seed)
    folder = own.root / "rrc00" / "2014.12"
    lasting = {}
    for name in WHOLE:
        kind = rng.choice(["none", "none", "passing", "lasting"])
        if kind == "passing":
            own.fault(f"/rrc00/2014.12/{name}", rng.choice(FAULTS["passing"]))
        elif kind == "lasting" and name != WHOLE[0]:
            lasting[name] = own.always[f"/rrc00/2014.12/{name}"] = rng.choice(FAULTS["lasting"])
    (found,) = get(own.url, cache)
    for path in found.files:
        assert path.read_bytes() == (folder / path.name).read_bytes()
    named = [*found.missing, *(one.wanted.path.name for one in found.failures)]
    assert sorted(named) == sorted(lasting)
    assert sorted(names(found.files) + named) == sorted(WHOLE)
    assert set(found.missing) == {name for name, fault in lasting.items() if fault == "status:404"}
