"""A window that goes on: collectors folded as they tell, rolled together, and its entities judged at any moment.

The fold, the votes and the detection are those of ``analysis.entity``: what is told of a stretch that a feed delivered
is what a replay of the same messages from archives tells of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt

from duskwatch.analysis.entity import report_on, watch_of
from duskwatch.analysis.replay import BIN_US, Replay, Window
from duskwatch.records.countries import CountryRanges
from duskwatch.records.entity import Entity
from duskwatch.records.errors import InputError
from duskwatch.records.messages import InputDone, Message
from duskwatch.records.report import InputFile, Report
from duskwatch.records.times import DAY, HOUR
from duskwatch.signals.bgp.artefacts.faults import find_faults
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.roll import join, roll
from duskwatch.signals.bgp.state import RoutingState, Watch, begin
from duskwatch.signals.bgp.votes import merge_votes

# Windows that were rolled are joined to stretches of about so much: an evaluation joins few, a trim drops whole ones.
STRETCH_US = HOUR
KEEP_US = 3 * DAY  # of what is over, so much is kept and judged again at each evaluation
MOST_US = 35 * DAY  # while an outage lasts its onset is kept, up to here
BEFORE_US = DAY  # and so much of what was before the onset, that the baseline is the same
MOST_COLLECTORS = 1024
MOST_INPUTS = 4096


class TooManyCollectorsError(InputError):
    """A source names more collectors than anybody has."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Which entities are watched together, and what is known of them beforehand.

    A network is watched by itself, since a route to another origin counts as none for it; ``watched_lots`` sees to it.
    """

    entities: tuple[Entity, ...]
    ranges: CountryRanges | None = None  # needed where a country is among them
    bin_us: int = BIN_US
    keep_us: int = KEEP_US

    @property
    def origins(self) -> npt.NDArray[np.uint32] | None:
        """The networks among the entities, as ``signals.bgp.state.begin`` takes them."""
        asns = sorted({entity.asn for entity in self.entities if entity.type == "asn"})
        return np.array(asns, np.uint32) if asns else None

    def watch(self) -> Watch:
        """Which prefixes are theirs."""
        return watch_of(list(self.entities), self.ranges)


@dataclass
class Collector:
    """One collector: its state, and the windows that were rolled, each following the one before. Picklable."""

    state: RoutingState
    parts: list[CollectorPart] = field(default_factory=list)
    inputs: list[InputFile] = field(default_factory=list)


@dataclass
class Rolling:
    """All collectors since ``from_us``; what is told of times before ``rolled_us`` does not change. Picklable.

    changes  rows of the log so far: what watched prefixes and sessions did
    messages, elems  what was folded
    """

    watched: Watched
    from_us: int
    rolled_us: int
    collectors: dict[str, Collector] = field(default_factory=dict)
    changes: int = 0
    changed_us: int = 0  # event time of the latest of them
    messages: int = 0
    elems: int = 0


def watched_lots(
    entities: Iterable[Entity], ranges: CountryRanges | None, bin_us: int = BIN_US, keep_us: int = KEEP_US
) -> tuple[Watched, ...]:
    """The entities in lots: countries and prefixes together, each network by itself."""
    unique = list(dict.fromkeys(entities))
    together = tuple(entity for entity in unique if entity.type != "asn")
    lots = [together] if together else []
    lots += [(entity,) for entity in unique if entity.type == "asn"]
    return tuple(Watched(lot, ranges, bin_us, keep_us) for lot in lots)


def begin_rolling(watched: Watched, from_us: int) -> Rolling:
    """Nothing was told yet; the window begins at ``from_us``, which should be a whole bin."""
    return Rolling(watched, from_us, from_us)


def take(rolling: Rolling, collector: str, message: Message, horizon_us: int) -> None:
    """Fold one message of one collector; one that is not known yet is there from the window's beginning on.

    horizon_us  elems at or after it are counted and left out: the clock and some minutes, or the end of a replay
    TooManyCollectorsError where there would be more than MOST_COLLECTORS.
    """
    collector_state = rolling.collectors.get(collector)
    if collector_state is None:
        if len(rolling.collectors) >= MOST_COLLECTORS:
            raise TooManyCollectorsError(f"more than {MOST_COLLECTORS} collectors; '{collector[:60]}' is not taken")
        watched = rolling.watched
        state = begin(collector, rolling.from_us, watched.bin_us, watched.watch(), watched.origins)
        collector_state = rolling.collectors[collector] = Collector(state)
        if rolling.from_us < rolling.rolled_us:
            part, collector_state.state = roll(state, rolling.rolled_us)
            collector_state.parts.append(part)
    if isinstance(message, InputDone):
        collector_state.inputs.append(message.input)
        del collector_state.inputs[:-MOST_INPUTS]
    collector_state.state, log = fold(collector_state.state, message, horizon_us)
    rolling.messages += 1
    times = getattr(message, "time_us", None)
    if isinstance(times, np.ndarray):
        rolling.elems += len(times)
    if len(log):
        rolling.changes += len(log)
        rolling.changed_us = max(rolling.changed_us, int(log.time_us.max()))


def ready_us(rolling: Rolling, at_us: int) -> int:
    """The latest moment up to ``at_us`` at which all can be rolled: a table dump that is being read has no half."""
    dumps = [one.state.dump_us for one in rolling.collectors.values() if one.state.dump_us >= 0]
    return min([at_us, *dumps])


def roll_to(rolling: Rolling, at_us: int) -> None:
    """End the window of every collector at one moment and begin the next; nothing where no time has passed."""
    at_us = ready_us(rolling, at_us)
    if at_us <= rolling.rolled_us:
        return
    for collector in rolling.collectors.values():
        part, collector.state = roll(collector.state, at_us)
        collector.parts.append(part)
        _compact(collector, rolling.from_us)
    rolling.rolled_us = at_us


def trim(rolling: Rolling, onset_us: int | None) -> None:
    """Forget what is older than ``keep_us``, but for what an outage that lasts since ``onset_us`` is judged by."""
    wanted = rolling.rolled_us - rolling.watched.keep_us
    if onset_us is not None:
        wanted = max(min(wanted, onset_us - BEFORE_US), rolling.rolled_us - MOST_US)
    step = max(STRETCH_US, rolling.watched.bin_us)
    cut = rolling.from_us + max(0, wanted - rolling.from_us) // step * step
    if cut <= rolling.from_us:
        return
    edges = [{part.from_us for part in one.parts} for one in rolling.collectors.values()]
    common = {edge for edge in set.intersection(*edges) if edge <= cut} if edges else {cut}
    at = max(common, default=rolling.from_us)
    if at <= rolling.from_us:
        return
    for collector in rolling.collectors.values():
        collector.parts = [part for part in collector.parts if part.from_us >= at]
        collector.inputs = [one for one in collector.inputs if one.until_us is None or one.until_us >= at]
    rolling.from_us = at


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was rolled, at one moment: it does not change while the collectors go on. Picklable."""

    watched: Watched
    window: Window
    parts: tuple[tuple[CollectorPart, ...], ...]
    inputs: tuple[InputFile, ...]


