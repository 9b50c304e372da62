"""Binned signals into outages, wherever they come from."""

from collections.abc import Sequence

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.series import alarms_of, views_of
from duskwatch.detection.series_fuse import Heard, fuse_series, judged
from duskwatch.records.outages import Alarm, Outage
from duskwatch.records.signals import SignalBlock


def detect_series(
    block: SignalBlock | Sequence[SignalBlock], config: DetectionConfig = DetectionConfig()
) -> tuple[Outage, ...]:
    """The outages of one entity, told by binned signals; blocks may differ in bins and window.

    Values are amounts of which less is worse (networks visible, blocks that answer, sources, bytes), NaN where nobody
    watched. Signals of which neither less nor much means anything (latency, loss, live peers) are left out. The rules,
    with every threshold, are in docs/reference/detection.md.
    """
    return fuse_series(_heard(block, config), config)


def find_alarms(
    block: SignalBlock | Sequence[SignalBlock], config: DetectionConfig = DetectionConfig()
) -> tuple[Alarm, ...]:
    """Every alarm on every signal, also of those that make no outage, in order of time."""
    alarms = [alarm for one in _heard(block, config) for alarm in one.alarms]
    return tuple(sorted(alarms, key=lambda alarm: (alarm.from_us, alarm.signal, alarm.detector)))


def _heard(block: SignalBlock | Sequence[SignalBlock], config: DetectionConfig) -> list[Heard]:
    blocks = (block,) if isinstance(block, SignalBlock) else tuple(block)
    out = []
    for one in blocks:
        for view in views_of(one, config.series_detectors, config.series_baseline):
            if judged(view.spec):
                out.append(Heard(view, tuple(alarms_of(view, config.series_detectors))))
    return out
