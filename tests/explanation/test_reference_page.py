"""The page on causes names all there is, and says of each what the code says."""

import re
from pathlib import Path

from duskwatch.explanation.features import FEATURES
from duskwatch.explanation.hypotheses import HYPOTHESES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "causes.md").read_text(encoding="utf-8")


def test_every_feature_stands_there_with_what_it_can_and_cannot_show():
    for one in FEATURES:
        facts = ", ".join(f"`{name}`" for name in one.facts)
        row = f"| `{one.name}` | {one.title} | {', '.join(one.states)} | {facts} | {one.shows} | {one.limits} |"
        assert row in PAGE


def test_every_hypothesis_stands_there_with_what_decides():
    for one in HYPOTHESES:
        decisive = ", ".join(f"`{name}`" for name in one.decisive)
        assert f"| {one.title} | `{one.name}` | {one.about} | {decisive} |" in PAGE


def test_every_fact_is_told():
    table = PAGE[PAGE.index("## Facts") : PAGE.index("## The table of weights")]
    for name in {name for one in FEATURES for name in one.facts}:
        stem, _, last = name.partition(".")
        if stem == "fell":
            assert f"`{last}`" in table
        else:
            assert f"`{name}`" in table or (stem == "reports" and f".{last}`" in table)


def test_the_example_of_a_hypothesis_from_outside_runs(capsys):
    page = (ROOT / "docs" / "how-to" / "evaluate-causes.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "evaluate-causes.md", "exec"), {})
    assert capsys.readouterr().out == "consistent with\n"
