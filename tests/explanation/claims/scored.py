"""Scores extraction on labelled texts: `python -m tests.explanation.claims.scored` prints the table of the docs.

The texts, their labels and the comparison are those of ``tests/data/news``; its README.md says how they are counted.
"""

import importlib.util
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from duskwatch.explanation.claims.extract import Extractor, extractor
from duskwatch.records.claim import KINDS, Article, Claim
from duskwatch.sources.news.dates import read_date
from duskwatch.sources.news.read import read_articles
from duskwatch.sources.reference.place_names import place_names

DATA = Path(__file__).resolve().parents[2] / "data" / "news"


class Half(NamedTuple):
    """How one half did: texts, the summed score, and found, missed and wrong claims by kind."""

    texts: int
    total: Any
    found: Counter[str]
    missed: Counter[str]
    wrong: Counter[str]


def scoring(folder: Path = DATA) -> ModuleType:
    """The comparison that the labels come with."""
    spec = importlib.util.spec_from_file_location("news_scoring", folder / "scoring.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["news_scoring"] = module
    spec.loader.exec_module(module)
    return module


def articles_of(path: Path) -> tuple[list[Article], dict[str, Any]]:
    """The articles that a label file is about, and the labels."""
    labels = tomllib.loads(path.read_text(encoding="utf-8"))
    text = next(one for one in path.parent.glob(f"{path.stem}.*") if one.suffix != ".toml")
    found = read_articles(text)
    if when := read_date(str(labels.get("published", ""))):
        found = [one if one.published_us else replace(one, published_us=when.time_us) for one in found]
    return found, labels


def score(half: str, folder: Path = DATA) -> Half:
    """Every text of a half, extracted without a report and compared with its labels."""
    tools = extractor("en", place_names())
    assert tools is not None
    return score_texts(sorted((folder / half).glob("*.toml")), tools)


def score_texts(paths: Sequence[Path], tools: Extractor) -> Half:
    """The texts of these label files, read with these tools."""
    rules = scoring()
    scores = []
    wanted: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for path in paths:
        found, labels = articles_of(path)
        claims = [document(claim) for number, one in enumerate(found) for claim in tools.read(one, number)]
        titles = [one.title for one in found]
        scores.append(rules.score(claims, labels.get("claims", []), titles, found[0].outlet if found else ""))
        wanted.update(label["kind"] for label in labels.get("claims", []) if not label.get("optional"))
        missed.update(label["kind"] for label in scores[-1].missed_labels)
        wrong.update(claim["kind"] for claim in scores[-1].wrong_claims)
    return Half(len(scores), rules.add(scores), wanted - missed, missed, wrong)


def together(parts: Sequence[Half]) -> Half:
    """Several halves as one."""
    sums = [sum((getattr(part, name) for part in parts), Counter()) for name in ("found", "missed", "wrong")]
    return Half(sum(part.texts for part in parts), scoring().add([part.total for part in parts]), *sums)


def document(claim: Claim) -> dict[str, Any]:
    """A claim as `scoring.py` takes one."""
    return {name: getattr(claim, name) for name in ("kind", "entity", "value", "speaker", "modality", "sentence")}


def table(half: Half) -> str:
    """The result as a Markdown table, a row for each kind."""
    lines = ["| kind | found | missed | wrong | precision | recall |", "|---|---|---|---|---|---|"]
    for kind in (*KINDS, "all"):
        found, missed, wrong = (
            (sum(count.values()) if kind == "all" else count[kind]) for count in (half.found, half.missed, half.wrong)
        )
        lines.append(f"| {kind} | {found} | {missed} | {wrong} | {_part(found, wrong)} | {_part(found, missed)} |")
    return "\n".join(lines)


def _part(found: int, other: int) -> str:
    return f"{found / (found + other):.2f}" if found + other else "-"


if __name__ == "__main__":
    for name in sys.argv[1:] or ("dev", "dev2"):
        result = score(name)
        print(f"{name}: {result.texts} texts\n\n{table(result)}\n")
