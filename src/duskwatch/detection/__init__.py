"""Series into alarms, and alarms into outages."""

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.detect import detect
from duskwatch.detection.detect_series import detect_series, find_alarms
from duskwatch.detection.incidents import incidents
from duskwatch.detection.registry import DETECTORS, Detector
from duskwatch.detection.series import SeriesDetector
from duskwatch.detection.series_registry import SERIES_DETECTORS

__all__ = [
    "DETECTORS",
    "SERIES_DETECTORS",
    "DetectionConfig",
    "Detector",
    "SeriesDetector",
    "detect",
    "detect_series",
    "find_alarms",
    "incidents",
]
