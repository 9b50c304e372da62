"""Facts into weighed hypotheses that stay open or are weak, never who; statements into checked claims (``claims``)."""

from duskwatch.explanation.weigh import explain

__all__ = ["explain"]
