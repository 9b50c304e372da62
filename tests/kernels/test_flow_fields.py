"""When a flow was: by its start and end, by one of them, by its event, else by its packet; interpreted."""

import numpy as np
import pytest

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_fields import finish

EXPORTED, RECEIVED = 9_000_000, 9_500_000
START, END, EVENT = 5_000_000, 6_000_000, 7_000_000


@pytest.mark.parametrize(
    ("told", "marks", "span", "source"),
    [
        ({"START": START, "END": END}, 0, (START, END), to.TIME_EXPORTED),
        ({"START": START}, 0, (START, START), to.TIME_EXPORTED),
        ({"END": END}, 0, (END, END), to.TIME_EXPORTED),
        ({"START": END, "END": START}, 0, (START, START), to.TIME_EXPORTED),  # clocks that ran apart
        ({"START": START, "DURATION": 250_000}, to.HAS_DURATION, (START, START + 250_000), to.TIME_EXPORTED),
        ({"END": END, "DURATION": 250_000}, to.HAS_DURATION, (END - 250_000, END), to.TIME_EXPORTED),
        ({"END": 100, "DURATION": 250_000}, to.HAS_DURATION, (100, 100), to.TIME_EXPORTED),
        ({"START": START, "END": END, "DURATION": 1}, to.HAS_DURATION, (START, END), to.TIME_EXPORTED),
        ({"EVENT": EVENT}, to.HAS_EVENT, (EVENT, EVENT), to.TIME_EXPORTED),
        ({"START": START, "EVENT": EVENT}, to.HAS_EVENT, (START, START), to.TIME_EXPORTED),
        ({"END": END, "EVENT": EVENT}, to.HAS_EVENT, (END, END), to.TIME_EXPORTED),
        ({"EVENT": EVENT}, 0, (EXPORTED, EXPORTED), to.TIME_ASSUMED),
        ({}, 0, (EXPORTED, EXPORTED), to.TIME_ASSUMED),
    ],
)
def test_times_of_a_flow(told, marks, span, source):
    out = np.zeros((to.COLUMNS, 2), np.uint64)
    for name, value in told.items():
        out[getattr(to, name), 1] = value
    words = np.zeros((1, 16), np.int64)
    longest = getattr(finish, "py_func", finish)(out, 1, 1, marks, 0, EXPORTED, RECEIVED, words, None)
    assert (out[to.START, 1], out[to.END, 1]) == span
    assert out[to.TIME_SOURCE, 1] == source
    assert longest == span[1] - span[0]
    assert out[:, 0].sum() == 0  # the row before is another's
