"""The files that a report was made from, by collector."""

from typing import NamedTuple

from duskwatch.publication.tables import Row
from duskwatch.publication.times_text import table_time
from duskwatch.records.report import InputFile, Report
from duskwatch.records.text import size_text

MOST_FILES = 300


class Files(NamedTuple):
    """The files of one collector, or those that belong to none."""

    title: str
    many: int
    size: str
    records: str
    bad: str
    damaged: int
    rows: tuple[Row, ...]


def inputs(report: Report) -> tuple[Files, ...]:
    """The files read, by collector; reference files last."""
    groups: dict[str, list[InputFile]] = {}
    for file in report.inputs:
        groups.setdefault(file.collector, []).append(file)
    return tuple(_files(name, groups[name]) for name in sorted(groups, key=lambda name: (name == "", name)))


INPUT_HEADS = ("file", "kind", "first (UTC)", "last (UTC)", "records", "bad", "size", "damage", "sha256")


def _files(name: str, files: list[InputFile]) -> Files:
    rows = tuple(
        Row((file.name, file.kind, table_time(file.from_us) if file.from_us is not None else "-",
             table_time(file.until_us) if file.until_us is not None else "-", f"{file.records:,}",
             f"{file.bad_records:,}", size_text(file.size_bytes), file.damage or "-", file.sha256))
        for file in files[:MOST_FILES]
    )  # fmt: skip
    return Files(
        name or ("series" if all(file.kind in ("series", "doubled") for file in files) else "reference files"),
        len(files),
        size_text(sum(file.size_bytes for file in files)),
        f"{sum(file.records for file in files):,}",
        f"{sum(file.bad_records for file in files):,}",
        sum(bool(file.damage) for file in files),
        rows,
    )
