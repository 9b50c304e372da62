import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.reason import NO_REASON, Reason, from_document, in_words, reason, to_document

VALUES = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
LEAVES = st.builds(Reason, st.text(), st.dictionaries(st.text(), VALUES).map(lambda d: tuple(d.items())))
REASONS = st.recursive(
    LEAVES, lambda inner: st.builds(lambda one, parts: Reason(one.code, one.values, tuple(parts)), LEAVES,
                                    st.lists(inner, max_size=3)), max_leaves=6,
)  # fmt: skip


@given(REASONS)
def test_a_reason_comes_back_from_json_as_the_fact_that_it_was(one: Reason) -> None:
    assert from_document(json.loads(json.dumps(to_document(one)))) == one


def test_words_of_a_person_are_a_reason_of_their_own() -> None:
    assert from_document("a cable was cut") == in_words("a cable was cut")
    assert from_document("") == NO_REASON == in_words("")


def test_parts_that_are_none_are_left_out() -> None:
    assert reason("last-lost", None, reason("some-voter-held"), count=1).parts == (Reason("some-voter-held"),)


def test_a_value_is_found_by_its_name_and_what_is_not_there_is_named() -> None:
    assert reason("x", at_us=5).value("at_us") == 5
    with pytest.raises(KeyError, match="from_us"):
        reason("x", at_us=5).value("from_us")


@pytest.mark.parametrize("document", [{}, {"code": "x", "values": {"a": [1]}, "parts": []}, None, 5])
def test_what_is_no_reason_is_refused(document: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_document(document)
