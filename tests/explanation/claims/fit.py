"""Makes the table of weights from the labelled texts: `python -m tests.explanation.claims.fit`.

With ``--folds 5`` nothing is written: each fifth of the texts is scored with weights that the other four made.
Logistic regression with a penalty on the squares of the weights, by gradient steps; the same texts give the same table.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import duskwatch
from duskwatch.explanation.claims.extract import Extractor
from duskwatch.explanation.claims.grammar import grammar
from duskwatch.explanation.claims.hints import Candidate
from duskwatch.explanation.claims.sentences import fold
from duskwatch.records.claim import Article
from duskwatch.sources.reference.place_names import place_names
from tests.explanation.claims.scored import DATA, Half, articles_of, document, score_texts, scoring, table, together

ALONE = (
    0.4  # what a claim of a single sentence counts: written to be one, such sentences say it more often than prose does
)
RARE = 3  # a feature of fewer candidates has no weight
PENALTY = 2.0
STEPS = 160
SMALL = 0.02  # smaller weights are left out
ADD = {  # chosen by `--folds`: where precision and recall gain together
    "cause": 1.5, "state": 1.4, "moment": 1.2, "duration": 1.4, "share": 1.3, "impact": 1.1, "attack": 0.9, "site": 1.4,
    "refusal": 1.2, "dependence": 1.2,
}  # fmt: skip
DROP = -3.0


GROUP = 8  # sentences that stand in one text
_LOSS = frozenset(("onset", "duration", "lost", "left", "count", "share", "few", "cause", "attack"))


class Row:
    """One candidate: its text, model, features, and whether a label says it (None: either answer is right)."""

    __slots__ = ("claim", "features", "model", "right", "ruled", "text", "value")

    def __init__(
        self, text: str, model: str, value: str, features: list[str], right: bool | None, ruled: bool, claim: Any
    ) -> None:
        self.text, self.model, self.value, self.features, self.right, self.ruled = (
            text,
            model,
            value,
            features,
            right,
            ruled,
        )
        self.claim = claim


def texts(halves: Iterable[str]) -> list[Path]:
    """Label files of the folders."""
    return [path for half in halves for path in sorted((DATA / half).glob("*.toml"))]


def rows(paths: Sequence[Path]) -> list[Row]:
    """Every candidate of the texts, compared with the labels."""
    rules = scoring()
    tables = grammar("en")
    assert tables is not None
    tools = Extractor(tables, place_names(), {})
    out = []
    for path in paths:
        found, labels = articles_of(path)
        wanted = labels.get("claims", [])
        titles = frozenset(rules.plain(one.title) for one in found)
        for number, article in enumerate(found):
            for one, claim, ruled, _ in tools.observe(article, number):
                if not one.features:
                    continue
                right = False if claim is None else _right(rules, document(claim), wanted, titles)
                if claim is not None and claim.kind != one.candidate.draft.kind:
                    right = False
                out.append(Row(path.stem, one.candidate.model, one.candidate.value, one.features, right, ruled, claim))
    return out


def listed(path: Path = DATA / "sentences.txt") -> list[Row]:
    """Candidates of single sentences, compared with what stands beside each."""
    tables = grammar("en")
    assert tables is not None
    tools = Extractor(tables, place_names(), {})
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]
    pairs = [(text.strip(), told.strip()) for text, _, told in (line.partition("||") for line in lines)]
    out = []
    for group in range(0, len(pairs), GROUP):
        part = pairs[group : group + GROUP]
        said = {fold(text)[1]: told for text, told in part}
        text = "\n\n".join(text for text, _ in part)
        article = Article("sentences", text, title="Internet outage in Lesotho", published_us=1686571200_000000)
        for one, claim, ruled, low in tools.observe(article, 0):
            if not one.features:
                continue
            told = said.get(low)
            if told is None:  # a line of several sentences says nothing of the Internet
                told = next((told for whole, told in said.items() if low in whole), "?")
                if told:
                    continue
            right = _said(one.candidate, low, told)
            out.append(Row("sentences", one.candidate.model, one.candidate.value, one.features, right, ruled, claim))
    return out


def _said(one: Candidate, low: str, told: str) -> bool | None:
    """Whether what stands beside a sentence says what the candidate says."""
    found = {key.strip(): value.strip().lower() for key, _, value in (part.partition("=") for part in told.split(";"))}
    if one.model == "cause":
        return one.value in found.get("cause", "").split(",")
    if one.model == "state":
        if "state" in found:
            return True if one.value == found["state"] else None if _LOSS & set(found) else False
        return None if (_LOSS | {"end"}) & set(found) else False
    if one.model == "site":
        return None
    if one.model in ("attack", "refusal"):
        return one.model in found
    if one.model == "dependence":
        return None if "dependence" in found else False
    key = {"moment": one.value, "duration": "duration", "share": one.value, "impact": one.value}[one.model]
    if key not in found:
        return False
    at = low.find(found[key]) if found[key] else -1
    if at < 0:
        return None
    return one.start < at + len(found[key]) and at < one.end


def _right(rules: Any, claim: dict[str, Any], labels: list[dict[str, Any]], titles: frozenset[str]) -> bool | None:
    """Whether a label says this, whoever says it of whatever place; None where both answers would be right."""
    found: bool | None = False
    for label in labels:
        for reading in (label, *({**label, **other} for other in label.get("or", ()))):
            if reading["kind"] != claim["kind"] or not rules._same_sentence(claim["sentence"], reading["sentence"]):
                continue
            if rules._same_value(claim["kind"], claim["value"], reading["value"]):
                if not label.get("optional"):
                    return True
                found = None
    if found is False and rules._is_neutral(claim, labels, titles):
        return None
    return found


def fit(data: Sequence[Row]) -> dict[str, float]:
    """Weights of the features of one model."""
    data = [row for row in data if row.right is not None]
    counts = Counter(name for row in data for name in row.features)
    names = sorted(name for name, count in counts.items() if count >= RARE)
    index = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(data), len(names)), dtype=np.float32)
    for number, row in enumerate(data):
        matrix[number, [index[name] for name in row.features if name in index]] = 1
    right = np.array([float(bool(row.right)) for row in data], dtype=np.float32)
    counted = np.array([ALONE if row.right and row.text == "sentences" else 1.0 for row in data], dtype=np.float32)
    weights = np.zeros(len(names), dtype=np.float32)
    penalty = np.full(len(names), PENALTY, dtype=np.float32)
    if "bias" in index:
        penalty[index["bias"]] = 0.01
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        told = 1 / (1 + np.exp(-np.clip(matrix @ weights, -30, 30)))
        slope = matrix.T @ ((told - right) * counted) + penalty * weights
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        weights -= 0.08 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True) if abs(weight) >= SMALL}


def made(data: Sequence[Row]) -> dict[str, Any]:
    """Weights of every model."""
    by_model: dict[str, list[Row]] = defaultdict(list)
    for row in data:
        by_model[row.model].append(row)
    return {model: {"add": ADD[model], "drop": DROP, "weights": fit(part)} for model, part in sorted(by_model.items())}


def written(weights: dict[str, Any]) -> str:
    """The table as TOML."""
    lines = [
        "# Made by `python -m tests.explanation.claims.fit`. What each feature of a candidate weighs, in log odds:",
        "# more than `add` makes a claim, less than `drop` takes one of the patterns away. The features are named in",
        "# explanation/claims/hints.py.",
    ]
    for model, part in weights.items():
        lines += ["", f"[{model}]", f"add = {part['add']}", f"drop = {part['drop']}", "", f"[{model}.weights]"]
        lines += [f"{_key(name)} = {weight}" for name, weight in part["weights"].items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def folded(halves: Sequence[str], count: int) -> Half:
    """Each text scored with weights that the texts of the other folds made."""
    paths = texts(halves)
    parts = [paths[number::count] for number in range(count)]
    data, more = rows(paths), listed()
    tables = grammar("en")
    assert tables is not None
    results = []
    for part in parts:
        names = {path.stem for path in part}
        weights = made([*(row for row in data if row.text not in names), *more])
        results.append(score_texts(part, Extractor(tables, place_names(), weights)))
    return together(results)


if __name__ == "__main__":
    halves = [name for name in sys.argv[1:] if name in ("dev", "dev2")] or ["dev", "dev2"]
    if "--folds" in sys.argv:
        result = folded(halves, int(sys.argv[sys.argv.index("--folds") + 1]))
        print(f"{result.texts} texts, weights of the other texts\n\n{table(result)}")
    else:
        weights = made([*rows(texts(halves)), *listed()])
        target = Path(duskwatch.__file__).parent / "explanation/claims/grammar/en/weights.toml"
        target.write_text(written(weights), encoding="utf-8")
        print({model: len(part["weights"]) for model, part in weights.items()})
