"""Builds a case: genuine MRT archives, a delegated file and the truth to compare results with."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from duskwatch.cases.archive_writer import PERIOD_S, write_collector
from duskwatch.cases.case import Case, Trap
from duskwatch.cases.case_file import load_case
from duskwatch.cases.noise import add_noise, add_traps
from duskwatch.cases.plot import Lost, own_events
from duskwatch.cases.stage import Stage, build_stage
from duskwatch.cases.toml_table import CaseError
from duskwatch.records.times import SECOND, iso, to_datetime

LARGEST_SCALE = 100.0
TRUTH_SCHEMA = "duskwatch.case-truth/1"

Progress = Callable[[str, int, int], None]
"""Told the file just written, files done and files in all."""


@dataclass(frozen=True, slots=True)
class BuiltCase:
    """What was written, and where."""

    case: Case
    out: Path
    mrt: Path  # folder of the archives
    geo: Path  # delegated-extended file
    as_names: Path
    truth: Path  # case.json
    collectors: tuple[str, ...]
    countries: tuple[str, ...]  # of the background
    files: int
    size_bytes: int

    @property
    def entity(self) -> str:
        """Code of the case's entity, such as KP."""
        return self.case.entity.code

    @property
    def from_us(self) -> int:
        """Start of the case's window."""
        return self.case.from_us

    @property
    def until_us(self) -> int:
        """End of the case's window."""
        return self.case.until_us

    @property
    def statement(self) -> str:
        """The sentence that says that this is a re-enactment; to be shown wherever results are."""
        return self.case.reenactment


def build_case(
    name_or_path: str | Path, out: Path, seed: int = 1, scale: float = 1.0, progress: Progress | None = None
) -> BuiltCase:
    """Write a case's archives below ``out``, which must be empty or hold an earlier build of a case.

    The same case, seed and scale give the same files. ``scale`` multiplies the background's prefixes and noise.
    Raises CaseError where the case or the scale cannot be used, OSError where a file cannot be written.
    """
    case = load_case(name_or_path)
    if not 0.01 <= scale <= LARGEST_SCALE:
        raise CaseError(f"scale {scale:g} is not between 0.01 and {LARGEST_SCALE:g}")
    _clear(out)
    stage = build_stage(case, seed, scale)
    events, lost = own_events(case, stage, seed)
    add_noise(case, stage, seed, scale, events)
    add_traps(case, stage, seed, events)
    total = sum(_file_count(case, plan.layout) for plan in case.collectors)
    total -= sum(trap.kind == "missing-file" for trap in case.traps)
    sizes: list[int] = []

    def wrote(path: Path, size: int) -> None:
        sizes.append(size)
        if progress:
            progress(path.name, len(sizes), total)

    out.mkdir(parents=True, exist_ok=True)
    truth = out / "case.json"
    truth.write_text(json.dumps(_truth(case, stage, lost, seed, scale), indent=1) + "\n", encoding="utf-8")
    # Every archive carries the mark in itself; this file says so to people.
    (out / "RE-ENACTMENT.txt").write_text(f"{case.title}\n\n{case.reenactment}\n", encoding="utf-8")
    day = to_datetime(case.from_us).date()
    geo = out / f"delegated-nro-extended-{day:%Y%m%d}"
    geo.write_text(_delegated(case, stage, day), encoding="ascii")
    names = out / "as-names.txt"
    names.write_text(_as_names(case, stage), encoding="utf-8")
    for plan in case.collectors:
        write_collector(case, stage, plan, events, out / "mrt", wrote)
    return BuiltCase(
        case,
        out,
        out / "mrt",
        geo,
        names,
        truth,
        tuple(plan.name for plan in case.collectors),
        tuple(country.code for country in stage.countries),
        len(sizes),
        sum(sizes),
    )


