"""Whether a burst of departures is the platform's own doing: its controllers, or its clock.

A cut takes probes away by where they are. The platform takes them away by the controller that they are connected to.
"""

from dataclasses import dataclass

import numpy as np

from duskwatch.records.probes import BOOL, I32, I64, U32
from duskwatch.records.times import MINUTE

SHORT_US = 20 * MINUTE  # probes that lose only their controller find another one within that time
SHORT_SHARE = 0.75
ROUND_US = 10 * MINUTE  # controllers that are restarted in turn take at least that long
LEAST_CONTROLLERS = 4
ORDER_CHANCE = 1e-3
SHUFFLES = 20_000  # fewer, not below a fifth, where a burst has many departures
MOST_SHUFFLED = 5000  # departures that are looked at
NEAR_US = 2 * MINUTE
FALL_SHARE = 0.5  # of a controller's other probes
FALL_PROBES = 5
FALL_NETWORKS = 3
OTHERS = 10  # departures of other networks in the same stretch, from which a surge of the platform is possible
OTHERS_NETWORKS = 5
SURGE = 4.0  # times what is usual


@dataclass(frozen=True, slots=True)
class Leaving:
    """Departures of a burst, [N]; of all others within NEAR_US of it, [M]; and in the very stretch, [K]."""

    time_us: I64
    probe: I64
    controller: I32
    back_us: I64
    other_time_us: I64
    other_controller: I32
    other_probe: I64
    other_asn: U32
    meanwhile_asn: U32
    usual: float  # departures of others that so long a stretch, or a minute, holds on average


def by_turns(leaving: Leaving) -> str:
    """A sentence where controller after controller let its probes go; empty where not.

    The probes of one controller leave one after the other, before those of the next. How probable so few changes of
    controller are is measured by shuffling the controllers of the same departures.
    """
    known = leaving.controller >= 0
    controllers = leaving.controller[known][:MOST_SHUFFLED]
    times = leaving.time_us[known]
    names = np.unique(controllers)
    if len(names) < LEAST_CONTROLLERS or known.mean() < SHORT_SHARE:
        return ""
    if times[-1] - times[0] < ROUND_US or _short_share(leaving) < SHORT_SHARE:
        return ""
    changes = int((np.diff(controllers) != 0).sum())
    if changes_chance(controllers, changes) >= ORDER_CHANCE:
        return ""
    return (
        f"{len(names)} controllers of the platform let their probes go one after the other, and most were back within "
        f"{SHORT_US // MINUTE} min"
    )


def changes_chance(controllers: I32, changes: int) -> float:
    """Share of random orders of the same controllers that change as seldom as ``changes`` times, 0 to 1."""
    random = np.random.default_rng(len(controllers))
    shuffles = max(SHUFFLES // 5, min(SHUFFLES, SHUFFLES * 500 // len(controllers)))
    shuffled = random.permuted(np.tile(controllers, (shuffles, 1)), axis=1)
    return float(((np.diff(shuffled, axis=1) != 0).sum(axis=1) <= changes).mean())


def _short_share(leaving: Leaving) -> float:
    return float((leaving.back_us - leaving.time_us <= SHORT_US).mean())


def by_fall(leaving: Leaving, here: I64, elsewhere: I64) -> str:
    """A sentence where controllers lost their probes of every network; empty where not.

    here        for each controller, connected probes of the entity just before
    elsewhere   for each controller, connected probes of others just before
    """
    fallen, networks = [], 0
    for number in np.unique(leaving.controller[leaving.controller >= 0]).tolist():
        times = leaving.time_us[leaving.controller == number]
        mates = (leaving.other_controller == number) & (leaving.other_time_us >= times[0] - NEAR_US)
        mates &= leaving.other_time_us <= times[-1] + NEAR_US
        gone = len(np.unique(leaving.other_probe[mates]))
        lost = len(np.unique(leaving.other_asn[mates]))
        soon = times[-1] - times[0] <= ROUND_US
        if soon and lost >= FALL_NETWORKS and gone >= max(FALL_PROBES, FALL_SHARE * elsewhere[number]):
            fallen.append(number)
            networks = max(networks, lost)
    explained = np.isin(leaving.controller, fallen)
    if explained.mean() < SHORT_SHARE:
        return ""
    rest = len(np.unique(leaving.probe[~explained]))
    if rest > 0.25 * (int(here.sum()) - int(here[fallen].sum())):
        return ""
    who = "one controller" if len(fallen) == 1 else f"{len(fallen)} controllers"
    return f"{who} lost the probes of {networks} other networks too, at the same time"


def by_surge(leaving: Leaving) -> str:
    """A sentence where probes of many other networks left in the same stretch; empty where not."""
    others = len(leaving.meanwhile_asn)
    networks = len(np.unique(leaving.meanwhile_asn[leaving.meanwhile_asn > 0]))
    if others < max(OTHERS, SURGE * leaving.usual) or networks < OTHERS_NETWORKS or others < len(leaving.time_us):
        return ""
    return f"{others} departures from {networks} other networks in the same stretch, {leaving.usual:.1f} are usual"


def keeps_a_beat(gone: I64, begin_us: int, all_times_us: I64, all_probes: I64) -> BOOL:
    """Which of the probes that are ``gone`` left about the same minute of at least two other hours too.

    begin_us   first departure of the burst; ``all_*`` are the departures of the whole log
    """
    hour = 60 * MINUTE
    same_minute = (all_times_us - begin_us + NEAR_US // 2) % hour < NEAR_US
    other_hour = np.abs(all_times_us - begin_us) > hour // 2
    numbers, counts = np.unique(all_probes[same_minute & other_hour], return_counts=True)
    return np.isin(gone, numbers[counts >= 2])
