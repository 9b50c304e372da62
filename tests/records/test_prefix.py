"""Prefixes and their texts, against the standard library."""

import ipaddress
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.prefix import Prefix, prefix_texts


def column(rows, k, dtype):
    return np.array([row[k] for row in rows], dtype).reshape(-1)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 2**128 - 1), st.integers(0, 128)), max_size=20))
def test_texts_of_many_prefixes_are_those_of_each(rows):
    own = []
    for afi, value, length in [*rows, (2, 1, 128), (2, 0xFFFF01020304, 128), (2, 0x01020304, 128), (2, 0, 0)]:
        length = min(length, 32) if afi == 1 else length
        value = value >> 96 << 96 if afi == 1 else value
        value &= ~((1 << (128 - length)) - 1)
        own.append(Prefix(afi, value >> 64, value & (1 << 64) - 1, length))
    columns = (column(own, k, dtype) for k, dtype in enumerate((np.uint8, np.uint64, np.uint64, np.uint8)))
    assert prefix_texts(*columns) == [str(prefix) for prefix in own]
    assert [Prefix.parse(str(prefix)) for prefix in own] == own


ODD = ["::/0", "::1/128", "::ffff:1.2.3.4/128", "1.2.3.4", "01.2.3.4/32", "1.2.3.4/032", "1.2.3.4/33"]
SIGNS = st.text("0123456789abcdef:./ -+\u0660", max_size=24)
NEAR = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 40)).map(lambda t: f"{Prefix(1, t[0] << 32, 0, t[1])}")


@given(st.one_of(SIGNS, NEAR, st.sampled_from(ODD)))
def test_what_is_no_prefix_for_the_standard_library_is_none_here(text):
    try:
        expected = Prefix.from_network(ipaddress.ip_network(text.strip(), strict=True))
    except ValueError as error:
        with pytest.raises(ValueError, match=f"^{re.escape(str(error))}$"):
            Prefix.parse(text)
        return
    assert Prefix.parse(text) == expected
