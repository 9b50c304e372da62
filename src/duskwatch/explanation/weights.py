"""The table of weights: what each state of each feature says about each hypothesis, with source and sample size.

The table that comes along is ``weights.toml``; ``duskwatch evaluate causes --write`` makes its counted numbers anew. A
person's own file has the same form and may hold single rows alone: they take the place of, or are added to, those here.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from duskwatch.records.errors import InputError

SCHEMA = "duskwatch.weights/1"
CAP = 2.303  # ln 10: no single feature says more than ten to one
MOST_CAP = 100  # e^100 to one; sums of any number of weights stay finite
MAX_BYTES = 4 << 20
STATED = "stated"  # source of a weight that somebody set by hand

Key = tuple[str, str, str]  # feature, state, hypothesis


class WeightsError(InputError):
    """A weights table cannot be used; the message names the file, the place and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One log-likelihood ratio against an outage of unknown cause."""

    llr: float
    source: str = STATED  # a name in the table's [sources]
    sample: str = ""  # the cases it was counted on; empty where it is stated
    alone: float | None = None  # the same from this feature alone, countries weighing the same; None: not counted


@dataclass(frozen=True, slots=True)
class Weights:
    """The whole table."""

    rows: Mapping[Key, Weight] = field(default_factory=dict)
    base: Mapping[str, Weight] = field(default_factory=dict)  # log-odds of a hypothesis against undetermined
    sources: Mapping[str, str] = field(default_factory=dict)
    cap: float = CAP
    caps: Mapping[str, float] = field(default_factory=dict)  # of single features, in place of ``cap``
    name: str = ""

    def llr(self, feature: str, state: str, hypothesis: str) -> float:
        """The weight within the cap; 0 where the table has none."""
        found = self.rows.get((feature, state, hypothesis))
        cap = self.caps.get(feature, self.cap)
        return 0.0 if found is None else max(-cap, min(cap, found.llr))

    def merged(self, other: "Weights") -> "Weights":
        """This table with the rows of another one in place of, and beside, its own."""
        return Weights(
            {**self.rows, **other.rows},
            {**self.base, **other.base},
            {**self.sources, **other.sources},
            other.cap,
            {**self.caps, **other.caps},
            " + ".join(name for name in (self.name, other.name) if name),
        )


@cache
def shipped_weights() -> Weights:
    """The table that comes along."""
    text = resources.files("duskwatch.explanation").joinpath("weights.toml").read_text(encoding="utf-8")
    return read_weights(text, "weights.toml")


def load_weights(path: Path, base: Weights | None = None) -> Weights:
    """A person's table over another one (that which comes along, without ``base``). WeightsError in one line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WeightsError(f"{path}: more than {MAX_BYTES} bytes is no table of weights")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise WeightsError(f"{path}: is no text in UTF-8; give a TOML file of weights") from None
    under = shipped_weights() if base is None else base
    return under.merged(read_weights(text, path.name, cap=under.cap))


