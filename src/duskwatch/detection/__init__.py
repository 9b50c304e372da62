"""Series into alarms, and alarms into outages."""

from duskwatch.detection.config import DetectionConfig
from duskwatch.detection.detect import detect
from duskwatch.detection.registry import DETECTORS, Detector

__all__ = ["DETECTORS", "DetectionConfig", "Detector", "detect"]
