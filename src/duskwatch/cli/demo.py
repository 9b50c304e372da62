"""`duskwatch demo`: the founding case from generated archives to a report, by the ordinary way of `analyze`."""

from pathlib import Path
from typing import Annotated

import typer

from duskwatch.cli.options import fail, reading_progress, unusable_input
from duskwatch.records.entity import parse_entity

CASE = "north-korea-2014"


def command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the archives and the report.")] = Path("out/demo"),
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything that no source tells.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="Print report.json instead of the summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing; the files and the exit code tell.")] = False,
) -> None:
    """Re-enact North Korea, December 2014, end to end.

    Writes BGP archives (genuine MRT files of several collectors) from published facts about the case, then
    analyzes them as any other archives: `duskwatch analyze KP --mrt OUT/mrt --geo OUT/delegated-...`.
    The archives are a re-enactment; the real ones are kept by RIPE RIS and Route Views.
    """
    if out.exists() and not out.is_dir():
        fail("demo", f"--out {out} is a file; name a folder")
    with unusable_input("demo"):
        from duskwatch.analysis.entity import analyze
        from duskwatch.cases.build import build_case
        from duskwatch.cli.output import deliver

        with reading_progress(quiet or json_) as progress:
            built = build_case(CASE, out, seed=seed, progress=progress)
            report = analyze(
                parse_entity(built.entity),
                built.from_us,
                built.until_us,
                [built.mrt],
                geo=[built.geo],
                as_names=[built.as_names],
                reenactment=built.statement,
                progress=progress,
            )
        deliver(report, out, as_json=json_, png=False, quiet=quiet)