def _clear(out: Path) -> None:
    """Remove an earlier build, and nothing else."""
    if not out.exists():
        return
    if not out.is_dir():
        raise CaseError(f"{out}: a file of that name is there; give a folder to write to")
    if not any(out.iterdir()):
        return
    truth = out / "case.json"
    if not truth.is_file() or TRUTH_SCHEMA not in truth.read_text(encoding="utf-8", errors="replace")[:200]:
        raise CaseError(f"{out}: this folder holds other things than an earlier build; give an empty or a new one")
    for path in sorted((out / "mrt").rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def _file_count(case: Case, layout: str) -> int:
    length = case.until_us - case.from_us
    dump_us = case.background.table_dump_hours * 3600 * SECOND
    return -(-length // (PERIOD_S[layout] * SECOND)) + -(-length // dump_us)


def _truth(case: Case, stage: Stage, lost: tuple[Lost, ...], seed: int, scale: float) -> dict[str, Any]:
    outages = []
    for loss in case.losses:
        of_loss = [row for row in lost if row.fact == loss.fact]
        outages.append(
            {
                "fact": loss.fact,
                "from": iso(loss.from_us),
                "until": iso(loss.until_us),
                "all_lost_from": iso(max(row.from_s for row in of_loss) * SECOND),
                "all_lost_until": iso(min(row.until_s for row in of_loss) * SECOND),
                "sources": list(case.fact(loss.fact).sources),
            }
        )
    return {
        "schema": TRUTH_SCHEMA,
        "case": case.name,
        "title": case.title,
        "reenactment": case.reenactment,
        "seed": seed,
        "scale": scale,
        "entity": case.entity.code,
        "window": {"from": iso(case.from_us), "until": iso(case.until_us)},
        "outages": outages,
        "unstable": [{"fact": row.fact, "from": iso(row.from_us), "until": iso(row.until_us)} for row in case.unstable],
        "majority_lost": [
            {
                "fact": row.fact,
                "prefix": str(stage.prefixes[row.prefix]),
                "from": iso(row.from_s * SECOND),
                "until": iso(row.until_s * SECOND),
            }
            for row in lost
        ],
        "traps": [_trap_truth(trap) for trap in case.traps],
        "collectors": {
            name: [
                {"asn": session.peer.asn, "address": session.peer.address, "feed": session.feed} for session in sessions
            ]
            for name, sessions in stage.sessions.items()
        },
        "countries_without_outage": {country.code: len(country.prefixes) for country in stage.countries},
    }


def _trap_truth(trap: Trap) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": trap.kind, "collector": trap.collector}
    if trap.from_us is not None:
        out["from"] = iso(trap.from_us)
    if trap.until_us is not None:
        out["until"] = iso(trap.until_us)
        out["tables_sent_anew_until"] = iso(trap.until_us + (trap.transfer_seconds or 0) * SECOND)
    if trap.peer is not None:
        out["peer"] = trap.peer
    if trap.fact is not None:
        out["fact"] = trap.fact
    return out


def _delegated(case: Case, stage: Stage, day: date) -> str:
    """The joint file of all registries, in their format. The case's own lines are the real ones."""
    kinds: dict[str, list[str]] = {"asn": [], "ipv4": [], "ipv6": []}
    for line in case.delegations:
        kinds[line.split("|")[2]].append(line)
    for country in stage.countries:
        head, tail = f"{country.registry}|{country.code}", f"20050101|allocated|stage-{country.code}"
        kinds["ipv4"].append(f"{head}|ipv4|{country.ipv4[0]}|{country.ipv4[1]}|{tail}")
        kinds["asn"].append(f"{head}|asn|{country.asns[0]}|{country.asns[1]}|{tail}")
        if country.ipv6:
            kinds["ipv6"].append(f"{head}|ipv6|{country.ipv6[0]}|{country.ipv6[1]}|{tail}")
    count = sum(map(len, kinds.values()))
    end = day - timedelta(days=1)
    lines = [
        "# Made for a re-enactment; no registry published this file.",
        f"# Case: {case.title}. Lines of {case.entity.code} are as published; all others give made-up space",
        "# (RFC 1918, RFC 9637, RFC 6996) to a country's name, so that there is a background.",
        f"2|nro|{day:%Y%m%d}|{count}|19821213|{end:%Y%m%d}|+0000",
    ]
    lines += [f"nro|*|{kind}|*|{len(rows)}|summary" for kind, rows in kinds.items()]
    for rows in kinds.values():
        lines += rows
    return "\n".join(lines) + "\n"


def _as_names(case: Case, stage: Stage) -> str:
    """AS number, name and country, one a line, as RIPE NCC's asnames.txt has them."""
    names = dict(case.as_names)
    for country in stage.countries:
        first = country.asns[0]
        for asn in sorted({asn for before in stage.transits for asn in before if first <= asn < first + 10}):
            names[asn] = f"MADE-UP-{country.code}-{asn - first + 1} Made-up national network, {country.code}"
    return "".join(f"{asn} {name}\n" for asn, name in sorted(names.items()))
