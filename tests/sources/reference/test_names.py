"""Names and time zones of countries, and what is said to those who write them otherwise."""

import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest

from duskwatch.sources.reference.names import _CAPITAL_ZONE as CAPITAL_ZONE
from duskwatch.sources.reference.names import (
    UnknownCountryError,
    country_code,
    country_name,
    main_time_zone,
    time_zones,
)
from duskwatch.sources.reference.names import _zones as zones


def test_countries_have_names_in_many_languages():
    assert country_name("KP") == "North Korea"
    assert country_name("dj") == "Djibouti"
    assert country_name("KP", "de") == "Nordkorea"
    assert country_name("BR", "pt-BR") == "Brasil"


def test_space_filed_under_the_european_union_or_kosovo_has_a_name():
    assert (country_name("EU"), country_name("XK")) == ("European Union", "Kosovo")


def test_an_unknown_language_is_named():
    for language in ("xx", "", "../../en", "no such"):
        with pytest.raises(ValueError, match="is not a language that country names are known in"):
            country_name("KP", language)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("UK", "'UK' is not a country code; write GB (United Kingdom)"),
        ("prk", "'prk' is not a country code; write KP (North Korea)"),
        ("North Korea", "'North Korea' is not a country code; write KP (North Korea)"),
        ("korea (north)", "write KP (North Korea)"),
        ("Germny", "'Germny' is not a country code; write DE (Germany)"),
        ("korea", "write KP (North Korea) or KR (South Korea)"),
        ("SU", "'SU' is no longer a country; write one of RU (Russia), "),
        ("KX", "'KX' is not a country; write its code of two letters (ISO 3166-1), such as KP"),
        ("ZZ", "'ZZ' is not a country; write"),
        ("", "'' is not a country; write"),
        ("\x1b[1m\n" + "x" * 500, "'?[1m?xxx"),
    ],
)
def test_what_is_no_country_code_gets_a_hint_in_one_line(written, hint):
    with pytest.raises(UnknownCountryError) as caught:
        country_code(written)
    assert hint in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_every_country_has_a_name_and_nearly_all_a_time_zone():
    without = set()
    for code in zones():
        assert country_name(code) != code
        if not main_time_zone(code):
            without.add(code)
    assert without == set()
    assert time_zones("BV") == ()  # Bouvet Island: nobody lives there
    assert main_time_zone("BV") == ""


def test_the_zone_of_the_capital_comes_first():
    assert time_zones("KP") == ("Asia/Pyongyang",)
    assert time_zones("US")[0] == "America/New_York"
    assert main_time_zone("RU") == "Europe/Moscow"
    assert main_time_zone("AU") == "Australia/Sydney"
    assert main_time_zone("UA") == "Europe/Kyiv"


def test_every_country_with_several_zones_has_a_capital_among_them():
    for code, listed in zones().items():
        assert len(listed) == 1 or CAPITAL_ZONE[code] in listed, code
        assert set(time_zones(code)) == set(listed)


def test_every_zone_can_be_used():
    for listed in zones().values():
        for zone in listed:
            zoneinfo.ZoneInfo(zone)


def test_pyongyang_was_nine_hours_ahead_in_2014_and_half_an_hour_less_in_2016():
    zone = zoneinfo.ZoneInfo(main_time_zone("KP"))
    assert datetime(2014, 12, 22, 16, 15, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=9)
    assert datetime(2016, 12, 22, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=8, minutes=30)


def test_importing_the_module_does_not_load_babel():
    code = "import sys, duskwatch.sources.reference.names as n; n.time_zones('KP'); print('babel' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
