"""Scores every detector on every scenario, measures speed, keeps the results and writes their tables into the docs.

`python -m benchmarks.quality [--data DIR] [--no-speed]`; exit code 1 where a bound is broken, or an aim is missed
on the drawings held out.
"""

import argparse
import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.quality import speed
from duskwatch.evaluation import archives
from duskwatch.evaluation.bounds import check, tolerances
from duskwatch.evaluation.chart import chart
from duskwatch.evaluation.run import OURS, detectors, run
from duskwatch.evaluation.scenarios.library import held_out, library
from duskwatch.evaluation.summary import document, pooled
from duskwatch.evaluation.table import bounds_table, markdown, table
from duskwatch.publication.charts import svg

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "reference" / "evaluation.md"
PICTURE = ROOT / "docs" / "images" / "evaluation.svg"
DATA = ROOT.parent / "shared" / "data"


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real series and archives")
    parser.add_argument("--no-speed", action="store_true", help="keep the speeds of the last run")
    options = parser.parse_args()
    names = list(detectors())
    began = time.perf_counter()
    results, absent = run(
        [*library().values(), *archives.entries()],
        [detectors()[name] for name in names],
        options.data if options.data.is_dir() else None,
        _say if sys.stderr.isatty() else None,
    )
    kept = document(results, absent, check(pooled(results), tolerances()))
    again, _ = run(held_out(), [detectors()[OURS]], None)
    kept["held_out"] = [
        {**one.tolerance._asdict(), "value": one.value, "reached": one.reached}
        for one in check(pooled(again), tolerances())
    ]
    kept["measured"] = datetime.now(UTC).strftime("%Y-%m-%d")
    kept["seconds"] = round(time.perf_counter() - began)
    file = HERE / "results.json"
    if options.no_speed:
        kept["speed"] = json.loads(file.read_text())["speed"]
    else:
        about = machine()
        kept["speed"] = {
            "machine": f"{about['processor']}; {about['cores']} cores; Python {about['python']}",
            "year": speed.year(),
            "one_bin": speed.one_bin(),
        }
    file.write_text(json.dumps(kept, indent=1) + "\n")
    PICTURE.write_text(svg(chart(kept, names)))
    PAGE.write_text(filled(PAGE.read_text(), kept, names))
    print("\n\n".join((markdown(table(kept, names)), markdown(bounds_table(kept)), drawn_anew(kept), speeds(kept))))
    if absent:
        print(f"\n{len(absent)} scenarios were left out: their data are not in {options.data}")
    if any(one["holds"] is False for one in kept["bounds"]) or any(one["reached"] is False for one in kept["held_out"]):
        sys.exit(1)


def filled(page: str, kept: dict[str, Any], names: list[str]) -> str:
    """The page with the tables between its markers renewed."""
    parts = {
        "figures": markdown(table(kept, names)),
        "bounds": markdown(bounds_table(kept)),
        "held-out": drawn_anew(kept),
        "speed": speeds(kept),
    }
    for name, text in parts.items():
        page, count = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda match, text=text: f"{match[1]}{text}\n{match[2]}",
            page,
            flags=re.DOTALL,
        )
        if count != 1:
            raise ValueError(f"the page has no place for {name}")
    return page


def drawn_anew(kept: dict[str, Any]) -> str:
    """The table of figures on the held-out drawings."""
    rows = [["what must hold", "aim", "on the library", "drawn anew", ""]]
    for own, again in zip(kept["bounds"], kept["held_out"], strict=True):
        if again["value"] is not None:
            sign = "at least" if own["at_most"] is None else "at most"
            verdict = "MISSED" if again["reached"] is False else "holds"
            rows.append(
                [own["name"], f"{sign} {own['aim']:g}", f"{own['value']:.4g}", f"{again['value']:.4g}", verdict]
            )
    return markdown(rows)


def speeds(kept: dict[str, Any]) -> str:
    """The table of speeds."""
    year, one_bin = kept["speed"]["year"], kept["speed"]["one_bin"]
    return markdown(
        [
            ["work, one core", "aim", "measured"],
            [f"a year of one country: {year['bins']:,} bins, {year['outages']} outages", "1 s", f"{year['seconds']} s"],
            [
                f"baseline of one new 5-minute bin of {one_bin['series']:,} series, {one_bin['below']:,} of them low",
                "2 s",
                f"{one_bin['seconds_median']} s; {one_bin['seconds_slowest']} s where it ends an hour",
            ],
        ]
    )


def _say(name: str, done: int, total: int) -> None:
    print(f"\r\x1b[K{done}/{total} {name}", end="" if name else "\r\x1b[K", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
