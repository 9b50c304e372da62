"""Results as figures: by group and family for people, by scenario for who looks closer."""

from collections.abc import Iterable, Sequence
from typing import Any

from duskwatch.evaluation.bounds import Checked
from duskwatch.evaluation.run import Result
from duskwatch.evaluation.scenarios.dice import VERSION
from duskwatch.evaluation.scoring import Score, figures, pool

SORT = {
    **dict.fromkeys(("tiny", "small", "medium", "large", "huge"), "routes"),
    **dict.fromkeys(("telescope", "faint"), "telescopes"),
}  # of kinds of quiet series that are shown together
SCHEMA = "duskwatch.evaluation/1"


def pooled(results: Iterable[Result]) -> dict[str, dict[str, Score]]:
    """Scores by group, then detector. Beside the groups there are ``all``, ``family:NAME``, ``kind:NAME``
    (total and partial losses that stand out of its noise) and ``quiet:NAME`` (its quiet series).
    """
    out: dict[str, dict[str, list[Score]]] = {}
    for result in results:
        names = ["all", *sorted(result.groups), f"family:{result.shape_name}"]
        if result.groups & {"total", "partial"}:
            names.append(f"kind:{result.kind}")
        if "quiet" in result.groups:
            names.append(f"quiet:{SORT.get(result.kind, result.kind)}")
        for over in names:
            out.setdefault(over, {}).setdefault(result.detector, []).append(result.scored)
    return {over: {name: pool(scores) for name, scores in out[over].items()} for over in sorted(out)}


def document(results: Sequence[Result], absent: Sequence[str], checked: Sequence[Checked]) -> dict[str, Any]:
    """Everything but the single scenarios, as JSON takes it. Figures are null where there was nothing to measure."""
    return {
        "schema": SCHEMA,
        "library": VERSION,
        "scenarios": len({result.id for result in results}),
        "absent": list(absent),
        "figures": {over: {name: rounded(one) for name, one in of.items()} for over, of in pooled(results).items()},
        "bounds": [
            {**one.tolerance._asdict(), "value": one.value, "holds": one.holds, "reached": one.reached}
            for one in checked
        ],
    }


def rounded(scored: Score) -> dict[str, float | int | None]:
    """Figures, to six decimals."""
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in figures(scored).items()}


def scenario_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row for each scenario and detector; figures that could not be measured are left out."""
    return [
        {
            "id": result.id,
            "detector": result.detector,
            "groups": sorted(result.groups),
            "seconds": round(result.seconds, 4),
            **{key: value for key, value in rounded(result.scored).items() if value is not None},
        }
        for result in results
    ]
