"""How to keep signals: layouts and engines, by size, time to write a day, and time to read one entity or one moment.

    python -m benchmarks.speed.store_layouts --entities 10000 --days 30

Every layout keeps the same seeded day of six signals per entity in 288 bins. ``delta-lists`` is what the store does;
``delta-bins`` keeps one row per bin, ``delta-runs`` one per change; ``parquet-lists`` is plain Parquet by Polars with
a manifest renamed into place; ``duckdb-bins`` and ``duckdb-lists`` are measured where `duckdb` can be imported.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from duskwatch.records.entity import Entity
from duskwatch.records.signals import SignalBlock
from duskwatch.signals.bgp.measures import SPECS
from duskwatch.store import Store
from duskwatch.store.frames import blocks_frame, day_start, long_from_wide

BINS = 288
FIRST = date(2014, 12, 1)
NAMES = tuple(spec.name for spec in SPECS)
AT_ONCE = 4096


def codes(entities: int) -> list[str]:
    """AS numbers in the order of their text."""
    return sorted(f"AS{n}" for n in np.random.default_rng(1).choice(400_000, entities, replace=False))


def chunks(entities: int, day: date) -> Iterator[pl.DataFrame]:
    """A day's rows in the store's layout: sizes as of the real table (many small, few large), steps, noise, a gap."""
    names = codes(entities)
    rng = np.random.default_rng(day.toordinal())
    live = 40.0 - (rng.random(BINS) < 0.02).cumsum() % 3
    for at in range(0, entities, AT_ONCE):
        some = names[at : at + AT_ONCE]
        size = np.ceil(rng.pareto(1.1, len(some)) * 3) + 1
        down = (rng.random((len(some), BINS)) < 0.01).cumsum(axis=1) % 3
        prefixes = size[:, None] - np.minimum(down, size[:, None] - 1)
        blocks = []
        announced = rng.poisson(np.minimum(size * 0.2, 20)[:, None], prefixes.shape)
        withdrawn = rng.poisson(np.minimum(size * 0.03, 5)[:, None], prefixes.shape)
        for i, code in enumerate(some):
            v6 = np.full(BINS, float(size[i] // 3))
            values = np.stack([prefixes[i], prefixes[i] * 2, v6, live, announced[i], withdrawn[i]]).astype(float)
            coverage = np.ones_like(values)
            values[:, 200], coverage[:, 200], coverage[:, 100] = np.nan, 0.0, 0.9
            blocks.append((Entity("asn", code), SignalBlock(SPECS, day_start(day), 300_000_000, values, coverage)))
        yield blocks_frame(blocks, day)


def bins(wide: pl.DataFrame) -> pl.DataFrame:
    """One row per bin."""
    return long_from_wide(wide.lazy()).collect().with_columns(day=pl.lit(wide["day"][0]))


def runs(wide: pl.DataFrame) -> pl.DataFrame:
    """One row per change of value or coverage; it holds until the next."""
    columns = ("entity", "signal", "value", "coverage")
    return bins(wide).filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns))


class Layout(Protocol):
    """One way to keep signals."""

    def write(self, day: date, frames: Iterator[pl.DataFrame]) -> None: ...
    def entity(self, code: str) -> int: ...
    def moment(self, day: date) -> int: ...


class DeltaLists:
    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder, create=True)

    def write(self, day: date, frames: Iterator[pl.DataFrame]) -> None:
        self.store.write_signals(day, frames, source="bgp")

    def entity(self, code: str) -> int:
        return self.store.signals([NAMES[1]], entities=[Entity("asn", code)]).collect().height

    def moment(self, day: date) -> int:
        noon = day_start(day) + 43_200_000_000
        return self.store.signals([NAMES[1]], from_us=noon, until_us=noon + 1).collect(engine="streaming").height


class DeltaRows:
    """Delta tables of rows as ``make`` cuts them, written and scanned in the plainest way."""

    def __init__(self, folder: Path, make: Callable[[pl.DataFrame], pl.DataFrame], held: bool) -> None:
        self.folder, self.make, self.held = str(folder / "table"), make, held

    def write(self, day: date, frames: Iterator[pl.DataFrame]) -> None:
        import arro3.core as arrow
        from deltalake import DeltaTable, WriterProperties, write_deltalake

        first = self.make(next(frames))

        def batches() -> Iterator[Any]:
            yield from arrow.Table.from_arrow(first).to_batches()
            for frame in frames:
                yield from arrow.Table.from_arrow(self.make(frame)).to_batches()

        there = DeltaTable.is_deltatable(self.folder)
        write_deltalake(
            self.folder,
            arrow.RecordBatchReader.from_batches(arrow.Table.from_arrow(first).schema, batches()),
            partition_by=["day"],
            mode="overwrite",
            predicate=f"day = '{day}'" if there else None,
            target_file_size=1 << 30,
            writer_properties=WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=1 << 17),
        )

    def entity(self, code: str) -> int:
        rows = pl.scan_delta(self.folder).filter(pl.col("entity") == code, pl.col("signal") == NAMES[1])
        return rows.collect().sort("time").height

    def moment(self, day: date) -> int:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        rows = pl.scan_delta(self.folder).filter(pl.col("day") == day, pl.col("signal") == NAMES[1])
        if not self.held:
            return rows.filter(pl.col("time") == noon).select("entity", "value").collect(engine="streaming").height
        upto = rows.filter(pl.col("time") <= noon).group_by("entity").agg(pl.col("value").sort_by("time").last())
        return upto.collect(engine="streaming").height


class ParquetLists:
    """Files by Polars, and a manifest that names those that count; it is renamed into place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, day: date, frames: Iterator[pl.DataFrame]) -> None:
        name = f"{day}-{time.time_ns()}.parquet"
        parts = [frame.lazy() for frame in frames]  # Polars has no writer that takes frames one by one
        pl.concat(parts).sink_parquet(self.folder / name, row_group_size=1024)
        manifest = self.folder / "manifest.json"
        files = json.loads(manifest.read_text()) if manifest.exists() else {}
        files[str(day)] = name
        beside = manifest.with_suffix(".part")
        beside.write_text(json.dumps(files))
        beside.replace(manifest)

    def scan(self) -> pl.LazyFrame:
        files = json.loads((self.folder / "manifest.json").read_text())
        return pl.scan_parquet([self.folder / name for _, name in sorted(files.items())])

    def entity(self, code: str) -> int:
        rows = self.scan().filter(pl.col("entity") == code, pl.col("signal") == NAMES[1])
        return long_from_wide(rows).collect().height

    def moment(self, day: date) -> int:
        rows = self.scan().filter(pl.col("day") == day, pl.col("signal") == NAMES[1])
        return rows.select("entity", pl.col("values").list.get(144)).collect(engine="streaming").height


