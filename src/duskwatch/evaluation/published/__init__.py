"""Detection rules that others have published, implemented from their descriptions, to be scored beside ours."""

from collections.abc import Callable, Mapping

from duskwatch.evaluation.published.median_rule import median_rule
from duskwatch.evaluation.published.nearest_days import nearest_days
from duskwatch.evaluation.scoring import FoundEvent
from duskwatch.records.signals import SignalBlock

PUBLISHED: Mapping[str, Callable[[SignalBlock], tuple[FoundEvent, ...]]] = {
    "ioda-median": median_rule,
    "nearest-days": nearest_days,
}

__all__ = ["PUBLISHED", "median_rule", "nearest_days"]
