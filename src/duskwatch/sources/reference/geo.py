"""Files that say which country holds which addresses, whatever their kind, as one CountryRanges."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from duskwatch.records.countries import AsnCountries, CountryRanges
from duskwatch.records.report import InputFile
from duskwatch.sources.reference.delegated import Delegations, read_delegated
from duskwatch.sources.reference.files import ReferenceDataError, StoredFile, is_mmdb, read_stored
from duskwatch.sources.reference.overlaps import Held, Run, settle

_ONES = (1 << 64) - 1
_FAR_DAYS = 31  # a file further from the day analysed than this is pointed out


def load_geo(paths: Sequence[Path | str], on: date) -> CountryRanges:
    """Read RIR delegated files and MaxMind-format databases, told apart by content, as they apply on a day.

    Records dated after ``on`` are left out; where files contradict each other the later record has the addresses, at
    the same date the file named first. ReferenceDataError, in one line, where a file cannot be used.
    """
    if not paths:
        raise ReferenceDataError("no file to map addresses to countries was named")
    ipv4: list[Held] = []
    ipv6: list[Held] = []
    asn: list[Held] = []
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
        ipv4 += part.ipv4
        ipv6 += part.ipv6
        asn += part.asn
        sources.append(f"{file.name} ({part.dated or 'not dated'})")
        if part.dated is not None:
            days.append((file.name, part.dated))
        inputs.append(
            InputFile(file.name, file.sha256, kind, None, None, records, bad, damage, size_bytes=file.size_bytes)
        )
    notes += _note_distance(days, on)
    return _ranges(
        ipv4, ipv6, asn, "; ".join(sources), max((day for _, day in days), default=None), notes, tuple(inputs)
    )


def _mmdb(file: StoredFile, notes: list[str]) -> tuple[Delegations, int]:
    from duskwatch.sources.reference.mmdb import read_mmdb

    database = read_mmdb(file)
    if database.nameless:
        notes.append(f"{file.name}: {database.nameless} of {database.networks} networks have no country")
    return Delegations(database.ipv4, database.ipv6, [], database.dated), database.networks


def _note_left_out(part: Delegations, name: str, on: date, notes: list[str]) -> None:
    if part.later:
        notes.append(f"{name}: {part.later} records dated after {on} left out; that space was not theirs yet")
    if part.damaged:
        notes.append(f"{name}: {part.damaged} damaged lines left out ({part.damage[0]})")


def _note_distance(dated: list[tuple[str, date]], on: date) -> list[str]:
    after = [name for name, day in dated if (day - on).days > _FAR_DAYS]
    before = [name for name, day in dated if (on - day).days > _FAR_DAYS]
    notes = []
    if after:
        notes.append(f"dated after the day analysed ({on}), so silent on space given up since: {', '.join(after)}")
    if before:
        notes.append(f"dated before the day analysed ({on}), so space handed out since is missing: {', '.join(before)}")
    return notes


def _ranges(
    ipv4: list[Held],
    ipv6: list[Held],
    asn: list[Held],
    source: str,
    dated: date | None,
    notes: list[str],
    inputs: tuple[InputFile, ...],
) -> CountryRanges:
    runs4, against4 = settle(ipv4)
    runs6, against6 = settle(ipv6)
    runs_asn, against_asn = settle(asn)
    if against := against4 + against6 + against_asn:
        notes.append(f"{against} records contradict another on the country; the later record was taken")
    countries = tuple(sorted({run.country for run in (*runs4, *runs6)}))
    index = {code: n for n, code in enumerate(countries)}
    aligned = [*_aligned(runs4, 96), *_aligned(runs6, 0)]
    return CountryRanges(
        afi=np.array([1] * len(runs4) + [2] * len(runs6), dtype=np.uint8),
        first_hi=np.array([first >> 64 for first, _ in aligned], dtype=np.uint64),
        first_lo=np.array([first & _ONES for first, _ in aligned], dtype=np.uint64),
        last_hi=np.array([last >> 64 for _, last in aligned], dtype=np.uint64),
        last_lo=np.array([last & _ONES for _, last in aligned], dtype=np.uint64),
        country=np.array([index[run.country] for run in (*runs4, *runs6)], dtype=np.int32),
        countries=countries,
        source=source,
        dated=dated,
        asn_country=AsnCountries(runs_asn),
        notes=tuple(notes),
        inputs=inputs,
    )


def _aligned(runs: list[Run], spare_bits: int) -> list[tuple[int, int]]:
    return [(first << spare_bits, ((last + 1) << spare_bits) - 1) for first, last, _ in runs]