def snapshot(rolling: Rolling) -> Snapshot | None:
    """All that was rolled so far; None where there is nothing yet."""
    if rolling.rolled_us <= rolling.from_us or not rolling.collectors:
        return None
    ordered = [rolling.collectors[name] for name in sorted(rolling.collectors)]
    return Snapshot(
        rolling.watched,
        Window(rolling.from_us, rolling.rolled_us, rolling.watched.bin_us),
        tuple(tuple(one.parts) for one in ordered),
        tuple(file for one in ordered for file in one.inputs),
    )


def reports(taken: Snapshot) -> tuple[Report, ...]:
    """The report on each entity, as ``analyze`` makes it of the same window."""
    parts = tuple(join(of_collector) for of_collector in taken.parts)
    replay = Replay(taken.window, parts, taken.inputs, ())
    votes = merge_votes(list(parts), taken.window.from_us, taken.window.until_us)
    faults = find_faults(replay.parts, replay.heard, replay.inputs, votes)
    return tuple(
        report_on(entity, replay, votes, taken.watched.ranges, faults=faults) for entity in taken.watched.entities
    )


def _compact(collector: Collector, from_us: int) -> None:
    """Join the windows of each stretch that is over into one."""
    if len(collector.parts) < 3:
        return
    newest = (collector.parts[-1].from_us - from_us) // STRETCH_US
    if (collector.parts[-2].from_us - from_us) // STRETCH_US == newest:
        return
    out: list[CollectorPart] = []
    by_stretch = groupby(collector.parts, key=lambda part: (part.from_us - from_us) // STRETCH_US)
    for stretch, of_stretch in by_stretch:
        parts = list(of_stretch)
        out += [join(parts)] if stretch != newest else parts
    collector.parts = out
