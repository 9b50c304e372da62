import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.text import MAX_NAME, clean_name, size_text

# Char of XML 1.0, section 2.2, without the white space that a name of one line has no use for.
XML = re.compile("[\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]*")


@given(
    st.text(st.characters(), max_size=300) | st.binary(max_size=40).map(lambda b: b.decode("utf-8", "surrogateescape"))
)
def test_a_clean_name_can_be_drawn_stored_and_printed(text: str) -> None:
    name = clean_name(text)
    assert XML.fullmatch(name)
    assert name.isprintable()
    name.encode()  # no half surrogate
    assert len(name) <= MAX_NAME
    assert clean_name(name) == name


def test_what_can_be_printed_stays() -> None:
    for name in ("probing.up", "Élan 東京 ✓", "a-b_c.d/e"):
        assert clean_name(name) == name


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (6_412_000, "6.4 MB"),
        (153_000_000, "153 MB"),
        (2 * 10**15, "2000 TB"),
    ],
)
def test_sizes_are_told_in_powers_of_a_thousand(count, text):
    assert size_text(count) == text
