"""Weighs why: facts into evidence, evidence into hypotheses that stay open or are weak. It never says who."""

from duskwatch.explanation.weigh import explain

__all__ = ["explain"]
