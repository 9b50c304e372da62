"""Wires series measured by others: files into blocks, detection, and a report of them alone or beside routes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from duskwatch.analysis.beside import with_signals
from duskwatch.analysis.causes import explained
from duskwatch.analysis.lead import numbered_anew, of_window
from duskwatch.detection import detect, judged_spans
from duskwatch.records.entity import Entity
from duskwatch.records.judged import inside
from duskwatch.records.report import Report
from duskwatch.records.series import clipped, grid_of, span_of
from duskwatch.records.signals import ChangeLog, EntityHistory, Gap, Level
from duskwatch.records.times import iso
from duskwatch.signals.registry import SIGNALS
from duskwatch.sources.reference.names import country_name, main_time_zone
from duskwatch.sources.tables import SeriesData, SeriesError, SeriesOptions, read_series

NOT_MEASURED = (
    "anything by duskwatch itself: the signals were measured by others, and what they leave out is not known here",
    "which routes were lost, and through whom the entity was reached: no routing archive was read",
    "whether any attack took place",
)
LONGEST_GAPS = 200  # gaps reported of each signal
OWN = {spec.name: spec for spec in SIGNALS}  # what duskwatch wrote out is read back as what it was


def analyze_series(
    entity: Entity,
    paths: Sequence[Path],
    from_us: int | None = None,
    until_us: int | None = None,
    options: SeriesOptions = SeriesOptions(),
) -> Report:
    """The report on one entity from series alone; the window is that of the data where it is not given.

    All of the data go into the baselines, also what comes before the window; outages of the window are reported. Raises
    SeriesError, or ValueError, in one line; OSError where a file cannot be read.
    """
    entity = _named(entity)
    data = read_series(paths, entity, options, OWN)
    first, last = span_of(data.blocks)
    start, stop = first if from_us is None else from_us, last if until_us is None else until_us
    blocks = tuple(block for block in (clipped(block, start, stop) for block in data.blocks) if block.values.shape[1])
    if stop <= first or start >= last or not blocks:
        missed = f"from {iso(start)} on" if stop <= start else f"between {iso(start)} and {iso(stop)}"
        raise SeriesError(f"no data {missed}; the data span {_span(first, last)}")
    whole = EntityHistory(
        _empty_level(np.empty(0, np.int64), stop),
        _no_changes(),
        data.blocks[0],
        series=tuple(clipped(block, block.start_us, stop) for block in data.blocks),
    )
    outages = detect(whole)
    in_window = numbered_anew(outages, of_window(outages, start))
    history = EntityHistory(
        _empty_level(grid_of(blocks, start, stop), stop),
        _no_changes(),
        blocks[0],
        gaps=_gaps(data, start, stop),
        series=blocks,
    )
    report = Report(
        entity,
        start,
        stop,
        history,
        in_window,
        data.inputs,
        (),
        time_zone=main_time_zone(entity.code) if entity.type == "country" else "",
        warnings=data.notes,
        not_measured=NOT_MEASURED,
        judged=inside(judged_spans(whole), start, stop),
    )
    return explained(report)


def with_series(report: Report, paths: Sequence[Path], options: SeriesOptions = SeriesOptions()) -> Report:
    """A report from archives, with series measured by others fused into its outages."""
    data = read_series(paths, _named(report.entity), options, OWN)
    if not any(clipped(block, report.from_us, report.until_us).values.shape[1] for block in data.blocks):
        raise SeriesError(
            f"the series have no data between {_span(report.from_us, report.until_us)}; they span "
            f"{_span(*span_of(data.blocks))}"
        )
    gaps = _gaps(data, report.from_us, report.until_us)
    return with_signals(report, data.blocks, gaps=gaps, inputs=data.inputs, notes=data.notes)


def _named(entity: Entity) -> Entity:
    return replace(entity, name=country_name(entity.code)) if entity.type == "country" and not entity.name else entity


def _span(from_us: int, until_us: int) -> str:
    return f"{iso(from_us)} to {iso(until_us)}"


def _gaps(data: SeriesData, from_us: int, until_us: int) -> tuple[Gap, ...]:
    """Stretches of at least two bins in which a signal has no value, the longest of each signal; the window's before
    its first value and after its last one too."""
    gaps: list[Gap] = []
    for block in data.blocks:
        stop_us = block.start_us + block.bin_us * block.values.shape[1]
        before, after = (max(0, lacking // block.bin_us) for lacking in (block.start_us - from_us, until_us - stop_us))
        start_us = block.start_us - before * block.bin_us
        for row, name in enumerate(block.names):
            missing = np.pad(np.isnan(block.values[row]), (before, after), constant_values=True)
            edge = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
            mine = [
                Gap(name, start_us + int(a) * block.bin_us, start_us + int(b) * block.bin_us, "no value")
                for a, b in edge.reshape(-1, 2)
                if b - a > 1
            ]
            mine = [gap for gap in mine if gap.until_us > from_us and gap.from_us < until_us]
            gaps += sorted(mine, key=lambda gap: gap.from_us - gap.until_us)[:LONGEST_GAPS]
    return tuple(sorted(gaps, key=lambda gap: (gap.from_us, gap.source)))


def _empty_level(times_us: np.ndarray, until_us: int) -> Level:
    """A level that nobody watched: no routing archive was read."""
    unknown = np.full(len(times_us), np.nan)
    return Level(
        until_us, times_us, unknown, unknown, unknown, unknown, unknown, unknown, np.zeros(len(times_us), np.uint8)
    )


def _no_changes() -> ChangeLog:
    i64, i32 = np.empty(0, np.int64), np.empty(0, np.int32)
    u32, u8 = np.empty(0, np.uint32), np.empty(0, np.uint8)
    return ChangeLog((), i64, i32, u8, i32, i32, u32, u32, u8)
