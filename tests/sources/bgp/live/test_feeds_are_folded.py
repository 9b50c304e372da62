"""The fold takes what feeds tell: sessions, routes, lost connections, silences."""

import numpy as np

from duskwatch.records.times import MINUTE, SECOND
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.log import Op
from duskwatch.signals.bgp.state import begin
from duskwatch.sources.bgp.formats.bmp import BmpOptions
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.live.bmp_router import Router, RouterLimits
from duskwatch.sources.bgp.live.messages import FeedMessage, FeedSilence
from tests.sources.bgp.formats.bmp_make import KP, ROUTE, SECONDS, announce, peer_header, peer_up, routes, withdraw

START = SECONDS * SECOND


def header(second: int, number: int = 1) -> bytes:
    return peer_header(f"192.0.2.{number}", 64500 + number, seconds=SECONDS + second, microseconds=0)


def test_a_router_that_is_cut_off_says_nothing_and_loses_nothing():
    """Its peers leave the vote: that they hold no route is not told."""
    router = Router("r1", BmpOptions(clock=ClockRules()), RouterLimits())
    told: list[FeedMessage] = []

    def say(second: int, *messages: bytes) -> None:
        router.take(b"".join(messages), START + second * SECOND, float(second))
        told.extend(router.messages(START + second * SECOND))

    router.connect(START)
    for number in (1, 2):
        say(1, peer_up(header(1, number)), routes(announce(ROUTE, [KP]), header=header(2, number)))
    say(60, routes(withdraw([KP]), header=header(60, 1)))
    router.disconnect(START + 100 * SECOND, "cut")
    told.extend(router.messages(START + 200 * SECOND))
    router.connect(START + 300 * SECOND)
    say(301, peer_up(header(301, 2)), routes(announce(ROUTE, [KP]), header=header(302, 2)))

    state = begin("r1", START, 5 * MINUTE, lambda afi, hi, lo, length: np.ones(len(afi), np.uint8))
    for message in told:
        if hasattr(message, "message"):
            assert message.collector == "r1"
            state, _ = fold(state, message.message, START + 3600 * SECOND)
    rows = [
        (Op(int(log.op[k])), int(log.peer[k]), (int(log.time_us[k]) - START) // SECOND)
        for log in state.log
        for k in range(len(log))
        if log.op[k] != Op.HEARD
    ]
    assert sorted(rows, key=lambda row: (row[2], row[1], row[0])) == [
        (Op.HOLD, 0, 2), (Op.HOLD, 1, 2), (Op.LOSE, 0, 60), (Op.DOWN, 0, 100), (Op.DOWN, 1, 100), (Op.UP, 1, 301),
        (Op.HOLD, 1, 302),
    ]  # fmt: skip
    # The last word was at 60, and TCP was sure of the router for a minute and a half after it.
    silent = [each.message for each in told if isinstance(each, FeedSilence)]
    assert [((each.from_us - START) // SECOND, (each.until_us - START) // SECOND) for each in silent] == [
        (60, 200),
        (200, 300),
    ]
    assert state.silences == silent
