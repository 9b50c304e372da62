"""From signals to outages: judge each against its baseline, run the detectors, fuse what they say."""

from collections.abc import Sequence

from duskwatch.detection.baselines import seasonal, trailing
from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.fusing.findings import Finding, judged
from duskwatch.detection.fusing.fuse import fuse
from duskwatch.records.outages import Alarm, Outage
from duskwatch.records.signals import EntityHistory, SignalBlock


def detect(history: EntityHistory, config: DetectionConfig = DetectionConfig()) -> tuple[Outage, ...]:
    """The outages of one entity in order of onset; the same history gives the same outages.

    What routes say, to the second, and what binned signals of other sources say (``history.series``) are fused into
    one. The rules, with every threshold, are in docs/reference/detection.md.
    """
    return fuse([*_of_level(history, config), *_of_blocks(history.series, config)], config, history)


def detect_series(
    block: SignalBlock | Sequence[SignalBlock], config: DetectionConfig = DetectionConfig()
) -> tuple[Outage, ...]:
    """The outages of one entity, by binned signals alone; blocks may differ in bins and window.

    Of most values less is worse (networks visible, blocks that answer, sources, bytes); they are NaN where nobody
    watched. Signals of which neither less nor much means anything (latency, loss, live peers) are left out.
    """
    return fuse(_of_blocks((block,) if isinstance(block, SignalBlock) else block, config), config)


def find_alarms(
    block: SignalBlock | Sequence[SignalBlock], config: DetectionConfig = DetectionConfig()
) -> tuple[Alarm, ...]:
    """Every alarm on every binned signal, also of those that make no outage, in order of time."""
    found = _of_blocks((block,) if isinstance(block, SignalBlock) else block, config)
    alarms = [alarm for one in found for alarm in one.alarms]
    return tuple(sorted(alarms, key=lambda alarm: (alarm.from_us, alarm.signal, alarm.detector)))


def enough_known(history: EntityHistory, config: DetectionConfig = DetectionConfig()) -> bool:
    """Whether enough of an entity's space is known to judge it by routes: all, where its state was not learned."""
    return not history.learned or history.known_share >= config.known_share


def _of_level(history: EntityHistory, config: DetectionConfig) -> list[Finding]:
    if not len(history.level.time_us) or not enough_known(history, config):
        return []
    return [Finding(view, config.detectors) for view in trailing.judge(history, config.trailing)]


def _of_blocks(blocks: Sequence[SignalBlock], config: DetectionConfig) -> list[Finding]:
    return [
        Finding(view, config.detectors)
        for block in blocks
        for view in seasonal.judge(block, config.rules, config.seasonal)
        if judged(view.spec)
    ]
