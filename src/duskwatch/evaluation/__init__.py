"""Detectors run over scenarios and summed up: what `duskwatch evaluate` and benchmarks/quality share."""
