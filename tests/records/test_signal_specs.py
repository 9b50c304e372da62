"""A spec says what a signal means, and contradicts itself nowhere."""

import dataclasses

import numpy as np
import pytest

from duskwatch.records.signals import VISIBLE_SLASH24, SignalBlock, SignalSpec, undeclared
from duskwatch.signals.registry import SIGNALS

SPEC = {"name": "x", "family": "f", "role": "reach", "unit": "", "sampled": "mean", "less_is_loss": True}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "needs a name"),
        ({"family": ""}, "needs a name and a family"),
        ({"role": "up"}, "no role 'up'; roles are reach, arriving, passive, updates, none"),
        ({"sampled": "end"}, "not 'end'"),
        ({"role": "updates"}, "less of a signal of role 'updates' is no loss"),
        ({"role": "none"}, "less of a signal of role 'none' is no loss"),
        ({"bin_us": -1}, "bins of -1 us"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        SignalSpec(**SPEC | change)


def test_a_signal_may_show_reach_without_that_less_of_it_is_a_loss():
    assert SignalSpec(**SPEC | {"less_is_loss": False}).role == "reach"


def test_what_nobody_declared_is_no_loss():
    assert not undeclared("bgp.visible_slash24").less_is_loss


def test_a_block_names_its_signals():
    block = SignalBlock((VISIBLE_SLASH24, undeclared("y")), 0, 1, np.array([[1.0], [2.0]]), np.ones((2, 1)))
    assert block.names == ("bgp.visible_slash24", "y")
    assert block.series("y").tolist() == [2.0]
    with pytest.raises(KeyError):
        block.series("z")


def test_names_of_the_registry_are_unique_and_specs_are_frozen():
    assert len({spec.name for spec in SIGNALS}) == len(SIGNALS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        SIGNALS[0].role = "none"
