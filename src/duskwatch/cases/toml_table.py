"""A TOML table that says what it expected where something else stands, and that knows no spare keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, get_args

from duskwatch.records.errors import InputError
from duskwatch.records.outages import When
from duskwatch.records.reason import NO_REASON
from duskwatch.records.times import SECOND


class CaseError(InputError):
    """A case cannot be used; the message names the file and the key, and says what should stand there."""


class Table:
    """One TOML table; keys are taken out as they are read, so that what is left was not known."""

    def __init__(self, tree: Mapping[str, Any], file: str, where: str) -> None:
        self.left = dict(tree)
        self.file = file
        self.where = where

    def wrong(self, key: str, expected: str) -> NoReturn:
        """Refuse a key, saying what should stand there."""
        path = f"{self.where}.{key}" if self.where else key
        raise CaseError(f"{self.file}: {path}: expected {expected}")

    def take(self, key: str, kind: type | tuple[type, ...], expected: str, default: Any = None) -> Any:
        """Take a key out; refuse it where it is of another type."""
        value = self.left.pop(key, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            self.wrong(key, expected)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text."""
        return str(self.take(key, str, "a text", default))

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number that is not negative."""
        value = int(self.take(key, int, "a whole number", default))
        if value < 0:
            self.wrong(key, "a number that is not negative")
        return value

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        value = float(self.take(key, (int, float), "a number"))
        if not 0 <= value <= 1:
            self.wrong(key, "a share from 0 to 1")
        return value

    def numbers(self, key: str, count: int) -> tuple[int, ...]:
        """That many whole numbers that are not negative."""
        value = self.take(key, list, f"a list of {count} whole numbers")
        if len(value) != count or not all(isinstance(item, int) and item >= 0 for item in value):
            self.wrong(key, f"a list of {count} whole numbers that are not negative")
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.take(key, list, "a list of texts")
        if not all(isinstance(item, str) for item in value):
            self.wrong(key, "a list of texts")
        return tuple(value)

    def choice(self, key: str, allowed: Any) -> Any:
        """A text among those that a Literal type allows."""
        value = self.text(key)
        if value not in get_args(allowed):
            self.wrong(key, f"one of {', '.join(get_args(allowed))}, not {value!r}")
        return value

    def time(self, key: str) -> int:
        """A moment, in microseconds since the epoch."""
        return self._moment(key, self.take(key, datetime, "a time with an offset, such as 2014-12-22T16:15:00Z"))

    def _moment(self, key: str, value: datetime) -> int:
        if value.tzinfo is None or value.microsecond:
            self.wrong(key, "a time in whole seconds with an offset, such as 2014-12-22T16:15:00Z")
        return int(value.astimezone(UTC).timestamp()) * SECOND

    def when(self, key: str) -> When | None:
        """A moment, or { earliest, latest, best }; best is the middle where it is not said."""
        if key not in self.left:
            return None
        if isinstance(self.left[key], datetime):
            time_us = self.time(key)
            return When(time_us, time_us, time_us, NO_REASON)
        row = self.table(key)
        earliest, latest = row.time("earliest"), row.time("latest")
        best = row.time("best") if "best" in row.left else (earliest + latest) // 2
        row.done()
        if not earliest <= best <= latest:
            self.wrong(key, "earliest, best and latest in order")
        return When(earliest, latest, best, NO_REASON)

    def table(self, key: str) -> "Table":
        """A table inside this one."""
        return Table(self.take(key, dict, "a table"), self.file, f"{self.where}.{key}" if self.where else key)

    def rows(self, key: str) -> list["Table"]:
        """An array of tables; empty where the key is absent."""
        value = self.take(key, list, "an array of tables", [])
        where = f"{self.where}.{key}" if self.where else key
        if not all(isinstance(item, dict) for item in value):
            self.wrong(key, "an array of tables")
        return [Table(item, self.file, f"{where}[{number}]") for number, item in enumerate(value)]

    def done(self) -> None:
        """Refuse what nobody took."""
        if self.left:
            self.wrong(next(iter(self.left)), "nothing: no such key is known here")