class DuckDB:
    """One database file, rows as ``make`` cuts them; a day is deleted and inserted in one transaction."""

    def __init__(self, folder: Path, make: Callable[[pl.DataFrame], pl.DataFrame], lists: bool) -> None:
        self.folder, self.make, self.lists = folder, make, lists

    def connect(self) -> Any:
        import duckdb

        return duckdb.connect(str(self.folder / "signals.duckdb"))

    def write(self, day: date, frames: Iterator[pl.DataFrame]) -> None:
        with self.connect() as database:
            database.execute("SET preserve_insertion_order = true; BEGIN")
            for number, frame in enumerate(frames):
                file = self.folder / "part.parquet"
                self.make(frame).write_parquet(file, compression="uncompressed")
                source = f"read_parquet('{file}', hive_partitioning = false)"
                if number == 0:
                    database.execute(f"CREATE TABLE IF NOT EXISTS signals AS FROM {source} LIMIT 0")
                    database.execute(f"DELETE FROM signals WHERE day = '{day}'")
                database.execute(f"INSERT INTO signals FROM {source}")
                file.unlink()
            database.execute("COMMIT; CHECKPOINT")

    def entity(self, code: str) -> int:
        with self.connect() as database:
            wanted = f"WHERE entity = '{code}' AND signal = '{NAMES[1]}'"
            columns = "unnest(values)" if self.lists else "time, value"
            return len(database.execute(f"SELECT {columns} FROM signals {wanted}").fetchall())

    def moment(self, day: date) -> int:
        with self.connect() as database:
            wanted = f"WHERE day = '{day}' AND signal = '{NAMES[1]}'"
            if self.lists:
                return len(database.execute(f"SELECT entity, values[145] FROM signals {wanted}").fetchall())
            noon = f"AND time = TIMESTAMPTZ '{day} 12:00:00+00'"
            return len(database.execute(f"SELECT entity, value FROM signals {wanted} {noon}").fetchall())


