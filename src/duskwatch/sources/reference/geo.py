"""Files that say which country holds which addresses, whatever their kind, as one CountryRanges."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from duskwatch.records.countries import AsnCountries, CountryRanges
from duskwatch.records.report import InputFile
from duskwatch.sources.reference.delegated import Delegations, read_delegated
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, is_mmdb, read_stored
from duskwatch.sources.reference.held import HeldTable, code_of, settle_table

_ONES = (1 << 64) - 1
_FAR_DAYS = 31  # a file further from the day analysed than this is pointed out


def load_geo(paths: Sequence[Path | str], on: date) -> CountryRanges:
    """Read RIR delegated files and MaxMind-format databases, told apart by content, as they apply on a day.

    Records dated after ``on`` are left out; where files contradict each other the later record has the addresses, at
    the same date the file named first. ReferenceDataError, in one line, where a file cannot be used.
    """
    if not paths:
        raise ReferenceDataError("no file to map addresses to countries was named")
    parts: list[Delegations] = []
    notes: list[str] = []
    inputs: list[InputFile] = []
    days: list[tuple[str, date]] = []
    sources: list[str] = []
    for path in paths:
        file = read_stored(path)
        if is_mmdb(file.data):
            part, records, bad, damage, kind = *_mmdb(file, notes), 0, "", "mmdb"
        else:
            part = read_delegated(file, on)
            records, bad, damage, kind = part.records, part.damaged, "; ".join(part.damage), "delegated"
            _note_left_out(part, file.name, on, notes)
        parts.append(part)
        sources.append(f"{file.name} ({part.dated or 'not dated'})")
        if part.dated is not None:
            days.append((file.name, part.dated))
        inputs.append(
            InputFile(file.name, file.sha256, kind, None, None, records, bad, damage, size_bytes=file.size_bytes)
        )
    notes += _note_distance(days, on)
    return _ranges(parts, "; ".join(sources), max((day for _, day in days), default=None), notes, tuple(inputs))


def _mmdb(file: StoredFile, notes: list[str]) -> tuple[Delegations, int]:
    from duskwatch.sources.reference.mmdb import read_mmdb

    database = read_mmdb(file)
    if database.nameless:
        notes.append(f"{file.name}: {database.nameless} of {database.networks} networks have no country")
    tables = HeldTable.of(database.ipv4), HeldTable.of(database.ipv6)
    return Delegations(*tables, dated=database.dated), database.networks


def _note_left_out(part: Delegations, name: str, on: date, notes: list[str]) -> None:
    if part.later:
        notes.append(
            f"{name}: {part.later:,} records are dated after {on} and were left out: that space was not theirs yet"
        )
    if part.damaged:
        lines = "line was" if part.damaged == 1 else "lines were"
        notes.append(f"{name}: {part.damaged:,} damaged {lines} left out ({part.damage[0]})")


def _note_distance(dated: list[tuple[str, date]], on: date) -> list[str]:
    after = [name for name, day in dated if (day - on).days > _FAR_DAYS]
    before = [name for name, day in dated if (on - day).days > _FAR_DAYS]
    notes = []
    if after:
        notes.append(f"{', '.join(after)}: dated after the day analysed ({on}); space given up in between is missing")
    if before:
        notes.append(f"{', '.join(before)}: dated before the day analysed ({on}); space handed out since is missing")
    return notes


def _ranges(
    parts: list[Delegations], source: str, dated: date | None, notes: list[str], inputs: tuple[InputFile, ...]
) -> CountryRanges:
    runs4, against4 = settle_table(HeldTable.join([part.ipv4 for part in parts]))
    runs6, against6 = settle_table(HeldTable.join([part.ipv6 for part in parts]))
    runs_asn, against_asn = settle_table(HeldTable.join([part.asn for part in parts]))
    if against := against4 + against6 + against_asn:
        notes.append(f"{against} records contradict another on the country; the later record was taken")
    country = np.concatenate([runs4.country, runs6.country])
    numbers = np.unique(country)
    # An IPv4 address stands in the top 32 of 128 bits; its /32 spans all that is below.
    top, below = np.uint64(32), np.uint64((1 << 32) - 1)
    zero, ones = np.zeros(len(runs4), np.uint64), np.full(len(runs4), _ONES, np.uint64)
    damaged: dict[str, tuple[str, ...]] = {}
    for part, file in zip(parts, inputs, strict=True):
        for code, texts in part.damaged_of.items():
            damaged[code] = (*damaged.get(code, ()), *(f"{file.name}: {text}" for text in texts))
    return CountryRanges(
        afi=np.array([1] * len(runs4) + [2] * len(runs6), dtype=np.uint8),
        first_hi=np.concatenate([runs4.first_lo << top, runs6.first_hi]),
        first_lo=np.concatenate([zero, runs6.first_lo]),
        last_hi=np.concatenate([(runs4.last_lo << top) | below, runs6.last_hi]),
        last_lo=np.concatenate([ones, runs6.last_lo]),
        country=np.searchsorted(numbers, country).astype(np.int32),
        countries=tuple(code_of(number) for number in numbers.tolist()),
        source=source,
        dated=dated,
        asn_country=AsnCountries(runs_asn.rows()),
        notes=tuple(notes),
        inputs=inputs,
        damaged=damaged,
    )
