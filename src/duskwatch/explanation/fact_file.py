"""Facts from a TOML file: what is known of an outage, each number with where it is from.

``[[fact]]`` tables with ``name``, ``value`` (a number, true or false) and, where known, ``unit``, ``source`` and
``note``; ``[sources]`` says what each source is.
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duskwatch.explanation.features import FEATURES
from duskwatch.records.errors import InputError
from duskwatch.records.evidence import Fact, Facts, facts_of

MAX_BYTES = 1 << 20
_YES_NO = ("attacks.", "direction.", "fall.second_slide", "fell.", "loss.", "path.upstream_changed", "reports.",
           "return.unstable", "rpki.split")  # fmt: skip


KNOWN = frozenset(name for feature in FEATURES for name in feature.facts)


class FactsError(InputError):
    """A file of facts cannot be used; the message names the file, the place and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class FactFile:
    """What such a file holds."""

    title: str
    about: str
    sources: dict[str, str]
    facts: Facts


def load_facts(path: Path) -> FactFile:
    """Read a file of facts. FactsError in one line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FactsError(f"{path}: more than {MAX_BYTES} bytes is no file of facts")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FactsError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise FactsError(f"{path}: is no text in UTF-8; give a TOML file of facts") from None
    return read_facts(text, path.name)


def read_facts(text: str, name: str) -> FactFile:
    """Facts of a TOML text. FactsError, in one line, names what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise FactsError(f"{name}: no TOML: {error}") from None
    unknown = set(document) - {"title", "about", "sources", "fact"}
    if unknown:
        raise FactsError(f"{name}: unknown key '{min(unknown)}'; there are title, about, sources and fact")
    sources, entries = document.get("sources", {}), document.get("fact", [])
    if not isinstance(sources, dict) or not all(isinstance(said, str) for said in sources.values()):
        raise FactsError(f"{name}: sources must be a table of texts")
    if not isinstance(entries, list) or not entries:
        raise FactsError(f"{name}: no [[fact]] in it")
    facts = [_fact(entry, name, f"fact {k}", sources) for k, entry in enumerate(entries, 1)]
    seen: set[str] = set()
    for fact in facts:
        if fact.name in seen:
            raise FactsError(f"{name}: the fact '{fact.name}' stands there twice")
        seen.add(fact.name)
    return FactFile(str(document.get("title", name)), str(document.get("about", "")), sources, facts_of(*facts))


def _most(fact: str) -> float:
    """The largest value of a fact that features read; none is below 0."""
    if fact == "outage.depth" or fact.endswith("_share") or fact.startswith(_YES_NO):
        return 1
    return {"onset.local_minute": 1440, "recording.doubt": 2}.get(fact, math.inf)


def _fact(entry: Any, name: str, where: str, sources: dict[str, str]) -> Fact:
    if not isinstance(entry, dict):
        raise FactsError(f"{name}: {where} must be a table")
    unknown = set(entry) - {"name", "value", "unit", "source", "note"}
    if unknown:
        raise FactsError(f"{name}: {where}: unknown key '{min(unknown)}'; there are name, value, unit, source and note")
    texts = {key: entry.get(key, "") for key in ("name", "unit", "source", "note")}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise FactsError(f"{name}: {where}: {key} must be a text")
    if not texts["name"]:
        raise FactsError(f"{name}: {where} has no name")
    if texts["source"] and texts["source"] not in sources:
        raise FactsError(f"{name}: {where}: the source '{texts['source']}' is not in [sources]")
    value = entry.get("value")
    try:
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise OverflowError
        number = float(value)
    except OverflowError:
        raise FactsError(f"{name}: {where} ({texts['name']}): value must be a number, true or false") from None
    most = _most(texts["name"])
    if texts["name"] in KNOWN and not 0 <= number <= most:
        span = "0 or more" if math.isinf(most) else f"from 0 to {most:g}"
        raise FactsError(f"{name}: {where} ({texts['name']}): value must be {span}, not {number:g}")
    return Fact(texts["name"], number, texts["unit"], texts["source"], note=texts["note"])
