"""One file through each way in which a server fails: the right bytes at the end, or a reason; never half a file."""

import asyncio
import bz2
import fcntl
import gzip
import hashlib
import os
import random
import resource
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from duskwatch.sources.downloads import integrity
from duskwatch.sources.downloads.cache import Cache, open_cache
from duskwatch.sources.downloads.errors import RefusedError
from duskwatch.sources.downloads.session import Limits, Web
from duskwatch.sources.downloads.transfer import Outcome, Wanted, fetch, fetch_all
from tests.sources.downloads.server import Place, serve

QUICK = Limits(attempts=3, backoff_s=0.01, backoff_cap_s=0.02, stall_s=8, connect_s=8)
# For faults of time. More attempts, so that a busy machine that stalls by itself does no harm.
HASTY = replace(QUICK, attempts=4, stall_s=0.5, slow_window_s=0.5)
NOISE = random.Random(4).randbytes(300_000)
NAME = "updates.20141222.1615.gz"
DATA = gzip.compress(NOISE, 1, mtime=0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def place(tmp_path: Path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / NAME).write_bytes(DATA)
    with serve(tmp_path / "served") as serving:
        yield serving


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(tmp_path / "cache")


def wanted(place: Place, cache: Cache, name: str = NAME, **options: object) -> Wanted:
    return Wanted(f"{place.url}/{name}", cache.root / "archives" / name, **{"most_bytes": 1 << 20, **options})


def get(each: Wanted, cache: Cache, limits: Limits = QUICK) -> Outcome:
    async def run() -> Outcome:
        async with Web(limits, random.Random(1)) as web:
            return await fetch(each, web, cache)

    return asyncio.run(asyncio.wait_for(run(), 15))


def leftovers(cache: Cache) -> list[str]:
    return sorted(path.name for path in (cache.root / "partial").iterdir())


def test_a_file_comes_as_it_is_stored_and_then_from_the_cache(place, cache):
    each = wanted(place, cache)
    first, second = get(each, cache), get(each, cache)
    assert (first.state, first.received_bytes, first.reason) == ("fetched", len(DATA), "")
    assert (second.state, second.received_bytes) == ("cached", 0)
    assert each.path.read_bytes() == DATA
    (asked,) = place.gets(f"/{NAME}")
    assert asked.encoding == "identity"  # a server must not pack what is packed
    assert leftovers(cache) == []


def test_a_file_that_is_used_is_the_last_to_leave_the_cache(place, cache):
    each = wanted(place, cache)
    get(each, cache)
    for _ in range(2):
        os.utime(each.path, (1, 1))
        get(each, cache)
        assert each.path.stat().st_mtime > 1e9


@pytest.mark.parametrize("validator", ["etag", "date"])
def test_a_cut_transfer_goes_on_where_it_ended(place, cache, validator):
    place.etag = validator == "etag"
    place.fault(f"/{NAME}", "cut:200000", "cut:50000")
    each = wanted(place, cache)
    found = get(each, cache)
    assert (found.state, found.received_bytes) == ("fetched", len(DATA))
    assert each.path.read_bytes() == DATA
    assert [asked.range for asked in place.gets(f"/{NAME}")] == [None, "bytes=200000-", "bytes=250000-"]


def test_what_one_run_could_not_finish_the_next_one_does(place, cache):
    each = wanted(place, cache)
    place.fault(f"/{NAME}", "cut:1000", "status:500", "status:500")
    found = get(each, cache)
    assert found.state == "failed"
    assert "HTTP 500" in found.reason
    assert not each.path.exists()
    assert len(leftovers(cache)) == 2
    assert get(each, cache).received_bytes == len(DATA) - 1000
    assert each.path.read_bytes() == DATA
    assert leftovers(cache) == []


def test_a_server_without_ranges_starts_over(place, cache):
    place.fault(f"/{NAME}", "cut:200000", "no-range")
    each = wanted(place, cache)
    assert get(each, cache).received_bytes == 200_000 + len(DATA)
    assert each.path.read_bytes() == DATA


@pytest.mark.parametrize("answer", [{"blocks": 4096}, {"bare_ranges": True}])
@pytest.mark.parametrize("cuts", [1, 2])
def test_a_server_that_always_answers_with_another_range_is_asked_for_all(place, cache, answer, cuts):
    for name, value in answer.items():
        setattr(place, name, value)
    place.fault(f"/{NAME}", *["cut:10001"] * cuts)
    each = wanted(place, cache)
    found = get(each, cache)
    assert (found.state, found.reason) == ("fetched", "")
    assert each.path.read_bytes() == DATA
    assert [asked.range for asked in place.gets(f"/{NAME}")][2:] in ([None], [None, None])
    assert leftovers(cache) == []


def test_where_another_range_came_the_part_is_forgotten_for_later_runs_too(place, cache):
    place.blocks = 4096
    each = wanted(place, cache)
    place.fault(f"/{NAME}", "cut:10001", "status:500", "status:500")
    assert get(each, cache).state == "failed"
    assert get(each, cache).state == "fetched"
    assert each.path.read_bytes() == DATA


def test_what_is_left_of_a_file_comes_without_saying_how_long_the_whole_is(place, cache):
    place.fault(f"/{NAME}", "cut:200000", "unknown-total")
    each = wanted(place, cache)
    assert get(each, cache).received_bytes == len(DATA)
    assert each.path.read_bytes() == DATA


def test_a_file_that_changed_meanwhile_is_not_sewn_to_its_old_half(place, cache):
    each = wanted(place, cache)
    place.fault(f"/{NAME}", "cut:200000", "status:500", "status:500")
    assert get(each, cache).state == "failed"
    new = gzip.compress(NOISE[::-1], 1, mtime=0)
    (place.root / NAME).write_bytes(new)
    assert get(each, cache).state == "fetched"
    assert each.path.read_bytes() == new


def test_a_file_that_became_shorter_than_its_old_half_starts_over(place, cache):
    each = wanted(place, cache)
    place.etag = False
    place.fault(f"/{NAME}", "cut:200000", "status:500", "status:500")
    assert get(each, cache).state == "failed"
    before = (place.root / NAME).stat()
    short = gzip.compress(b"short", mtime=0)
    (place.root / NAME).write_bytes(short)
    os.utime(place.root / NAME, ns=(before.st_atime_ns, before.st_mtime_ns))  # so that the date does not tell
    assert get(each, cache).state == "fetched"
    assert each.path.read_bytes() == short


PASSING = {
    "a status that passes": ("status:503",),
    "a wait in seconds": ("status:503:0",),
    "a wait that is no number": ("status:429:soon",),
    "a connection reset": ("reset",),
    "a stall": ("stall:1000",),
    "garbage for a while": ("garbage",),
    "a bit turned on the way": ("flip",),
    "a length that is too short": ("short:100000",),
    "a length that is too long": (f"says:{len(DATA) + 50}",),
    "another range than was asked for": ("cut:200000", "other-range"),
    "less of a range than was asked for": ("cut:200000", "capped:60000"),
    "a range that was not asked for": ("other-range",),
    "no length, and cut": ("no-length:100000",),
    "all of them but one too many": ("reset", "garbage"),
}


@pytest.mark.parametrize("what", PASSING)
def test_a_fault_that_passes_leaves_no_trace(place, cache, what):
    place.fault(f"/{NAME}", *PASSING[what])
    each = wanted(place, cache)
    found = get(each, cache, HASTY if what == "a stall" else QUICK)
    assert (found.state, found.reason) == ("fetched", "")
    assert each.path.read_bytes() == DATA
    assert leftovers(cache) == []


LASTING = {
    "a status that passes, for ever": ("status:503", "HTTP 503 Service Unavailable (tried 3 times)"),
    "forbidden": ("status:403", "HTTP 403 Forbidden"),
    "a long wait": ("status:503:4000", "to come back in 4000 s"),
    "resets": ("reset", "(tried 3 times)"),
    "a stall": ("stall:1000", "nothing came for 0.5 s"),
    "crawling": ("crawl", "bytes came in"),
    "garbage": ("garbage", "it is no gzip file; it begins with '<html><body>Plea'"),
    "a redirect loop": (f"redirect:/{NAME}", "more than 5 redirects"),
    "a redirect to another host": ("redirect:http://192.0.2.1/x.gz", "it redirects to http://192.0.2.1, which was not"),
    "a redirect to another port": ("redirect:http://127.0.0.1:9/x.gz", "it redirects to http://127.0.0.1:9"),
    "a redirect to a file": ("redirect:file:///etc/passwd", "it redirects to file://"),
    "a redirect to nowhere": ("redirect:http://[", "it redirects to"),
    "a huge length": ("says:99999999999", "it says it has 99999999999 bytes; more than 1048576 are not fetched"),
}


@pytest.mark.parametrize("what", LASTING)
def test_a_fault_that_lasts_is_named_and_leaves_no_file(place, cache, what):
    fault, words = LASTING[what]
    place.always[f"/{NAME}"] = fault
    each = wanted(place, cache)
    found = get(each, cache, HASTY if what in ("a stall", "crawling") else QUICK)
    assert found.state == "failed"
    assert words in found.reason
    assert not each.path.exists()


def test_a_file_that_is_not_there_is_missing_and_asked_for_once(place, cache):
    found = get(wanted(place, cache, "updates.20141222.1620.gz"), cache)
    assert found.state == "missing"
    assert len(place.asked) == 1


def test_a_body_without_length_is_not_taken_without_end(place, cache):
    place.always[f"/{NAME}"] = "no-length"
    found = get(wanted(place, cache, most_bytes=200_000), cache)
    assert found.state == "failed"
    assert "more than 200000 bytes came" in found.reason


def test_what_the_archive_itself_holds_cut_off_is_kept_and_named(place, cache):
    (place.root / NAME).write_bytes(DATA[:200_000])
    each = wanted(place, cache)
    found = get(each, cache)
    assert found.state == "fetched"
    assert "cannot be unpacked to its end" in found.reason
    assert each.path.read_bytes() == DATA[:200_000]
    assert len(place.gets(f"/{NAME}")) == 2  # it is asked for again before it is believed


def test_bzip2_is_known_by_its_end_mark_at_each_of_its_bits(place, cache):
    seen = set()
    for number in range(40):
        packed = bz2.compress(NOISE[: number * 7])
        path = place.root / f"rib.{number}.bz2"
        path.write_bytes(packed)
        seen.add(packed[-1] & 1)
        found = get(wanted(place, cache, path.name), cache)
        assert (found.state, found.reason) == ("fetched", "")
    path.write_bytes(packed[:-3])
    (cache.root / "archives" / path.name).unlink()
    assert "cannot be unpacked" in get(wanted(place, cache, path.name), cache).reason


def test_a_file_that_unpacks_without_end_is_refused(place, cache, monkeypatch):
    monkeypatch.setattr(integrity, "SMALL", 1 << 20)
    (place.root / NAME).write_bytes(gzip.compress(bytes(5_000_000), mtime=0))
    found = get(wanted(place, cache), cache)
    assert found.state == "failed"
    assert "it unpacks to more than" in found.reason
    assert not (cache.root / "archives" / NAME).exists()


SUMS = {
    "md5 as BSD prints it": ("x.md5", "MD5 (delegated-apnic-extended-latest) = {md5}\n"),
    "md5 as GNU prints it": ("x.md5", "{md5}  updates.20141222.1615.gz\n"),
    "sha256 alone": ("x.sha256", "{sha256}"),
    "a file for the folder": (
        "MD5SUMS",
        "00000000000000000000000000000000  other.gz\n{md5} *updates.20141222.1615.gz\n",
    ),
    "of the unpacked file": ("x.md5", "{plain_md5}"),
}


@pytest.mark.parametrize("what", SUMS)
def test_a_published_sum_decides(place, cache, what):
    name, text = SUMS[what]
    text = text.format(
        md5=hashlib.md5(DATA).hexdigest(),
        sha256=hashlib.sha256(DATA).hexdigest(),
        plain_md5=hashlib.md5(NOISE).hexdigest(),
    )
    (place.root / name).write_text(text)
    assert get(wanted(place, cache, checksum_url=f"{place.url}/{name}"), cache).state == "fetched"
    other = gzip.compress(b"whole, but not what was published", mtime=0)
    (place.root / NAME).write_bytes(other)
    (cache.root / "archives" / NAME).unlink()
    found = get(wanted(place, cache, checksum_url=f"{place.url}/{name}"), cache)
    assert found.state == "failed"
    assert "as published" in found.reason


def test_a_published_sum_that_cannot_be_had_decides_nothing(place, cache):
    (place.root / "x.md5").write_text("nothing of use")
    assert get(wanted(place, cache, checksum_url=f"{place.url}/x.md5"), cache).state == "fetched"
    (cache.root / "archives" / NAME).unlink()
    assert get(wanted(place, cache, checksum_url=f"{place.url}/gone.md5"), cache).state == "fetched"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(place, cache, form):
    value = "1" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    place.fault(f"/{NAME}", f"status:503:{value}")
    loop = asyncio.new_event_loop()
    begun = loop.time()
    found = get(wanted(place, cache), cache)
    passed = loop.time() - begun
    loop.close()
    assert found.state == "fetched"
    assert 0.9 <= passed < 5


def test_no_more_connections_to_a_host_than_allowed(place, cache):
    names = [f"updates.20141222.{n:04}.gz" for n in range(30)]
    for name in names:
        (place.root / name).write_bytes(DATA)
        place.fault(f"/{name}", "cut:100000", "slow:0.05")
    each = [wanted(place, cache, name) for name in names]

    async def run() -> list[Outcome]:
        async with Web(Limits(per_host=3, backoff_s=0.001), random.Random(1)) as web:
            return await fetch_all(each, web, cache)

    found = asyncio.run(asyncio.wait_for(run(), 20))
    assert [outcome.wanted for outcome in found] == each
    assert {outcome.state for outcome in found} == {"fetched"}
    assert 3 <= place.most_at_once <= 4  # a handler may still be leaving while the next request comes in


def test_two_processes_that_want_the_same_file_do_not_write_into_one_another(place, cache):
    each = wanted(place, cache)
    part = cache.part_of(each.url)
    part.write_bytes(b"half of another process")
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert get(each, cache).state == "fetched"
        assert part.read_bytes() == b"half of another process"
    assert each.path.read_bytes() == DATA
    assert leftovers(cache) == [part.name]


def test_notes_that_make_no_sense_are_not_followed(place, cache):
    each = wanted(place, cache)
    part = cache.part_of(each.url)
    for notes in ("", "[]", "{}", '{"url": "http://127.0.0.1/other", "validator": "x"}', '{"url": 1, "validator": 2}'):
        part.write_bytes(b"old bytes")
        part.with_suffix(".json").write_text(notes)
        assert get(each, cache).state == "fetched"
        assert each.path.read_bytes() == DATA
        each.path.unlink()


def test_a_disk_that_cannot_be_written_is_named(place, cache):
    each = wanted(place, cache)
    each.path.parent.rmdir()
    each.path.parent.write_text("in the way")
    found = get(each, cache)
    assert found.state == "failed"
    assert "File exists" in found.reason or "Not a directory" in found.reason


CHILD = """
import asyncio, sys
from pathlib import Path
from duskwatch.sources.downloads.cache import open_cache
from duskwatch.sources.downloads.errors import RefusedError
from duskwatch.sources.downloads.session import Limits, Web
from duskwatch.sources.downloads.transfer import Wanted, fetch
url, root = sys.argv[1], Path(sys.argv[2])
cache = open_cache(root)
async def run():
    async with Web(Limits(attempts=2, backoff_s=0.01)) as web:
        wanted = Wanted(url, root / "archives" / url.rsplit("/", 1)[1], 1 << 24)
        print(await fetch(wanted, web, cache, lambda _, have, total: print("at", have, flush=True)), flush=True)
asyncio.run(run())
"""


def test_a_process_killed_on_the_way_loses_nothing(place, cache):
    place.fault(f"/{NAME}", "stall:150000")
    command = [sys.executable, "-c", CHILD, f"{place.url}/{NAME}", str(cache.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line == "at 150000\n":
                break
        child.kill()
    each = wanted(place, cache)
    assert not each.path.exists()
    found = get(each, cache)
    assert found.state == "fetched"
    assert found.received_bytes < len(DATA)  # what had reached the disk is gone on with
    assert each.path.read_bytes() == DATA
    assert leftovers(cache) == []


def test_a_full_disk_is_named_and_leaves_no_file(place, cache):
    """A limit on the size of files stands in for the disk: the write fails in the same way, with another word."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = [sys.executable, "-c", CHILD, f"{place.url}/{NAME}", str(cache.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, preexec_fn=limit, check=True)
    assert "state='failed', reason='File too large'" in done.stdout
    assert not (cache.root / "archives" / NAME).exists()
    assert get(wanted(place, cache), cache).state == "fetched"


def test_more_files_than_may_be_open_at_once(place, cache):
    names = [f"updates.20141222.{n:04}.gz" for n in range(300)]
    small = gzip.compress(b"small", mtime=0)
    for name in names:
        (place.root / name).write_bytes(small)
    each = [wanted(place, cache, name) for name in names]

    async def run() -> list[Outcome]:
        async with Web(Limits(per_host=8)) as web:
            halves = await asyncio.gather(fetch_all(each[:150], web, cache), fetch_all(each[150:], web, cache))
            return [outcome for half in halves for outcome in half]

    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 250, hard))
    try:
        found = asyncio.run(asyncio.wait_for(run(), 30))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    assert [outcome.state for outcome in found] == ["fetched"] * 300


def test_a_long_file_over_a_bad_line_comes_as_long_as_each_try_gains(place, cache):
    long = gzip.compress(random.Random(5).randbytes(6_000_000), 1, mtime=0)
    (place.root / NAME).write_bytes(long)
    place.fault(f"/{NAME}", *["cut:1100000"] * 5)  # more failures than attempts
    each = wanted(place, cache, most_bytes=1 << 24)
    assert get(each, cache).received_bytes == len(long)
    assert each.path.read_bytes() == long


def test_a_long_file_that_is_wrong_each_time_is_given_up(place, cache):
    """Each attempt gains megabytes, of the same bytes again."""
    (place.root / NAME).write_bytes(gzip.compress(random.Random(5).randbytes(2_000_000), 1, mtime=0))
    (place.root / "x.md5").write_text("0" * 32)
    each = wanted(place, cache, most_bytes=1 << 24, checksum_url=f"{place.url}/x.md5")
    found = get(each, cache)
    assert "(tried 3 times)" in found.reason


def test_a_page_without_end_is_not_read_to_its_end(place):
    (place.root / "page").write_bytes(bytes(200_000))

    async def run() -> None:
        async with Web(replace(QUICK, page_bytes=100_000)) as web:
            await web.text(f"{place.url}/page")

    with pytest.raises(RefusedError, match="a page of more than 100000 bytes"):
        asyncio.run(run())
