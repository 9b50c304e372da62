"""From checks to states: what changes one, what is unstable, what a country's networks say together."""

import pytest

from duskwatch.records.sites import CheckState, SiteCheck
from duskwatch.signals.sites.states import site_places, site_views
from duskwatch.sources.sites.ooni import read_ooni

WORDS: dict[str, CheckState] = {"+": "reachable", "-": "blocked", "d": "down", "?": "unclear"}


def checks(row: str, asn: int = 64500, country: str = "IN") -> list[SiteCheck]:
    made = []
    for at, sign in enumerate(row, 1):
        step, fault = ("", "") if sign == "+" else ("tcp", "timeout")
        made.append(SiteCheck("a.example", "", 60 * at, country, asn, WORDS[sign], step, fault, ""))
    return made


@pytest.mark.parametrize(
    ("row", "state", "since", "after"),
    [
        ("+", "reachable", 1, None),
        ("-", "blocked", 1, None),
        ("++-", "reachable", 1, None),  # one failure is no change
        ("++--", "blocked", 3, 2),
        ("++--+", "blocked", 3, 2),  # one success is no return
        ("++--++", "reachable", 5, 4),
        ("++-?-", "blocked", 3, 2),  # a check that says nothing breaks no row
        ("--dd", "blocked", 1, None),
        ("-ddd", "down", 1, None),
        ("+-+-+-+-", "unstable", 1, None),
        ("??", "unclear", 1, None),
    ],
)
def test_a_state_changes_where_two_checks_in_a_row_say_so(row, state, since, after):
    (view,) = site_views(checks(row))
    assert view.state == state
    assert view.since_us == 60 * since
    assert view.after_us == (None if after is None else 60 * after)


def test_a_flapping_site_is_one_unstable_site():
    (view,) = site_views(checks("++" + "+-" * 40))
    assert view.state == "unstable"
    assert view.changes <= 1
    assert view.failed == 40


def test_order_in_the_files_does_not_matter():
    made = checks("+++--+++---")
    assert site_views(made) == site_views(reversed(made))


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        (["+", "+", "+"], "reachable"),
        (["+", "+", "+", "-"], "mixed"),
        (["+", "-", "-"], "blocked"),
        (["+", "d", "d"], "down"),
        (["?", "?"], "unclear"),
        (["+-+-+-+-", "+-+-+-+-", "+"], "unstable"),
    ],
)
def test_a_country_is_what_most_of_its_networks_see(rows, state):
    made = [check for asn, row in enumerate(rows, 64500) for check in checks(row, asn)]
    (place,) = site_places(site_views(made))
    assert place.state == state
    assert place.networks == sum("?" not in row for row in rows)


def test_telegram_in_india_is_blocked_in_most_networks_since_the_sixteenth(shared_data):
    name = "ooni_measurements_india_telegram_raw.json"
    (place,) = site_places(site_views(read_ooni([shared_data / "ooni" / "telegram-india-2026" / name]).checks))
    assert (place.site, place.country, place.state, place.step) == ("telegram", "IN", "blocked", "tcp")
    assert (place.networks, place.down) == (47, 0)
    assert place.blocked > 35
    assert 1781586000_000000 <= place.since_us < 1781654400_000000  # 16 June 2026, 05:00 to midnight
