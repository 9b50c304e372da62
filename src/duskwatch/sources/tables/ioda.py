"""Answers of IODA's API, version 2, to rows: a list of lists of series, with values that may be null or nested."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from duskwatch.records.errors import InputError

MOST_VALUES = 50_000_000
MOST_PARTS = 16  # measures kept of a nested value


class IodaError(InputError):
    """An answer that holds no signals; the text says what it is."""


def is_ioda(document: Any) -> bool:
    """Whether a JSON document is an answer of that API."""
    if isinstance(document, dict) and "data" in document and ("requestParameters" in document or "type" in document):
        return True
    data = document.get("data") if isinstance(document, dict) else document
    first = next(_series(data), None)
    return first is not None and isinstance(first.get("values"), list) and "step" in first


def signal_rows(document: Any) -> Iterator[tuple[int, str, str, Any]]:
    """Rows (time in seconds, entity code, signal, value) of an answer to /signals/raw; value None where it was null.

    A nested value (loss, latency) gives a signal for each number in it, ``ping-slash24-loss.p95``. Raises IodaError
    for an answer that holds alerts, events or an error, or a series that does not say its times.
    """
    if isinstance(document, dict) and document.get("error"):
        raise IodaError(f"the API answered with an error: {str(document['error'])[:120]}")
    series = list(_series(document.get("data") if isinstance(document, dict) else document))
    if not series:
        raise IodaError("the answer holds no series")
    total = 0
    for one in series:
        values = one.get("values")
        if not isinstance(values, list):
            raise IodaError("this is an answer of alerts or events, not of signals; ask /signals/raw")
        start, step = one.get("from"), one.get("step")
        if not _whole(start) or not _whole(step) or step <= 0:
            raise IodaError("a series of the answer does not say its 'from' and 'step'")
        total += len(values)
        if total > MOST_VALUES:
            raise IodaError(f"more than {MOST_VALUES:,} values; ask for less at a time")
        entity = str(one.get("entityCode", ""))
        name = str(one.get("datasource", "signal"))
        if one.get("subtype"):
            name = f"{name}.{one['subtype']}"
        for k, value in enumerate(values):
            for path, number in _numbers(value):
                yield int(start) + k * int(step), entity, f"{name}.{path}" if path else name, number


def _whole(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)


def _series(data: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The series of an answer: lists of lists of them, however deep (four levels at most)."""
    if isinstance(data, dict):
        yield data
    elif isinstance(data, list) and depth < 4:
        for part in data:
            yield from _series(part, depth + 1)


def _numbers(value: Any, path: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    """The numbers of a value with the way to each: one of no way where it is a number or null."""
    if value is None or isinstance(value, (int, float, str)):
        return [(path, value)]
    if depth >= 4:
        return []
    items: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        items = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list):
        items = [("" if len(value) == 1 else str(k), part) for k, part in enumerate(value)]
    out: list[tuple[str, Any]] = []
    for key, part in items[:MOST_PARTS]:
        out += [
            item
            for item in _numbers(part, ".".join(filter(None, (path, key))), depth + 1)
            if not isinstance(item[1], str)
        ]
    return out[:MOST_PARTS]
