"""Cases are checked before anything is made from them."""

import pytest

from duskwatch.cases.case_file import bundled_cases, load_case, parse_case
from duskwatch.cases.toml_table import CaseError
from duskwatch.records.times import parse_time

KP = load_case("north-korea-2014")


@pytest.mark.parametrize("name", bundled_cases())
def test_every_fact_of_a_bundled_case_names_a_publication(name):
    case = load_case(name)
    assert case.name == name
    for fact in case.facts:
        assert fact.sources
        assert all(case.sources[source].publication for source in fact.sources)


@pytest.mark.parametrize("name", bundled_cases())
def test_every_source_of_a_bundled_case_is_used(name):
    case = load_case(name)
    assert {source for fact in case.facts for source in fact.sources} == set(case.sources)


def test_where_sources_differ_the_time_is_an_interval():
    for fact in KP.facts:
        if fact.differs:
            assert fact.begin.earliest_us < fact.begin.latest_us


def test_the_published_times_of_the_case_are_these():
    main, afternoon = KP.fact("main-outage"), KP.fact("afternoon-outage")
    assert main.begin.best_us == parse_time("2014-12-22T16:15Z")
    assert main.end.best_us == parse_time("2014-12-23T01:46Z")
    assert (main.end.best_us - main.begin.best_us) // 60_000_000 == 9 * 60 + 31
    assert (afternoon.end.best_us - afternoon.begin.best_us) // 60_000_000 == 31
    assert KP.fact("morning-outage").begin.latest_us == parse_time("2014-12-23T08:00Z")
    assert KP.fact("saturday-outage").begin.best_us == parse_time("2014-12-27T10:30Z")
    assert (KP.origin, KP.upstream) == (131279, 4837)
    assert [str(prefix) for prefix in KP.prefixes] == [f"175.45.{n}.0/24" for n in range(176, 180)]


def test_no_short_loss_of_the_weekend_reaches_eight_minutes():
    for row in KP.unstable:
        assert row.loss_seconds[1] < 8 * 60


def test_an_unknown_case_is_refused_and_the_known_ones_are_named():
    with pytest.raises(CaseError, match="north-korea-2014"):
        load_case("atlantis")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sources = ["paper"]', "sources = []", "at least one source"),
        ('sources = ["paper"]', 'sources = ["rumour"]', "not 'rumour'"),
        ('entity = "XK"', 'entity = "Atlantis"', "entity"),
        ("2020-03-01T02:05:00Z", "2020-03-01T02:15:00Z", "the fact rules out"),
        ("2020-03-01T06:00:00Z", "2020-02-01T06:00:00Z", "after `from`"),
        ("2020-03-01T02:05:00Z", "2020-03-01T02:05:00", "with an offset"),
        ("full_feed_peers = 5", "full_feed_peers = -5", "not negative"),
        ("full_feed_peers = 5", "full_feed_peers = true", "a whole number"),
        ("partial_share = 0.1", "partial_share = 10", "from 0 to 1"),
        ('layout = "ris"', 'layout = "rris"', "one of ris, route-views"),
        ('name = "rrc97"', 'name = "../rrc97"', "folder"),
        ('fact = "out"', 'fact = "gone"', "no fact is called 'gone'"),
        ("lost_seconds_before = [5, 0]", "lost_seconds_before = [5]", "a list of 2"),
        ("192.88.0.0/23", "192.88.1.0/23", "prefixes"),
        ("origin = 64510", 'origin = "AS64510"', "an AS number"),
        ("table_dump_hours = 2", "table_dump_hours = 2\ncolour = 1", "no such key"),
        ("duskwatch.case/1", "duskwatch.case/2", "expected 'duskwatch.case/1'"),
        ("[window]", "[window", "not TOML"),
    ],
)
def test_a_faulty_case_is_refused_with_the_key_named(small_case, old, new, message):
    text = (small_case / "case.toml").read_text()
    assert old in text
    with pytest.raises(CaseError, match=r"small\.toml") as caught:
        parse_case(text.replace(old, new, 1).encode(), "small.toml")
    assert message in str(caught.value)


def test_a_case_may_not_be_a_huge_file(tmp_path):
    (tmp_path / "case.toml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(CaseError, match="larger than"):
        load_case(tmp_path)
