"""Countries by name, and what is said to near misses."""

import pytest

from duskwatch.cli.entities import entity_named
from duskwatch.records.errors import InputError


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("KP", "KP"), ("kp", "KP"), ("North Korea", "KP"), ("  north korea ", "KP"), ("Korea (North)", "KP"),
        ("South Korea", "KR"), ("Djibouti", "DJ"), ("The Gambia", "GM"), ("Gambia", "GM"), ("Burma", "MM"),
        ("cote d'ivoire", "CI"), ("Ivory Coast", "CI"), ("Viet Nam", "VN"), ("Guinea", "GN"), ("Georgia", "GE"),
        ("Netherlands Antilles", "AN"), ("Kosovo", "XK"), ("AS30990", "AS30990"), ("as30990", "AS30990"),
        ("175.45.176.0/22", "175.45.176.0/22"),
    ],
)  # fmt: skip
def test_a_country_may_be_named(text, code):
    assert entity_named(text).code == code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30990", "did you mean AS30990?"),
        ("AS 30990", "did you mean AS30990?"),
        ("ASN30990", "did you mean AS30990?"),
        ("196.201.192.1", "did you mean 196.201.192.0/24?"),
        ("2001:db8::1", "did you mean 2001:db8::/48?"),
        ("Djibuti", "did you mean DJ (Djibouti)?"),
        ("Nort Korea", "KP (North Korea)"),
        ("Korea", "did you mean KP (North Korea) or KR (South Korea)?"),
        ("Congo", "CD (Congo - Kinshasa) or CG (Congo - Brazzaville)"),
        ("PRK", "write KP (North Korea)"),
        ("", "write a country (KP), an AS number (AS131279) or a prefix (175.45.176.0/22)"),
        ("0", "write a country (KP)"),
        ("99999999999", "write a country (KP)"),
    ],
)
def test_a_near_miss_is_told_what_was_meant(text, said):
    with pytest.raises(InputError) as raised:
        entity_named(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
