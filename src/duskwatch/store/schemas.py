"""The tables: columns, partitions, order of rows, and the number that rises when one of these changes.

Times are UTC to the microsecond. Strings, numbers and times may be null only where the comment says so.
Delta has no unsigned integers, so AS numbers are Int64.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

VERSION_KEY = "duskwatch.schema"
TIME = pl.Datetime("us", "UTC")

Columns = Mapping[str, pl.DataType | type[pl.DataType]]

# What every table begins with. Rows of one source, day and generation are written together and never changed; table
# ``days`` names the generation that counts.
OWNER: Columns = {
    "source": pl.String,  # who recorded: a kind of measurement (bgp), or one of its recorders (bgp-oslo)
    "day": pl.Date,  # UTC
    "generation": pl.Int64,  # of the write: microseconds since 1970, and a number drawn by lot
}
PARTITIONS = ("source", "day", "generation")


@dataclass(frozen=True, slots=True, eq=False)
class TableSpec:
    """One table of the store."""

    name: str
    version: int
    columns: Columns
    partition_by: tuple[str, ...]
    sort_by: tuple[str, ...]  # order of rows inside a partition, and among those of several sources
    row_group: int  # rows whose minima and maxima are kept together; a scan of one entity reads few of these
    rules: Mapping[str, pl.Expr] = field(default_factory=dict)  # the message where a row breaks one

    def empty(self) -> pl.DataFrame:
        """No rows, all columns."""
        return pl.DataFrame(schema=dict(self.columns))


SIGNALS_TABLE = TableSpec(
    "signals",
    3,
    {
        **OWNER,  # the day is that of the first bin; the others are of the same day
        "entity_type": pl.String,
        "entity": pl.String,
        "signal": pl.String,
        # What it means, as whoever measures it declares (records.signals.SignalSpec).
        "family": pl.String,
        "role": pl.String,
        "unit": pl.String,
        "sampled": pl.String,
        "less_is_loss": pl.Boolean,
        "bin_fixed": pl.Boolean,  # the length of bins belongs to the signal, and was not chosen
        "start": TIME,  # start of the first bin
        "bin_seconds": pl.Int32,
        "values": pl.List(pl.Float64),  # one per bin; null where nobody was watching
        "coverage": pl.List(pl.Float32),  # one per bin, 0..1
    },
    PARTITIONS,
    ("entity_type", "entity", "signal", "source", "bin_seconds", "start"),
    1024,
    {
        "as many values as coverages are needed": pl.col("values").list.len() == pl.col("coverage").list.len(),
        "begins on another day": pl.col("start").dt.date() == pl.col("day"),
        "bins last a second to a day": pl.col("bin_seconds").is_between(1, 86_400),
    },
)

CHANGES_TABLE = TableSpec(
    "changes",
    3,
    {
        **OWNER,
        "entity_type": pl.String,
        "entity": pl.String,
        "time": TIME,
        "prefix": pl.String,
        "state": pl.String,  # unknown, dark, minority, visible: from this time on
        "votes": pl.Int32,
        "voters": pl.Int32,
        "origin": pl.Int64,  # 0: none known
        "upstream": pl.Int64,  # 0: none
        "beyond": pl.Int64,  # 0: none; null: not recorded
        "by_voters": pl.Boolean,
    },
    PARTITIONS,
    ("entity_type", "entity", "source", "time"),
    16_384,
)

LEVELS = TableSpec(
    "levels",
    2,
    {
        **OWNER,
        "entity_type": pl.String,
        "entity": pl.String,
        "time": TIME,  # the row holds from here
        "until": TIME,  # to here: the next row, midnight, or the end of the window
        "prefixes": pl.Float64,  # this and the next five: null while nobody was watching
        "slash24": pl.Float64,
        "slash48": pl.Float64,
        "held_slash24": pl.Float64,
        "held_slash48": pl.Float64,
        "voters": pl.Float64,
        "by_voters": pl.Boolean,
        "known_share": pl.Float64,  # of a country's space that routes were heard for that day; 1 for others
    },
    PARTITIONS,
    ("entity_type", "entity", "source", "time"),
    16_384,
)

DUMP_CHECKS = TableSpec(
    "dump_checks",
    2,
    {
        **OWNER,
        "collector": pl.String,
        "peer_asn": pl.Int64,
        "peer_address": pl.String,
        "time": TIME,  # of the table dump
        "held": pl.Int64,  # routes that the folded state held
        "matched": pl.Int64,  # of these, in the dump
        "missing": pl.Int64,  # in the dump, not in the state
        "rate": pl.Float64,  # share that disagrees, 0..1; null where there was nothing to compare
    },
    PARTITIONS,
    ("source", "collector", "peer_asn", "peer_address", "time"),
    16_384,
)

INPUTS = TableSpec(
    "inputs",
    2,
    {
        **OWNER,
        "collector": pl.String,  # empty for files of no collector
        "name": pl.String,
        "sha256": pl.String,
        "kind": pl.String,
        "from": TIME,  # first and last time in it; null where it holds none
        "until": TIME,
        "records": pl.Int64,
        "bad_records": pl.Int64,
        "damage": pl.String,  # empty where it is whole
        "size_bytes": pl.Int64,
    },
    PARTITIONS,
    ("source", "collector", "name"),
    16_384,
)

GAPS = TableSpec(
    "gaps",
    2,
    {
        **OWNER,
        "vantage_point": pl.String,  # who of the source was not watching: a collector, or a peer of one
        "from": TIME,
        "until": TIME,
        "reason": pl.String,
        "peers": pl.Int32,  # full-feed voters that this took out
    },
    PARTITIONS,
    ("source", "vantage_point", "from"),
    16_384,
)

# Tables of rows, of which ``days`` says which count.
DATA: tuple[TableSpec, ...] = (CHANGES_TABLE, LEVELS, DUMP_CHECKS, INPUTS, GAPS, SIGNALS_TABLE)

DAYS = TableSpec(
    "days",
    2,
    {
        "source": pl.String,
        "day": pl.Date,
        "from": TIME,  # what of the day was recorded
        "until": TIME,
        "learned": pl.Boolean,  # no table dump to start from, so the state was learned from updates
        "reenactment": pl.String,  # null for recordings; else the sentence that says that the files were generated
        # The generation of each table that counts; null where the source has no row of that day in it.
        **{spec.name: pl.Int64 for spec in DATA},
    },
    ("source", "day"),
    ("source", "day"),
    1024,
)

# The one that makes a folder a store is made last.
TABLES: tuple[TableSpec, ...] = (*DATA, DAYS)
BY_NAME: Mapping[str, TableSpec] = {table.name: table for table in TABLES}
