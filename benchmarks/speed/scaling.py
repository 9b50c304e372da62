"""What a backfill takes with the days it covers, and with two workers: `python -m benchmarks.speed.scaling`.

One worker unpacks and counts in threads of its own. So it is measured on one processor, as half of what two workers
have, and also on two. Of each run the faster of two counts; the two that are compared take turns.

Writes benchmarks/results/scaling.json and, with --plot, docs/reference/backfill-scaling.svg.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Measured, duskwatch, machine, run, table, warm
from benchmarks.workloads import Workload, workload

RESULTS = ROOT / "benchmarks" / "results" / "scaling.json"
PLOT = ROOT / "docs" / "reference" / "backfill-scaling.svg"
DAYS = (1, 2, 4, 8)


def backfill(days: list[Workload], collectors: int, workers: int, processors: int) -> Measured:
    """One run into a new store: every network and country of these days. Linux: held to some processors.

    Several collectors are one and the same under several names: what counts here is that each is read.
    """
    first, last = days[0].start, days[-1].start + days[-1].seconds
    with tempfile.TemporaryDirectory(dir=days[0].folder.parent) as folder:
        allowed = sorted(os.sched_getaffinity(0))[:processors]
        command = ["taskset", "-c", ",".join(map(str, allowed))] if processors < os.cpu_count() else []
        command += [duskwatch(), "backfill", "--from", _iso(first), "--until", _iso(last), "--quiet"]
        command += ["--store", f"{folder}/store", "--geo", str(days[0].geo), "--workers", str(workers)]
        for k, day in enumerate(days):
            for n in range(collectors):
                named = Path(folder) / "archives" / str(k) / f"rrc{90 + n}"
                shutil.copytree(day.collector, named, copy_function=os.link)
                command += ["--mrt", str(named)]
        return run(command)


def _iso(second: int) -> str:
    from duskwatch.records.times import iso

    return iso(second * 1_000_000)


def measure(scale: float, hours: float, most: int) -> list[dict[str, Any]]:
    """Runs over 1, 2, 4 and 8 days with one worker on one processor; over the most on two, and with two workers."""
    days = [workload("gz", scale, hours, day=day) for day in range(most)]
    warm([day.folder / file.path for day in days for file in day.files])
    out = []
    backfill(days[:1], 1, 2, 2)  # kernels are compiled, pages are in the cache
    runs = [(count, 1, 1, 1) for count in DAYS if count <= most]
    runs += [(most, 1, 1, 2), (most, 1, 2, 2), (most, 4, 1, 1), (most, 4, 2, 2)]
    best: dict[tuple[int, int, int, int], Measured] = {}
    for run_of in [*runs, *runs]:
        count, *how = run_of
        measured = backfill(days[:count], *how)
        if run_of not in best or measured.wall_s < best[run_of].wall_s:
            best[run_of] = measured
    for (count, collectors, workers, processors), measured in best.items():
        out.append(
            {
                "days": count,
                "collectors": collectors,
                "workers": workers,
                "processors": processors,
                "elems": collectors * sum(day.total("elems") for day in days[:count]),
                "stored_bytes": collectors * sum(day.total("stored_bytes") for day in days[:count]),
                "wall_s": round(measured.wall_s, 2),
                "cpu_s": round(measured.cpu_s, 2),
                "peak_bytes": measured.peak_bytes,
            }
        )
    return out


def markdown(rows: list[dict[str, Any]]) -> str:
    """The runs as a table, with time per day."""
    return table(
        [
            "days",
            "collectors",
            "workers",
            "processors",
            "M elems",
            "wall, s",
            "processor, s",
            "wall a collector-day, s",
            "peak MB of one process",
        ],
        [
            [
                str(row["days"]),
                str(row["collectors"]),
                str(row["workers"]),
                str(row["processors"]),
                f"{row['elems'] / 1e6:.1f}",
                f"{row['wall_s']:.1f}",
                f"{row['cpu_s']:.1f}",
                f"{row['wall_s'] / row['days'] / row['collectors']:.2f}",
                f"{row['peak_bytes'] / 1e6:.0f}",
            ]
            for row in rows
        ],
    )


def plot(rows: list[dict[str, Any]]) -> str:
    """Time against days, as SVG."""
    import altair as alt
    import vl_convert

    shown = [{**row, "parts": row["days"] * row["collectors"], "who": _who(row)} for row in rows]
    chart = (
        alt.Chart(alt.InlineData(shown), width=420, height=260, title="duskwatch backfill: time against collector-days")
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "parts:Q",
                title="collector-days",
                scale=alt.Scale(domainMin=0),
                axis=alt.Axis(values=[0, *DAYS, 16, 32]),
            ),
            y=alt.Y("wall_s:Q", title="seconds", scale=alt.Scale(domainMin=0)),
            color=alt.Color("who:N", title=None, legend=alt.Legend(labelLimit=400)),
        )
    )
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def _who(row: dict[str, Any]) -> str:
    told = [_many(row, "collector"), _many(row, "worker"), _many(row, "processor")]
    return ", ".join(told)


def _many(row: dict[str, Any], what: str) -> str:
    return f"{row[what + 's']} {what}{'s' if row[what + 's'] > 1 else ''}"


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="share of a full table and its updates")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--days", type=int, default=8)
    parser.add_argument("--plot", action="store_true", help="write the plot of the documentation")
    options = parser.parse_args()
    rows = measure(options.scale, options.hours, options.days)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "scale": options.scale, "runs": rows}, indent=1) + "\n")
    print(markdown(rows))
    if options.plot:
        PLOT.write_text(plot(rows))


if __name__ == "__main__":
    main()
