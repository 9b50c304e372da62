"""Measures everything: `python -m benchmarks.run [--quick]` writes benchmarks/results and prints Markdown tables."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.external import race
from benchmarks.measure import ProgramFailed, machine
from benchmarks.speed import rows
from benchmarks.workloads import RIS_TWO_DAYS, ROUTE_VIEWS_SIX_HOURS, Shape

RESULTS = Path(__file__).resolve().parent / "results"


def speed(quick: bool) -> list[dict[str, Any]]:
    """All rows of the speed table."""
    if quick:
        return [
            rows.folding(Shape("gz", 0.05, 0.5), 1),
            rows.folding(Shape("bz2", 0.02, 0.5, 0.25), 1),
            rows.memory(0.05, 0.5),
            rows.everything(0.05, 0.5),
            rows.first_result(3),
        ]
    return [
        rows.folding(RIS_TWO_DAYS, 3),
        rows.folding(ROUTE_VIEWS_SIX_HOURS, 3),
        rows.folding(Shape("gz", 1, 24), 3),
        rows.memory(1, 24),
        rows.everything(1, 24),
        rows.first_result(7),
    ]


def describe(about: dict[str, Any]) -> str:
    """The machine in one paragraph."""
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (
        f"{about['processor']}; {about['cores']} cores, {about['memory_gib']} GiB; {about['system']}; "
        f"Python {about['python']}; {packages}; bgpdump {about['bgpdump']}; bgpreader {about['bgpreader']}."
    )


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small workloads, few rounds: does it all run?")
    parser.add_argument("--only", choices=("speed", "race"), help="one half of it")
    options = parser.parse_args()
    kind = "quick" if options.quick else "full"
    about = machine()
    RESULTS.mkdir(exist_ok=True)
    print(describe(about) + "\n")
    if options.quick:
        print("Quick: workloads so small that starting a program is most of its time. Not for comparisons.\n")
    try:
        if options.only != "race":
            measured = speed(options.quick)
            _keep(f"speed-{kind}", about, measured)
            print(rows.markdown(measured))
        if options.only != "speed":
            raced = race.PROFILES[kind]()
            _keep(f"race-{kind}", about, raced)
            for result in raced:
                print(race.markdown(result))
    except ProgramFailed as error:
        raise SystemExit(f"benchmarks: {error}") from None


def _keep(name: str, about: dict[str, Any], results: list[dict[str, Any]]) -> None:
    measured = datetime.now(UTC).strftime("%Y-%m-%d")
    text = json.dumps({"measured": measured, "machine": about, "results": results}, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
