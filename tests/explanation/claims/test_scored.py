"""Precision and recall on texts written by another hand, at least as the documentation promises."""

import pytest

from tests.explanation.claims.scored import DATA, score


@pytest.mark.parametrize("half", ["dev", "held"])
def test_precision_and_recall(half):
    if not (DATA / half).is_dir():
        pytest.skip(f"the labelled texts (tests/data/news/{half}) are not here")
    result = score(half)
    assert result.texts >= 60
    assert result.total.precision >= 0.9, result.wrong
    assert result.total.recall >= 0.8, result.missed