def read_weights(text: str, name: str, cap: float = CAP) -> Weights:
    """A table from TOML. WeightsError, in one line, names what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise WeightsError(f"{name}: no TOML: {error}") from None
    unknown = set(document) - {"schema", "cap", "caps", "sources", "base", "weight"}
    if unknown:
        raise WeightsError(
            f"{name}: unknown key '{min(unknown)}'; there are schema, cap, caps, sources, base and weight"
        )
    if document.get("schema", SCHEMA) != SCHEMA:
        raise WeightsError(f"{name}: schema is {document['schema']!r}, not '{SCHEMA}'")
    rows: dict[Key, Weight] = {}
    for feature, states in _table(document.get("weight", {}), name, "weight").items():
        for state, hypotheses in _table(states, name, f"weight.{feature}").items():
            where = f"weight.{feature}.{state}"
            for hypothesis, value in _table(hypotheses, name, where).items():
                rows[feature, state, hypothesis] = _weight(value, name, f"{where}.{hypothesis}")
    base = {
        hypothesis: _weight(value, name, f"base.{hypothesis}")
        for hypothesis, value in _table(document.get("base", {}), name, "base").items()
    }
    sources = _table(document.get("sources", {}), name, "sources")
    for key, said in sources.items():
        if not isinstance(said, str):
            raise WeightsError(f"{name}: sources.{key} must be a text")
    own_cap = _cap(document.get("cap", cap), name, "cap")
    caps = {
        feature: _cap(value, name, f"caps.{feature}")
        for feature, value in _table(document.get("caps", {}), name, "caps").items()
    }
    return Weights(rows, base, sources, own_cap, caps, name)


def _cap(value: Any, name: str, where: str) -> float:
    cap = _number(value, name, where)
    if not 0 < cap <= MOST_CAP:
        raise WeightsError(f"{name}: {where} must be above 0, and at most {MOST_CAP}")
    return cap


def _table(value: Any, name: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WeightsError(f"{name}: {where} must be a table")
    return value


def _weight(value: Any, name: str, where: str) -> Weight:
    if not isinstance(value, dict):
        return Weight(_number(value, name, where))  # a bare number is a stated weight
    unknown = set(value) - {"llr", "alone", "n", "source"}
    if unknown:
        raise WeightsError(f"{name}: {where}: unknown key '{min(unknown)}'; there are llr, alone, n and source")
    if "llr" not in value:
        raise WeightsError(f"{name}: {where} has no llr, the natural logarithm of a likelihood ratio")
    source, sample = value.get("source", STATED), value.get("n", "")
    if not isinstance(source, str) or not isinstance(sample, (str, int)):
        raise WeightsError(f"{name}: {where}: source is a text, n a text or a count")
    alone = value.get("alone")
    return Weight(
        _number(value["llr"], name, f"{where}.llr"),
        source,
        str(sample),
        None if alone is None else _number(alone, name, f"{where}.alone"),
    )


def _number(value: Any, name: str, where: str) -> float:
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise WeightsError(f"{name}: {where} must be a finite number, not {str(value)[:40]!r}")


def dump_weights(weights: Weights) -> str:
    """The table as TOML; reading that gives an equal table."""
    lines = [f"schema = {_text(SCHEMA)}", f"cap = {weights.cap!r}", "", "[caps]"]
    lines += [f"{_key(feature)} = {cap!r}" for feature, cap in weights.caps.items()]
    lines += ["", "[sources]"]
    lines += [f"{_key(name)} = {_text(said)}" for name, said in weights.sources.items()]
    lines += ["", "[base]"]
    lines += [f"{_key(hypothesis)} = {_row(weight)}" for hypothesis, weight in weights.base.items()]
    last: tuple[str, str] | None = None
    for (feature, state, hypothesis), weight in weights.rows.items():
        if (feature, state) != last:
            lines += ["", f"[weight.{_key(feature)}.{_key(state)}]"]
            last = (feature, state)
        lines.append(f"{_key(hypothesis)} = {_row(weight)}")
    return "\n".join(lines) + "\n"


def unread(weights: Weights, features: Mapping[str, tuple[str, ...]], hypotheses: tuple[str, ...]) -> tuple[str, ...]:
    """Places of the table that name no feature, none of its answers, or no hypothesis: they weigh nothing."""
    rows = [
        f"weight.{feature}.{state}.{hypothesis}"
        for feature, state, hypothesis in weights.rows
        if state not in features.get(feature, ()) or hypothesis not in hypotheses
    ]
    rows += [f"caps.{feature}" for feature in weights.caps if feature not in features]
    return (*rows, *(f"base.{hypothesis}" for hypothesis in weights.base if hypothesis not in hypotheses))


def arranged(weights: Weights, features: Mapping[str, tuple[str, ...]], hypotheses: tuple[str, ...]) -> Weights:
    """The same rows in the order of features, their states and hypotheses; rows of others follow in their own order."""
    keys = [(f, s, h) for f, states in features.items() for s in states for h in hypotheses]
    order = {key: k for k, key in enumerate(keys)}
    rows = sorted(weights.rows.items(), key=lambda item: order.get(item[0], len(order)))
    base = sorted(weights.base.items(), key=lambda item: (*hypotheses, item[0]).index(item[0]))
    return replace(weights, rows=dict(rows), base=dict(base))


def _row(weight: Weight) -> str:
    parts = [f"llr = {weight.llr!r}"]
    if weight.alone is not None:
        parts.append(f"alone = {weight.alone!r}")
    if weight.sample:
        parts.append(f"n = {_text(weight.sample)}")
    parts.append(f"source = {_text(weight.source)}")
    return "{ " + ", ".join(parts) + " }"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else _text(name)


def _text(text: str) -> str:
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in shown) + '"'
