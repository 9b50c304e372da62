"""Backfills of the small archive, and what is to be compared of two of them."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from duskwatch.drivers.backfill.plan import Part, Plan, plan_parts
from duskwatch.sources.bgp.archives.find import find_files
from duskwatch.store import Store, maintenance
from duskwatch.store.incidents import stored_incidents
from duskwatch.store.schemas import DATA, SIGNALS_TABLE, TABLES
from tests.days_archive import day_us


def plan_of(store: Path, geo: Path, **more: Any) -> Plan:
    """A plan as the command makes it."""
    return Plan(str(store), store / "work", geo=(geo,), prefixes=("175.45.176.0/22",), **more)


def parts_of(mrt: Path, first: int = 0, last: int = 3) -> list[Part]:
    """The parts of the days [first, last) of the archive."""
    return plan_parts(find_files([mrt])[0], day_us(first), day_us(last))


def tables_of(folder: Path) -> dict[str, pl.DataFrame]:
    """All that is in the tables, in order."""
    store = Store.open(folder)
    rows = {spec.name: store.rows(spec.name) for spec in DATA if spec is not SIGNALS_TABLE}
    rows[SIGNALS_TABLE.name] = store.signal_rows()
    return {spec.name: rows[spec.name].collect().sort(*spec.sort_by, maintain_order=True) for spec in DATA}


def outages_of(folder: Path) -> list[tuple[Any, ...]]:
    """All that is recorded of outages, but ids and the time of recording."""
    return [
        (one.entity, one.detector, one.newest.number, one.newest.state, one.newest.window, one.newest.outage)
        for one in Store.open(folder).outages(states=("open", "ended", "withdrawn", "superseded"))
    ]


def incidents_of(folder: Path) -> list[tuple[Any, ...]]:
    """All that is recorded of incidents, but numbers, ids of outages and the time of recording."""
    states = ("open", "ended", "withdrawn", "closed")
    return [
        (one.entity, one.title, one.revision, one.state, one.from_us, one.until_us, len(one.outages))
        for one in stored_incidents(Store.open(folder).events(), states=states)
    ]


def work_of(folder: Path) -> Sequence[str]:
    """Files of the work folder, by name."""
    work = folder / "work"
    return sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())


def orphans_of(folder: Path) -> set[str]:
    """Files of tables that no table refers to, and that vacuum leaves all the same."""
    store = Store.open(folder)
    maintenance.vacuum(store.location, timedelta(0))
    left: set[str] = set()
    for spec in TABLES:
        used = set(maintenance.tables.open_any(store.location, spec.name).file_uris())
        files = {str(path) for path in (folder / spec.name).rglob("*") if path.is_file()}
        log = {path for path in files if "_delta_log" in path and path.endswith((".json", ".checkpoint.parquet"))}
        left |= files - used - log - {str(folder / spec.name / "_delta_log" / "_last_checkpoint")}
    return left


def assert_same_tables(folder: Path, other: Path) -> None:
    """The tables of two stores hold the same rows."""
    mine, theirs = tables_of(folder), tables_of(other)
    for name in mine:
        assert_frame_equal(mine[name], theirs[name], check_exact=True)


def assert_same(folder: Path, other: Path) -> None:
    """Two stores hold the same, outages and all, as if one run had filled each."""
    assert_same_tables(folder, other)
    assert outages_of(folder) == outages_of(other)
    assert incidents_of(folder) == incidents_of(other)


def gaps_of(store: Path) -> list[tuple[str, int, int]]:
    rows = Store.open(store).rows("gaps").collect()
    return [
        (row["vantage_point"], row["from"], row["until"]) for row in rows.cast({"from": int, "until": int}).to_dicts()
    ]
