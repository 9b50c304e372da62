"""How extracted claims are compared with the labels of this folder, and counted (see README.md)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Claim = Mapping[str, Any]
Label = Mapping[str, Any]

PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\N{NO-BREAK SPACE}": " "})
DOWN = frozenset({"offline", "degraded", "unstable"})
UP = frozenset({"restored", "partial", "normal"})
IMPLIED_STATES = {
    "onset": DOWN,
    "cause": DOWN,
    "attack": DOWN,
    "impact": DOWN,
    "end": UP,
    "duration": DOWN | UP,
    "share": DOWN | UP,
}
MIN_WORDS_OF_A_PART = 4
MIN_TITLE = 12  # characters


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one text, or of several added up; `wrong_claims` and `missed_labels` say which."""

    found: int
    missed: int
    wrong: int
    neutral: int
    wrong_claims: tuple[Claim, ...] = ()
    missed_labels: tuple[Label, ...] = ()

    @property
    def precision(self) -> float:
        """Found / (found + wrong); NaN where nothing counted was extracted."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else float("nan")

    @property
    def recall(self) -> float:
        """Found / (found + missed); NaN where nothing was to be found."""
        return self.found / (self.found + self.missed) if self.found + self.missed else float("nan")


def plain(text: str) -> str:
    """Lower case, plain quotes and dashes, one space between words."""
    return " ".join(text.translate(PLAIN).casefold().split())


def score(claims: Sequence[Claim], labels: Sequence[Label], titles: Iterable[str] = (), outlet: str = "") -> Score:
    """Pair the claims of one text with its labels.

    Claims are the entries of `claims` of `duskwatch.claims/1`; `titles` are those of the articles in the text.
    """
    headlines = frozenset(plain(title) for title in titles)
    fits = [
        [label_index for label_index, label in enumerate(labels) if matches(claim, label, headlines, outlet)]
        for claim in claims
    ]
    order = sorted(range(len(labels)), key=lambda index: bool(labels[index].get("optional")))
    partner = _pair(fits, order)
    counted = [index for index in order if not labels[index].get("optional")]
    missed = tuple(labels[index] for index in counted if index not in partner)
    paired = set(partner.values())
    left = [index for index in range(len(claims)) if index not in paired]
    wrong = tuple(
        claims[index] for index in left if not fits[index] and not _is_neutral(claims[index], labels, headlines)
    )
    return Score(
        len(counted) - len(missed),
        len(missed),
        len(wrong),
        len(claims) - len(counted) + len(missed) - len(wrong),
        wrong,
        missed,
    )


def add(scores: Iterable[Score]) -> Score:
    """The counts of several texts as one."""
    parts = list(scores)
    return Score(
        sum(part.found for part in parts),
        sum(part.missed for part in parts),
        sum(part.wrong for part in parts),
        sum(part.neutral for part in parts),
        tuple(claim for part in parts for claim in part.wrong_claims),
        tuple(label for part in parts for label in part.missed_labels),
    )


def matches(claim: Claim, label: Label, headlines: frozenset[str] = frozenset(), outlet: str = "") -> bool:
    """Whether the claim is what the label, or one of its other readings, says."""
    readings = [label, *({**label, **other} for other in label.get("or", ()))]
    return any(_matches_reading(claim, reading, headlines, outlet) for reading in readings)


def _matches_reading(claim: Claim, label: Label, headlines: frozenset[str], outlet: str) -> bool:
    return (
        claim["kind"] == label["kind"]
        and (label["kind"] == "site" or _same_entity(claim["entity"], label["entity"]))
        and _same_speaker(claim["speaker"], label["speaker"], outlet)
        and claim["modality"] in label["modality"]
        and (_is_headline(claim["sentence"], headlines) or _same_sentence(claim["sentence"], label["sentence"]))
        and _same_value(label["kind"], claim["value"], label["value"])
    )


def _same_entity(entity: str | None, wanted: Sequence[str]) -> bool:
    return plain(entity or "") in {plain(name) for name in wanted}


def _same_speaker(speaker: str | None, wanted: Sequence[str], outlet: str) -> bool:
    said = plain(speaker or "")
    if not said or said == plain(outlet):
        return "" in wanted or any(_has_words(said, name) for name in wanted if name)
    return any(_has_words(said, name) for name in wanted if name)


def _has_words(text: str, words: str) -> bool:
    """Whether whole words of the text are these, in a row; a plural or possessive "s" may follow."""
    return re.search(rf"(?<!\w){re.escape(plain(words))}('?s)?(?!\w)", plain(text)) is not None


def _same_sentence(sentence: str, snippets: Sequence[str]) -> bool:
    whole = plain(sentence)
    return any(
        plain(snippet) in whole or (len(whole.split()) >= MIN_WORDS_OF_A_PART and whole in plain(snippet))
        for snippet in snippets
    )


def _is_headline(sentence: str, headlines: frozenset[str]) -> bool:
    """Whether the sentence is a title, a part of one ("Kenya offline" of "Kenya offline | Times"), or holds one."""
    whole = plain(sentence)
    return any(
        whole == title or (min(len(whole), len(title)) >= MIN_TITLE and (whole in title or title in whole))
        for title in headlines
    )


def _same_value(kind: str, value: Any, wanted: Mapping[str, Any]) -> bool:
    if kind in ("onset", "end"):
        return _moments_fit(value, wanted)
    if kind == "duration":
        tolerance = max(1.0, 0.01 * wanted.get("point_s", 0))
        return _fits(value.get("min_s"), value.get("max_s"), wanted, ("min_s", "max_s", "point_s"), tolerance)
    if kind in ("state", "cause"):
        return _word(value) in wanted["any"]
    if kind == "share":
        opposite = {value.get("bound"), wanted.get("bound")} == {"at least", "at most"}
        return not opposite and _within(value.get("lost"), wanted["lost_min"], wanted["lost_max"], 0.005)
    if kind == "site":
        return value.get("up") is wanted["up"] and _one_contains(value.get("name"), wanted["name"])
    if kind == "dependence":
        return _one_contains(value.get("on"), wanted["on"]) and _share_fits(value.get("share"), wanted)
    if kind == "attack":
        return _type_fits(value.get("type"), wanted["type"]) and _since_fits(value.get("since"), wanted.get("since"))
    if kind == "impact":
        return _impact_fits(value, wanted)
    return kind == "refusal"


def _word(value: Any) -> Any:
    return next(iter(value.values()), None) if isinstance(value, Mapping) else value


def _within(number: float | None, low: float, high: float, tolerance: float) -> bool:
    return number is not None and low - tolerance <= number <= high + tolerance


def _fits(low: Any, high: Any, wanted: Mapping[str, Any], keys: tuple[str, str, str], tolerance: Any) -> bool:
    outer_low, outer_high, point = (wanted.get(key) for key in keys)
    if outer_low is not None and (low is None or low < outer_low - tolerance):
        return False
    if outer_high is not None and (high is None or high > outer_high + tolerance):
        return False
    return point is None or ((low is None or low <= point + tolerance) and (high is None or high >= point - tolerance))


def _moments_fit(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    keys = ("earliest", "latest", "point")
    bounds = {key: _moment(wanted[key]) for key in keys if key in wanted}
    return _fits(_moment(value.get("earliest")), _moment(value.get("latest")), bounds, keys, timedelta(seconds=60))


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _one_contains(name: str | None, wanted: Sequence[str]) -> bool:
    given = plain(name or "")
    return bool(given) and any(_has_words(given, other) or _has_words(other, given) for other in wanted)


def _share_fits(share: float | None, wanted: Mapping[str, Any]) -> bool:
    if share is None:
        return not wanted.get("share_needed", False)
    return _within(share, wanted.get("share_min", 0.0), wanted.get("share_max", 1.0), 0.005)


def _type_fits(kind: str | None, wanted: Sequence[str]) -> bool:
    return "any" in wanted or any(plain(word) in plain(kind or "") for word in wanted)


def _since_fits(since: Any, wanted: Mapping[str, Any] | None) -> bool:
    if wanted is None:
        return True
    if since is None:
        return False
    return _moments_fit(since if isinstance(since, Mapping) else {"earliest": since, "latest": since}, wanted)


def _impact_fits(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if "people_min" in wanted:
        return _within(value.get("people"), wanted["people_min"], wanted["people_max"], 0.02 * wanted["people_max"])
    if "share_min" in wanted:
        return _within(value.get("share"), wanted["share_min"], wanted["share_max"], 0.005)
    return value.get("people") is None and value.get("share") is None


def _pair(fits: Sequence[Sequence[int]], order: Sequence[int]) -> dict[int, int]:
    """Labels to claims, as many labels as possible, the first of the order first (augmenting paths)."""
    candidates = {label: [claim for claim, row in enumerate(fits) if label in row] for label in order}
    label_of: dict[int, int] = {}

    def place(label: int, seen: set[int]) -> bool:
        for claim in candidates[label]:
            if claim not in seen:
                seen.add(claim)
                if claim not in label_of or place(label_of[claim], seen):
                    label_of[claim] = label
                    return True
        return False

    for label in order:
        place(label, set())
    return {label: claim for claim, label in label_of.items()}


def _is_neutral(claim: Claim, labels: Sequence[Label], headlines: frozenset[str]) -> bool:
    if _is_headline(claim["sentence"], headlines):
        return True
    value = claim["value"]
    if claim["kind"] in ("onset", "end", "duration"):
        return all(bound is None for bound in value.values())
    return claim["kind"] == "state" and any(
        _word(value) in IMPLIED_STATES.get(label["kind"], frozenset())
        and _same_entity(claim["entity"], label["entity"])
        and _same_sentence(claim["sentence"], label["sentence"])
        for label in labels
    )
