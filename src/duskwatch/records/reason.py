"""Why a bound of a moment is where it is: a code with values. Publication makes the sentence."""

from dataclasses import dataclass
from typing import Any

Value = int | float | str | None
"""What a reason carries: times (microseconds since the epoch; names end in ``_us``), counts, amounts, signal names."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code, its values by name, and further reasons that go with it, in the order in which a sentence names them.

    docs/reference/reasons.md lists every code with its values. Equal reasons are equal facts, whatever the words.
    """

    code: str  # empty: no reason is known
    values: tuple[tuple[str, Value], ...] = ()
    parts: tuple["Reason", ...] = ()

    def value(self, name: str) -> Any:
        """One value; KeyError where the reason has none of that name."""
        for value_name, value in self.values:
            if value_name == name:
                return value
        raise KeyError(name)


NO_REASON = Reason("")


def reason(code: str, *parts: Reason | None, **values: Value) -> Reason:
    """A reason of these values and parts; parts that are None are left out."""
    return Reason(code, tuple(values.items()), tuple(part for part in parts if part is not None))


def in_words(text: str) -> Reason:
    """A reason in somebody's own words: of a person, of a case, of a record written before there were codes."""
    return Reason("in-words", (("text", text),)) if text else NO_REASON


def to_document(one: Reason) -> dict[str, Any]:
    """The reason as plain values, for JSON."""
    return {"code": one.code, "values": dict(one.values), "parts": [to_document(part) for part in one.parts]}


def from_document(document: Any) -> Reason:
    """The reason that a document holds; a bare text is a reason in words.

    Raises KeyError, TypeError or ValueError where it is no such document.
    """
    if isinstance(document, str):
        return in_words(document)
    values = tuple((str(name), _checked(value)) for name, value in document["values"].items())
    return Reason(str(document["code"]), values, tuple(from_document(part) for part in document["parts"]))


def _checked(value: Any) -> Value:
    if value is None or isinstance(value, (int, float, str)):
        return value
    raise ValueError(f"a reason carries numbers and texts, no {type(value).__name__}")
