"""Which country a probe is in: RIPE Atlas's list of probes, as its API and its archive give it."""

from pathlib import Path

import msgspec

from duskwatch.records.errors import InputError
from duskwatch.sources.files.json_entries import json_entries

MOST_PROBES = 1_000_000


class ProbeListError(InputError):
    """A file that lists no probes."""


class _Probe(msgspec.Struct):
    id: int
    country_code: str | None = None


class _Page(msgspec.Struct):
    """A page of the API (``results``), or the daily archive (``objects``)."""

    results: list[msgspec.Raw] = []
    objects: list[msgspec.Raw] = []


def read_probe_countries(path: Path) -> dict[int, str]:
    """Country code by number of probe. Probes without a country are left out. ProbeListError where there is none."""
    found: dict[int, str] = {}
    for entry in json_entries(path):
        for raw in _probes(entry.data):
            try:
                probe = msgspec.json.decode(raw, type=_Probe)
            except (msgspec.DecodeError, RecursionError):
                continue
            code = (probe.country_code or "").upper()
            if len(code) == 2 and code.isascii() and code.isalpha() and 0 < probe.id < 2**31:
                found[probe.id] = code
                if len(found) > MOST_PROBES:
                    raise ProbeListError(f"{path}: more than {MOST_PROBES:,} probes")
    if not found:
        raise ProbeListError(f"{path}: no probe with an id and a country_code in it")
    return found


def _probes(data: bytes) -> list[bytes]:
    """Probes in an entry: those of a page, or the entry itself."""
    try:
        page = msgspec.json.decode(data, type=_Page)
    except (msgspec.DecodeError, RecursionError):
        return [data] if data else []
    inner = [bytes(raw) for raw in (*page.results, *page.objects)]
    return inner or [data]
