"""Which column of a table is what, by its name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duskwatch.records.errors import InputError

_TIMES = (
    "timestamp", "time", "timeutc", "utctime", "datetime", "datetimeutc", "date", "dateutc", "ts", "t", "epoch",
    "epochs", "unixtime", "unixtimestamp", "timems", "timestampms", "eventtime", "timebin", "bin", "bucket", "start",
    "starttime", "windowstart",
)  # fmt: skip
_ENTITIES = (
    "entity",
    "entitycode",
    "entityid",
    "country",
    "countrycode",
    "cc",
    "location",
    "asn",
    "asnumber",
    "prefix",
    "code",
)
_SIGNALS = ("signal", "signalname", "datasource", "source", "metric", "series", "variable", "measure", "measurement")
_VALUES = ("value", "values", "val", "v", "y", "count", "amount", "reading")
# Columns that describe a row: no measure of anything.
_NEITHER = {
    "label", "labels", "class", "anomaly", "isanomaly", "outage", "isoutage", "event", "groundtruth", "id", "index",
    "idx", "row", "unnamed0", "step", "nativestep", "from", "until", "to", "end", "endtime", "year", "month", "day",
    "hour", "minute", "weekday", "dayofweek", "entitytype", "entityname", "entityfqid", "subtype", "name", "type",
    "unit", "units", "comment", "note", "notes", "level", "score", "condition",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out: long (a signal's name and value in each row) or wide (a column for each signal)."""

    time: str
    entity: str | None
    signal: str | None  # long with names
    values: tuple[str, ...]  # one column where it is long; one for each signal where it is wide
    wide: bool
    left_out: tuple[str, ...] = ()  # columns that are no measure, by their names


class LayoutError(InputError):
    """The columns of a table cannot be told apart; the text says what to give."""


def plain(name: str) -> str:
    """A column's name in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def layout_of(
    columns: Sequence[str],
    numeric: Iterable[str],
    *,
    time: str | None = None,
    entity: str | None = None,
    signal: str | None = None,
    value: str | None = None,
) -> Layout:
    """The layout of a table with these columns, of which ``numeric`` hold numbers; names given go before guesses.

    Raises LayoutError where a column given is not there, where none is a time, or where none holds a number.
    """
    for option, name in (("time", time), ("entity", entity), ("signal", signal), ("value", value)):
        if name is not None and name not in columns:
            raise LayoutError(f"no column '{name}' (--{option}-column); there are {listed(columns)}")
    time = time or _first(columns, _TIMES)
    if time is None:
        raise LayoutError(f"no column of times among {listed(columns)}; name it with --time-column")
    entity = entity or _first([name for name in columns if name != time], _ENTITIES)
    rest = [name for name in columns if name not in (time, entity)]
    signal = signal or _first(rest, _SIGNALS)
    numeric = [name for name in numeric if name in rest]
    value = value or _first([name for name in numeric if name != signal], _VALUES)
    if value is not None and (signal is not None or _measures(numeric, value) == [value]):
        return Layout(time, entity, signal if signal != value else None, (value,), wide=False)
    if signal is not None and signal not in numeric:
        others = _measures(numeric, None)
        if len(others) == 1:
            return Layout(time, entity, signal, (others[0],), wide=False)
        raise LayoutError(f"which column holds the values of '{signal}'? name it with --value-column: {listed(rest)}")
    measures = [value] if value is not None else _measures(numeric, None)
    if not measures:
        raise LayoutError(
            f"no column of numbers beside the time '{time}' among {listed(columns)}; name it with --value-column"
        )
    left_out = tuple(name for name in numeric if name not in measures)
    return Layout(time, entity, None, tuple(measures), wide=True, left_out=left_out)


def _measures(numeric: Sequence[str], value: str | None) -> list[str]:
    # A second column of times is no measure either.
    return [name for name in numeric if name == value or plain(name) not in {*_NEITHER, *_TIMES}]


def _first(columns: Sequence[str], preferred: Sequence[str]) -> str | None:
    """The column whose name comes first in a list of known ones."""
    by_plain: dict[str, str] = {}
    for name in columns:
        by_plain.setdefault(plain(name), name)
    return next((by_plain[name] for name in preferred if name in by_plain), None)


def listed(columns: Sequence[str], most: int = 8) -> str:
    """Names as an error lists them, the first ``most``."""
    shown = ", ".join(f"'{name[:40]}'" for name in columns[:most])
    return shown + (f" and {len(columns) - most} more" if len(columns) > most else "")
