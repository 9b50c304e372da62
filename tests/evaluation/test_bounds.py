"""Bounds: what a file of them may say, and when one is broken."""

from pathlib import Path

import pytest

from duskwatch.evaluation.bounds import check, tolerances
from duskwatch.evaluation.scoring import Score


def bounds(folder: Path, text: str):
    path = folder / "bounds.toml"
    path.write_text(text)
    return tolerances(path)


def test_a_bound_holds_at_its_edge_and_breaks_beyond(tmp_path):
    limits = bounds(
        tmp_path,
        """
        [[bound]]
        name = "a"
        over = "total"
        figure = "recall"
        at_least = 0.75
        aim = 0.99
        [[bound]]
        name = "b"
        over = "total"
        figure = "false"
        at_most = 2
        aim = 0
        [[bound]]
        name = "c"
        over = "total"
        figure = "recall"
        at_least = 0.76
        detector = "other"
        """,
    )
    three_of_four = Score(true=4, detected=3, false=2)
    first, second, third = check({"total": {"duskwatch": three_of_four, "other": three_of_four}}, limits)
    assert (first.value, first.holds, first.reached) == (0.75, True, False)
    assert (second.value, second.holds, second.reached) == (2, True, False)
    assert (third.value, third.holds, third.reached) == (0.75, False, None)
    aimed = [check({"total": {"duskwatch": Score(true=100, detected=n)}}, limits)[0].reached for n in (98, 99)]
    assert aimed == [False, True]
    assert check({"total": {"duskwatch": Score(true=1)}}, limits)[1].reached is True  # none false: at the aim
    nothing = check({}, limits[:1])[0]
    assert (nothing.value, nothing.holds, nothing.reached) == (None, None, None)


ROW = '[[bound]]\nname = "x"\nover = "total"\nfigure = "recall"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'bound'"),
        ("[[bound]\n", "bounds.toml"),
        ('bound = "x"', "bounds.toml"),
        ("[[bound]]\nname = 'x'\n", "'over'"),
        (ROW, "needs at_least or at_most"),
        (ROW + "at_least = 1\nat_most = 1\n", "not both"),
        (ROW + "at_least = 1\nat_leats = 1\n", "at_leats"),
        (ROW + 'at_least = "much"\n', "much"),
        (ROW.replace("recall", "recal") + "at_least = 1\n", "no figure is called 'recal'"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, text, says):
    with pytest.raises(ValueError, match=r"bounds\.toml") as told:
        bounds(tmp_path, text)
    assert says in str(told.value)


def test_the_bounds_that_come_along_ask_for_what_must_hold():
    aims = {(bound.over, bound.figure): bound.aim for bound in tolerances()}
    assert aims[("total", "recall")] == 0.99
    assert aims[("partial", "recall")] == 0.95
    assert aims[("quiet", "false_per_month")] == 0.05
    assert aims[("artefact", "false")] == 0
    assert aims[("timing", "onset_within_bin")] == 0.95
    assert aims[("timing", "onset_inside")] == 0.95
    assert aims[("timing", "onset_width_bins_median")] == 1
    assert aims[("labelled", "recall")] == 1
    assert aims[("labelled", "within_two_bins")] == 1
