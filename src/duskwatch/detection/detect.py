"""From a history to its outages: run the detectors, fuse their alarms."""

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.detect_series import detect_series
from duskwatch.detection.excursions import finder
from duskwatch.detection.fuse import fuse
from duskwatch.detection.merge import merge
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory


def detect(history: EntityHistory, config: DetectionConfig = DetectionConfig()) -> tuple[Outage, ...]:
    """The outages of one entity in order of onset; the same history gives the same outages.

    None is called where the state was learned from updates and routes were heard for less than ``known_share`` of
    the entity's space. Binned signals of others (``history.series``) are fused with what routes say. The rules, with
    every threshold, are in docs/reference/detection.md.
    """
    own = _routes(history, config)
    if not history.series:
        return own
    binned = detect_series(history.series, config)
    return merge(own, binned, history.level.until_us, config) if own else binned


def _routes(history: EntityHistory, config: DetectionConfig) -> tuple[Outage, ...]:
    if not len(history.level.time_us) or (history.learned and history.known_share < config.known_share):
        return ()
    find = finder(history)
    alarms = [alarm for detector in config.detectors for alarm in detector.detect(history, find)]
    return fuse(history, alarms, config, find) if alarms else ()
