"""Real series around real shutdowns, and losses laid over the real quiet before them.

The files are not part of the project: they are read from a folder that the user names. Truth is what the publisher of
each file labels, or what the story of the file says; nobody measured it to the second.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from duskwatch.evaluation.scenarios.dice import Dice, dice_of
from duskwatch.evaluation.scenarios.inject import Series, inject
from duskwatch.evaluation.scenarios.scenario import Entry, Group, Scenario
from duskwatch.evaluation.scenarios.shapes import SHAPES, Shape, step
from duskwatch.evaluation.scenarios.specs import BY_NAME
from duskwatch.evaluation.scenarios.synthetic import HISTORY_DAYS
from duskwatch.evaluation.scoring import Bounds, TrueEvent
from duskwatch.records.errors import InputError
from duskwatch.records.signals import F64, SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time

IRAQ = "series/ioda-iraq-2023/ioda_country_IQ_iraq.csv"
IRAN = "series/ioda-iran-2026/ioda-iran-2026-01-normalized.csv"
LARGEST_BYTES = 64 << 20

IRAN_QUIET_UNTIL = parse_time("2026-01-08T00:00Z")
IRAN_EVENT = TrueEvent(
    # The bin from 16:30 is the first low one, a mean of both; by 17:00 nearly nothing answered.
    Bounds(parse_time("2026-01-08T16:30Z"), parse_time("2026-01-08T17:00Z")),
    # "Back on the 27th": probing climbs from 00:00 of that day on, until noon of the next.
    Bounds(parse_time("2026-01-27T00:00Z"), parse_time("2026-01-28T00:00Z")),
    "shutdown of January 2026",
)


class Columns(NamedTuple):
    """A file of series: bins and what was measured in each."""

    start_us: int
    bin_us: int
    values: Mapping[str, F64]  # [bins] by signal; NaN where the file has none
    label: F64 | None  # [bins] 1 in bins that the publisher calls an outage


class Source(NamedTuple):
    """How a file is to be read."""

    file: str
    bin_us: int
    time: str  # name of its column of times
    signals: Mapping[str, str]  # our name to its column
    label: str = ""


IRAQ_2023 = Source(
    IRAQ,
    5 * MINUTE,
    "timestamp",
    {"bgp.visible_slash24": "bgp", "probing.slash24_up": "ping-slash24", "telescope.sources": "merit-nt"},
    "LABEL",
)
IRAN_2026 = Source(
    IRAN,
    30 * MINUTE,
    "Time (UTC)",
    {
        "bgp.visible_slash24": "BGP (#Visible /24s)",
        "probing.slash24_up": "Active Probing (#/24s Up)",
        "telescope.sources": "Telescope (# Unique Source IPs)",
        "google.traffic": "Google (Search)",
    },
)
SHORT = {"bgp": "bgp.visible_slash24", "probing": "probing.slash24_up", "telescope": "telescope.sources"}


def read(folder: Path, source: Source) -> Columns:
    """Read a file of series. ValueError, naming the file, where it is not what it is said to be."""
    path = folder / source.file
    if path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"{path}: larger than {LARGEST_BYTES >> 20} MB; this is not the file of series expected here")
    return _read(path, source.file)


@lru_cache(maxsize=4)
def _read(path: Path, file: str) -> Columns:
    source = {IRAQ: IRAQ_2023, IRAN: IRAN_2026}[file]
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        wanted = [source.time, *source.signals.values(), *([source.label] if source.label else [])]
        absent = [name for name in wanted if name not in (rows.fieldnames or ())]
        if absent:
            raise InputError(f"{path}: no column {absent[0]!r}")
        try:
            table = [(parse_time(row[source.time]), row) for row in rows]
            if not table:
                raise InputError("no rows")
            start_us = table[0][0]
            bins = 1 + (table[-1][0] - start_us) // source.bin_us
            if not 0 < bins <= 1_000_000:
                raise InputError("times do not ascend in bins")
            columns = {name: np.full(bins, np.nan) for name in wanted[1:]}
            for time_us, row in table:
                at, rest = divmod(time_us - start_us, source.bin_us)
                if rest or not 0 <= at < bins:
                    raise InputError(f"a time outside of the bins: {row[source.time]}")
                for name, values in columns.items():
                    values[at] = float(row[name]) if row[name] else np.nan
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: {error}") from None
    signals = {ours: columns[theirs] for ours, theirs in source.signals.items()}
    return Columns(start_us, source.bin_us, signals, columns.get(source.label))


def labelled_events(columns: Columns) -> tuple[TrueEvent, ...]:
    """True events of the label column: from the first bin of a run of ones to the first bin after it."""
    if columns.label is None:
        return ()
    edge = np.flatnonzero(np.diff(np.concatenate([[0], np.nan_to_num(columns.label), [0]])))
    starts, ends = edge[::2].tolist(), edge[1::2].tolist()
    at = [[columns.start_us + columns.bin_us * bin_ for bin_ in side] for side in (starts, ends)]
    return tuple(
        TrueEvent(Bounds(a, a), Bounds(b, b), f"label {k + 1}") for k, (a, b) in enumerate(zip(*at, strict=True))
    )


def entries() -> Iterator[Entry]:
    """Labelled series as they are, a quiet month of each signal, and losses laid over it."""
    for short in (*SHORT, "all"):
        name = f"recorded/iraq-2023-{short}-01"
        yield Entry(name, "iraq-2023", partial(_iraq, name, short), IRAQ)
    for short in (*SHORT, "traffic", "all"):
        name = f"recorded/iran-2026-{short}-01"
        yield Entry(name, "iran-2026", partial(_iran, name, short), IRAN)
    for short in SHORT:
        name = f"recorded/quiet-iran-2025-{short}-01"
        yield Entry(name, "quiet", partial(_iran_quiet, name, short), IRAN)
        for label in LAID:
            for number in range(1, 4):
                name = f"recorded/{label}-iran-2025-{short}-{number:02d}"
                shape_name = label.split("-")[0] if label in STEPS else label
                yield Entry(name, shape_name, partial(_iran_laid, name, shape_name, short, label), IRAN)


STEPS: dict[str, tuple[float, int]] = {
    "total-1bin": (1.0, 30 * MINUTE),
    "total-4h": (1.0, 4 * HOUR),
    "partial-20-2h": (0.2, 2 * HOUR),
    "partial-35-2h": (0.35, 2 * HOUR),
    "partial-50-12h": (0.5, 12 * HOUR),
}
LAID = (*STEPS, "slow-return", "gap-inside")


def _laid_shape(label: str, dice: Dice, bin_us: int) -> Shape:
    return step(*STEPS[label]) if label in STEPS else SHAPES[label](dice, bin_us)


def _signals(short: str, columns: Columns) -> tuple[str, ...]:
    if short == "all":
        return tuple(columns.values)
    return (SHORT.get(short, "google.traffic"),)


def _block(columns: Columns, names: tuple[str, ...]) -> SignalBlock:
    values = np.stack([columns.values[name] for name in names])
    return SignalBlock(
        tuple(BY_NAME[name] for name in names),
        columns.start_us,
        columns.bin_us,
        values,
        np.where(np.isnan(values), 0.0, 1.0),
    )


def _iraq(name: str, short: str, data: Path | None) -> Scenario:
    """Of its telescope a handful of sources is left in each bin, and blocks answer again only by and by."""
    columns = read(_need(data), IRAQ_2023)
    groups: frozenset[Group] = frozenset({"labelled"} if short in ("bgp", "all") else {"faint"})
    return Scenario(
        name, "iraq-2023", _block(columns, _signals(short, columns)), labelled_events(columns), groups, "iraq"
    )


def _iran(name: str, short: str, data: Path | None) -> Scenario:
    """Of a country that hides behind its routes, routes show little: that series is scored, but counts in no bound."""
    columns = read(_need(data), IRAN_2026)
    groups: frozenset[Group] = frozenset({"labelled"} if short in ("probing", "all") else {"faint"})
    return Scenario(name, "iran-2026", _block(columns, _signals(short, columns)), (IRAN_EVENT,), groups, "iran")


def _quiet_part(data: Path | None, short: str) -> Series:
    columns = read(_need(data), IRAN_2026)
    bins = (IRAN_QUIET_UNTIL - columns.start_us) // columns.bin_us
    signal = SHORT[short]
    return Series(
        BY_NAME[signal], columns.start_us, columns.bin_us, columns.values[signal][:bins], "mean", counts=False
    )


def _iran_quiet(name: str, short: str, data: Path | None) -> Scenario:
    columns = _quiet_part(data, short)
    block = SignalBlock(
        (columns.spec,),
        columns.start_us,
        columns.bin_us,
        columns.values[None, :],
        np.where(np.isnan(columns.values), 0.0, 1.0)[None, :],
    )
    return Scenario(name, "quiet", block, (), frozenset({"quiet"}), "iran")


def _iran_laid(name: str, shape_name: str, short: str, label: str, data: Path | None) -> Scenario:
    series, dice = _quiet_part(data, short), dice_of(name)
    shape = _laid_shape(label, dice, series.bin_us)
    onset_us = series.start_us + HISTORY_DAYS * DAY + int(dice.randint(0, 6 * DAY // SECOND)) * SECOND
    if min(part.until_us - part.from_us for part in shape.parts) < 3 * series.bin_us:
        onset_us -= (onset_us - series.start_us) % series.bin_us
    injected = inject(series, shape, onset_us, dice)
    groups: set[Group] = {"timing"} if injected.stands_out else {"faint"}
    if injected.stands_out and shape_name in ("total", "partial"):
        groups.add("total" if shape_name == "total" else "partial")
    return Scenario(name, shape_name, injected.block, injected.events, frozenset(groups), "iran")


def _need(data: Path | None) -> Path:
    if data is None:
        raise InputError("this scenario is cut from a real series; name the folder that has it")
    return data
