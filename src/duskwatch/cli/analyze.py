"""`duskwatch analyze`: archives of a window into a report on one entity."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from duskwatch.cli.options import fail, reading_progress, unusable_input
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import HOUR, MINUTE, SECOND, parse_time


def command(
    entity: Annotated[str, typer.Argument(help="KP (country), AS131279 (network) or 175.45.176.0/22 (prefix).")],
    from_: Annotated[str, typer.Option("--from", help="Start of the window: 2014-12-22T00:00Z, 2014-12-22.")],
    until: Annotated[str, typer.Option("--until", help="End of the window (not part of it).")],
    mrt: Annotated[
        list[Path] | None,
        typer.Option("--mrt", help="MRT file, or folder of bview/rib and updates files. Repeatable."),
    ] = None,
    collector: Annotated[
        list[str] | None, typer.Option("--collector", help="Use only this collector's files. Repeatable.")
    ] = None,
    geo: Annotated[
        list[Path] | None,
        typer.Option("--geo", help="Addresses to countries: RIR delegated-extended or MaxMind file. Repeatable."),
    ] = None,
    as_names: Annotated[
        list[Path] | None,
        typer.Option("--as-names", help="Names of AS numbers: JSON, CSV or RIPE's asn.txt. Repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html and report.json.")] = Path("out"),
    bin_seconds: Annotated[int, typer.Option("--bin", help="Length of a bin in seconds, 60 to 3600.")] = 300,
    threads: Annotated[int, typer.Option("--threads", help="1, or 2 to unpack beside the reading.")] = 2,
    png: Annotated[bool, typer.Option("--png", help="Also write the timeline as timeline.png.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print report.json instead of the summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Tell when a country, a network or a prefix could not be reached.

    Reads MRT archives of any number of collectors (RIPE RIS, Route Views, your own routers), replays them and
    reports each outage: onset, phases, end and duration, each with the interval it is known to lie in.

    Example: duskwatch analyze DJ --from 2008-02-19 --until 2008-02-19T18:00 --mrt route-views2/ \\
    --geo delegated-afrinic-extended-20160130 --out dj

    Countries need --geo with the delegations as they were then: use a file of the day analysed, or a later one
    (records that are younger than the window are left out).
    """
    with unusable_input("analyze"):
        what = parse_entity(entity)
        from_us, until_us = parse_time(from_), parse_time(until)
        if not from_us < until_us:
            fail("analyze", f"--until {until} is not after --from {from_}")
        if not mrt:
            fail("analyze", "no input: give --mrt with a file or folder of MRT archives")
        if not MINUTE <= bin_seconds * SECOND <= HOUR:
            fail("analyze", f"--bin {bin_seconds}: bins last 60 to 3600 seconds")
        if threads < 1:
            fail("analyze", f"--threads {threads}: at least 1")
        for path in [*(mrt or []), *(geo or []), *(as_names or [])]:
            if not path.exists():
                fail("analyze", f"{path}: no such file or folder")
        if out.exists() and not out.is_dir():
            fail("analyze", f"--out {out} is a file; name a folder")
        from duskwatch import pipeline

        with reading_progress(quiet or json_) as progress:
            report = pipeline.analyze(
                what,
                from_us,
                until_us,
                mrt,
                geo=geo or (),
                as_names=as_names or (),
                collectors=collector or (),
                bin_us=bin_seconds * SECOND,
                threads=threads,
                progress=progress,
            )
        from duskwatch.cli.output import deliver

        deliver(report, out, as_json=json_, png=png)
    if any(file.damage for file in report.inputs):
        sys.exit(1)
