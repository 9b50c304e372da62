"""Further signals beside a report: what of them is told."""

import numpy as np

from duskwatch.analysis.beside import with_signals
from duskwatch.records.entity import Entity
from duskwatch.records.report import Report
from duskwatch.records.signals import SignalBlock, SignalSpec
from duskwatch.records.times import HOUR, MINUTE
from tests.publication.build import history

UP = SignalSpec("probing.up", "probing", "reach", "hosts", "mean", less_is_loss=True)


def test_a_relapse_of_an_outage_before_the_window_is_a_relapse_of_none_in_it() -> None:
    values = np.random.default_rng(1).normal(1000, 5, 480 * 6)
    for first, after in ((240, 245), (257, 260), (270, 272)):
        values[first * 6 : after * 6] = 0
    measured = SignalBlock((UP,), 0, 10 * MINUTE, values[np.newaxis], np.ones((1, len(values))))
    relapses = [
        [
            outage.relapse_of
            for outage in with_signals(
                Report(Entity("country", "KP"), start, 480 * HOUR, history(start, 480 * HOUR, [], []), (), (), ()),
                [measured],
            ).outages
        ]
        for start in (0, 256 * HOUR)
    ]
    assert relapses == [[None, 0, 0], [None, None]]
