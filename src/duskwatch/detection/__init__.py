"""Signals into alarms, alarms into outages, outages into incidents."""

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.detect import detect, detect_series, enough_known, find_alarms
from duskwatch.detection.detectors import DETECTORS, Detector
from duskwatch.detection.incidents import incidents
from duskwatch.detection.judging import down_at_start, judged_spans

__all__ = [
    "DETECTORS",
    "DetectionConfig",
    "Detector",
    "detect",
    "detect_series",
    "down_at_start",
    "enough_known",
    "find_alarms",
    "incidents",
    "judged_spans",
]
