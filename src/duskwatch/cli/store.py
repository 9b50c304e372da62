"""`duskwatch store`: care of a store."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from duskwatch.cli.options import fail, unusable_input
from duskwatch.cli.store_options import (
    DEFAULT_STORE,
    DatabaseOption,
    StorageOption,
    StoreOption,
    open_store,
    storage_options,
)
from duskwatch.records.text import size_text

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="What a store takes; merge, remove, bring up to date."
)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command("info")
def info(
    store: StoreOption = DEFAULT_STORE,
    database: DatabaseOption = "",
    storage_option: StorageOption = None,
    json_: Json = False,
) -> None:
    """What each table holds, and how many outages, incidents and notes there are."""
    with _reports("info"):
        opened = open_store(store, database, storage_option)
        from dataclasses import asdict

        from duskwatch.store import maintenance

        tables = maintenance.info(opened.location)
        events = _events(opened)
        if json_:
            _print_json({"store": opened.location.root, "tables": [asdict(one) for one in tables], "events": events})
            return
        print(opened.location.root)
        rows = [("table", "schema", "commit", "first day", "last day", "days", "rows", "files", "size", "unused files")]
        rows += [
            (
                one.name, str(one.schema_version), str(one.commit), str(one.first_day or "-"), str(one.last_day or "-"),
                str(one.days), str(one.rows), str(one.files), size_text(one.file_bytes), str(one.unused_files),
            )
            for one in tables
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
        if events is None:
            print("no database of outages (name one with --database)")
        else:
            print(", ".join(f"{count} {name}" for name, count in events.items()))


@app.command("compact")
def compact(store: StoreOption = DEFAULT_STORE, storage_option: StorageOption = None, json_: Json = False) -> None:
    """Merge the files of each day into one. Readers and writers may go on meanwhile."""
    with _reports("compact"):
        opened = open_store(store, "", storage_option)
        from duskwatch.store import maintenance

        done = maintenance.compact(opened.location)
        if json_:
            _print_json({name: {"files_before": a, "files_after": b} for name, (a, b) in done.items()})
            return
        for name, (before, after) in done.items():
            print(f"{name}: {before} files, now {after}")


@app.command("vacuum")
def vacuum(
    store: StoreOption = DEFAULT_STORE,
    storage_option: StorageOption = None,
    older_than: Annotated[
        str, typer.Option("--older-than", help="Files at least this old: 0h, 48h, 7d. Longer than any write or query.")
    ] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which files.")] = False,
    json_: Json = False,
) -> None:
    """Remove files that no table refers to: of days replaced or taken out, and of writes that were killed."""
    with _reports("vacuum"):
        age = _span("vacuum", "--older-than", older_than)
        opened = open_store(store, "", storage_option)
        from duskwatch.store import maintenance

        done = maintenance.vacuum(opened.location, age, dry_run=dry_run)
        if json_:
            _print_json(done)
            return
        for name, files in done.items():
            print(f"{name}: {len(files)} files {'to remove' if dry_run else 'removed'}")
            if dry_run:
                for file in files:
                    print(f"  {file}")


@app.command("retain")
def retain(
    keep: Annotated[
        str | None, typer.Option("--keep", help="Keep days as old as this, counted from today: 90d, 52w.")
    ] = None,
    before: Annotated[str | None, typer.Option("--before", help="Take out days before this date: 2024-01-01.")] = None,
    store: StoreOption = DEFAULT_STORE,
    storage_option: StorageOption = None,
    json_: Json = False,
) -> None:
    """Take old days out of the tables; outages, incidents and notes stay. `vacuum` then frees the space."""
    with _reports("retain"):
        if (keep is None) == (before is None):
            fail("store retain", "give one of --keep 90d and --before 2024-01-01")
        limit = _date(before) if before else (datetime.now(UTC) - _span("retain", "--keep", keep or "")).date()
        opened = open_store(store, "", storage_option)
        from duskwatch.store import maintenance

        done = maintenance.retain(opened.location, limit)
        if json_:
            _print_json({"before": limit.isoformat(), "rows": done})
            return
        for name, rows in done.items():
            print(f"{name}: {rows} rows of days before {limit.isoformat()} taken out")


@app.command("migrate")
def migrate(
    store: StoreOption = DEFAULT_STORE, database: DatabaseOption = "", storage_option: StorageOption = None
) -> None:
    """Bring tables and database to the layout of this version; what is up to date is left as it is."""
    with _reports("migrate"):
        from duskwatch.store import Store, StoreError, tables
        from duskwatch.store.location import locate
        from duskwatch.store.table_migrations import migrate as migrate_tables

        location = locate(store, storage_options(storage_option))
        if not tables.exists(location, "signals"):
            raise StoreError(f"{store}: no store there; name one with --store")
        steps = [
            f"{name}: made" if not old else f"{name}: from version {old} to {new}"
            for name, old, new in migrate_tables(location)
        ]
        opened = Store.open(store, database=database, storage_options=dict(location.options))
        if opened.database:
            from duskwatch.store.database import migrate as migrate_database

            before, after = migrate_database(opened.database)
            if before != after:
                steps.append(f"database: from version {before} to {after}" if before else "database: made")
        print("\n".join(steps) if steps else "up to date")


@contextmanager
def _reports(name: str) -> Iterator[None]:
    with unusable_input(f"store {name}"):
        yield


def _events(opened: Any) -> dict[str, int] | None:
    if not opened.database:
        return None
    from duskwatch.store.revisions import counts

    return counts(opened.events())


def _span(command: str, option: str, text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if match is None:
        fail(f"store {command}", f"{option} {text}: a number with h, d or w, such as 90d")
    return int(match[1]) * _UNITS[match[2]]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail("store retain", f"--before {text}: a date, such as 2024-01-01")


def _print_json(document: Any) -> None:
    import json

    print(json.dumps(document, default=str))
