"""Names of files, and the clocks they were written by."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.times import MINUTE, SECOND, iso, parse_time
from duskwatch.sources.bgp.archives.collectors import COLLECTORS, find_collector
from duskwatch.sources.bgp.archives.find import collector_of, period_of, probe
from duskwatch.sources.bgp.archives.names import is_archive_name, stamp_of, stamp_time
from duskwatch.sources.downloads.errors import DownloadError


@pytest.mark.parametrize(
    ("stamp", "collector", "moment"),
    [
        ("20141222.1615", "rrc00", "2014-12-22T16:15:00Z"),
        ("19990903.1041", "rrc00", "1999-09-03T08:41:00Z"),
        ("19991214.1621", "rrc00", "1999-12-14T16:21:00Z"),
        ("20030115.1200", "route-views2", "2003-01-15T20:00:00Z"),
        ("20020715.1200", "route-views2", "2002-07-15T19:00:00Z"),
        ("20030203.1059", "route-views2", "2003-02-03T18:59:00Z"),
        ("20030203.1900", "route-views2", "2003-02-03T19:00:00Z"),
        ("20050101.0000", "route-views2", "2005-01-01T00:00:00Z"),
        ("20050101.0000", "route-views.eqix", "2005-01-01T08:00:00Z"),
        ("20060202.0000", "route-views.eqix", "2006-02-02T00:00:00Z"),
        ("20020715.1200", "mine", "2002-07-15T12:00:00Z"),
    ],
)
def test_a_name_is_read_by_the_clock_it_was_written_by(stamp, collector, moment):
    assert iso(stamp_time(stamp, collector) or 0) == moment
    assert stamp_of(parse_time(moment), collector) == stamp


@settings(deadline=None)
@given(
    st.integers(parse_time("1999-09-01") // MINUTE, parse_time("2026-01-01") // MINUTE),
    st.sampled_from(["rrc00", "route-views2", "route-views.eqix", "amsix.ams"]),
)
def test_names_lead_back_to_their_moment(minute, collector):
    """But for the hour that a clock goes through twice in autumn, and the hours around its change to UTC."""
    moment = minute * MINUTE
    back = stamp_time(stamp_of(moment, collector), collector)
    assert back is not None
    assert back == moment or abs(back - moment) in (60 * MINUTE, 420 * MINUTE, 480 * MINUTE)


@pytest.mark.parametrize("stamp", ["20141399.9999", "20140230.0000", "20140101.2460", "garbage"])
def test_what_is_no_time_is_none(stamp):
    assert stamp_time(stamp, "rrc00") is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("bview.20141222.0800.gz", True),
        ("rib.20141222.0800.bz2", True),
        ("updates.20141222.0800.gz", True),
        ("update.20141222.0800.gz", True),
        ("latest-bview.gz", False),
        ("oix-full-snapshot-2014-12-22-0000.bz2", False),
        ("updates.20141222.0800.gz.md5", False),
        ("xupdates.20141222.0800.gz", False),
        ("updates.20141222.0800", False),
    ],
)
def test_names_of_archive_files(name, is_one):
    assert is_archive_name(name) == is_one


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("rrc00/1999.09/updates.19990903.1041.gz", "1999-09-03T08:41:39Z"),
        ("rrc00/1999.12/updates.19991214.1621.gz", "1999-12-14T16:21:27Z"),
        ("rrc00/2000.01/updates.20000102.2014.gz", "2000-01-02T20:14:50Z"),
        ("rrc00/2000.03/updates.20000325.0345.gz", "2000-03-25T03:45:43Z"),
    ],
)
def test_the_first_record_of_a_real_file_lies_in_the_minute_of_its_name(shared_data, file, begins):
    path = shared_data / "mrt" / "historic-ris" / file
    found = probe(path)
    assert found is not None
    assert 0 <= parse_time(begins) - found.start_us < 60 * SECOND


@pytest.mark.parametrize(
    ("path", "collector"),
    [
        ("c/archive.routeviews.org/route-views2.saopaulo/2022.08/rib.20220831.2200.bz2", "route-views2.saopaulo"),
        ("route-views2/bgpdata/2022.08/RIBS/rib.20220831.2200.bz2", "route-views2"),
        ("route-views2.updates.1419206400.gz", "route-views2"),
        ("route-views2.rib.bz2", "route-views2"),
        ("route-views.ribs.1401487200.bz2", "route-views"),
        ("route-views2.20080219.bz2", "route-views2"),
        ("rrc00-study/cache/archives/archive.routeviews.org/amsix.ams/2025.01/rib.20250101.0000.bz2", "amsix.ams"),
        ("a/amsix.ams/bgpdata/2025.01/UPDATES/updates.20250101.0000.bz2", "amsix.ams"),
    ],
)
def test_collectors_whose_names_begin_like_anothers_are_told_apart(path, collector):
    assert collector_of(Path(path)) == collector


def test_one_file_alone_lasts_as_long_as_its_project_writes():
    assert [period_of(name, []) for name in ("rrc00", "route-views2", "amsix.ams", "mine")] == [
        5 * MINUTE,
        15 * MINUTE,
        15 * MINUTE,
        5 * MINUTE,
    ]


def test_every_collector_is_found_by_its_name():
    for name, collector in COLLECTORS.items():
        assert find_collector(name.upper(), public=True) is collector
        assert collector.project == ("ris" if name.startswith("rrc") else "route-views")
    assert find_collector("rrc97", public=False).project == "ris"
    assert find_collector("mine.lan", public=False).project == "route-views"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rrc99", "no collector 'rrc99' in the public archives"),
        ("route-views.linxx", "did you mean route-views.linx"),
        ("oix-route-views", "is text, not MRT; take route-views2"),
        ("../etc", "is not the name of a collector"),
        ("", "is not the name of a collector"),
        ("a/b", "is not the name of a collector"),
        ("a" * 80, "is not the name of a collector"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_a_hint(name, words):
    with pytest.raises(DownloadError, match=words):
        find_collector(name, public=True)