LAYOUTS: dict[str, Callable[[Path], Layout]] = {
    "delta-lists": DeltaLists,
    "delta-bins": lambda folder: DeltaRows(folder, bins, held=False),
    "delta-runs": lambda folder: DeltaRows(folder, runs, held=True),
    "parquet-lists": ParquetLists,
    "duckdb-lists": lambda folder: DuckDB(folder, lambda frame: frame, lists=True),
    "duckdb-bins": lambda folder: DuckDB(folder, bins, lists=False),
}


def measure(name: str, entities: int, days: int, folder: str) -> dict[str, Any]:
    """All figures of one layout; times as (wall, processor).

    Reading is the median of five, from a warm cache, with the opening of the table; making the rows is not counted.
    """
    layout = LAYOUTS[name](Path(folder))
    written = []
    for n in range(days):
        day = FIRST + timedelta(days=n)
        making = [0.0, 0.0]
        begun = _clocks()
        layout.write(day, _timed(chunks(entities, day), making))
        written.append(tuple(b - a - c for a, b, c in zip(begun, _clocks(), making, strict=True)))
    code = codes(entities)[entities // 2]
    size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    entity, of_entity = _median(lambda: layout.entity(code))
    moment, of_moment = _median(lambda: layout.moment(FIRST))
    return {
        "layout": name,
        "write_s": _middle(written),
        "mb_per_day": size / days / 1e6,
        "entity_s": entity,
        "entity_rows": of_entity,
        "moment_s": moment,
        "moment_rows": of_moment,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _timed(frames: Iterator[pl.DataFrame], spent: list[float]) -> Iterator[pl.DataFrame]:
    while True:
        begun = _clocks()
        frame = next(frames, None)
        spent[:] = (c + b - a for a, b, c in zip(begun, _clocks(), spent, strict=True))
        if frame is None:
            return
        yield frame


def _median(read: Callable[[], int]) -> tuple[tuple[float, float], int]:
    times = []
    for _ in range(5):
        begun = _clocks()
        rows = read()
        times.append(tuple(b - a for a, b in zip(begun, _clocks(), strict=True)))
    return _middle(times), rows


def _middle(times: list[tuple[float, ...]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times)


def _text(seconds: tuple[float, float]) -> str:
    return " / ".join(f"{one:.2f} s" if one >= 1 else f"{one * 1e3:.0f} ms" for one in seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--layout", action="append", choices=LAYOUTS)
    arguments = parser.parse_args()
    what = f"{arguments.entities} entities, {len(NAMES)} signals, {BINS} bins, {arguments.days} days"
    print(f"{what}; {os.cpu_count()} cores")
    print(
        "| layout | write a day (wall / processor) | size of a day | one entity, all days | all entities, one moment "
        "| peak memory |"
    )
    print("|---|---|---|---|---|---|")
    for name in arguments.layout or LAYOUTS:
        context = multiprocessing.get_context("spawn")  # a process of its own, for its peak memory
        with tempfile.TemporaryDirectory() as folder, context.Pool(1) as pool:
            try:
                one = pool.apply(measure, (name, arguments.entities, arguments.days, folder))
            except ModuleNotFoundError as error:
                print(f"| {name} | not measured: {error} | | | | |")
                continue
        assert one["moment_rows"] == arguments.entities, one
        print(
            f"| {name} | {_text(one['write_s'])} | {one['mb_per_day']:.1f} MB | {_text(one['entity_s'])} "
            f"| {_text(one['moment_s'])} | {one['peak_mb']:.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
