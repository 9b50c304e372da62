"""RIPE Atlas: the connection log of its probes (measurement 7000 of the API), as an array or a line for each event.

Every event says that a controller of the platform met or lost a probe. Fields, as files hold them: ``timestamp``
(seconds), ``prb_id``, ``event`` (connect, disconnect), ``asn`` (a number, a text, null, empty), ``controller`` (may be
empty or missing), ``prefix``, ``type``. Files are not in order of time.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from duskwatch.records.entries import BadEntry, EntryCount
from duskwatch.records.errors import InputError
from duskwatch.records.probes import ConnectionLog
from duskwatch.records.text import clean_name
from duskwatch.records.times import SECOND, iso
from duskwatch.sources.files.json_entries import json_entries

EARLIEST_S, LATEST_S = 1_262_304_000, 4_102_444_800  # 2010, when the platform began, and 2100
LONGEST_ENTRY = 64 << 10  # bytes of one event in a file of lines
MOST_EVENTS = 5_000_000
MOST_CONTROLLERS = 10_000
MOST_EXAMPLES = 20
_EVENTS = {"connect": True, "disconnect": False}


class ConnectionLogError(InputError):
    """A file that holds no connection log."""


class _Event(msgspec.Struct):
    """Fields that are used; others are passed over."""

    timestamp: int | float | str
    prb_id: int | str
    event: str
    asn: int | float | str | None = None
    controller: str | None = None
    type: str | None = None


_DECODER = msgspec.json.Decoder(_Event)


def read_connections(paths: Sequence[Path]) -> ConnectionLog:
    """Events of all files, in order of time, each once. ``time_us`` in microseconds since 1970, UTC.

    An entry that cannot be read is counted with its place and kept out. Raises ConnectionLogError where no entry of
    any file is an event, and OSError where a file cannot be read.
    """
    rows: list[tuple[int, int, int, bool, int]] = []
    controllers: dict[str, int] = {}
    examples: list[BadEntry] = []
    bad = 0
    for path in paths:
        for entry in json_entries(path, longest=LONGEST_ENTRY):
            fault = entry.fault
            if not fault:
                row = _row(entry.data, controllers)
                if isinstance(row, str):
                    fault = row
                elif len(rows) >= MOST_EVENTS:
                    raise ConnectionLogError(f"{path}: more than {MOST_EVENTS:,} events; give fewer files at once")
                else:
                    rows.append(row)
            if fault:
                bad += 1
                if len(examples) < MOST_EXAMPLES:
                    examples.append(BadEntry(f"{path.name}, {entry.place}", clean_name(fault)))
    if not rows:
        names = ", ".join(path.name for path in paths[:3]) or "no file"
        said = f" ({examples[0].place}: {examples[0].reason})" if examples else ""
        raise ConnectionLogError(f"{names}: no connection event of RIPE Atlas in it{said}")
    kept = sorted(set(rows))
    table = np.array(kept, np.int64).reshape(-1, 5)
    return ConnectionLog(
        time_us=table[:, 0].copy(),
        probe=table[:, 1].copy(),
        asn=table[:, 2].astype(np.uint32),
        controller=table[:, 4].astype(np.int32),
        connects=table[:, 3].astype(bool),
        controllers=tuple(controllers),
        count=EntryCount(len(kept), bad, len(rows) - len(kept), tuple(examples)),
    )


def _row(data: bytes, controllers: dict[str, int]) -> tuple[int, int, int, bool, int] | str:
    """Time, probe, AS, whether it came, controller; or what is wrong with the entry."""
    try:
        event = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        return str(error)[:120]
    if event.type not in (None, "", "connection"):
        return f"of type {event.type[:20]}, not connection"
    if (came := _EVENTS.get(event.event)) is None:
        return f"event '{event.event[:20]}' is neither connect nor disconnect"
    time_s = _number(event.timestamp)
    if time_s is None or not EARLIEST_S <= time_s < LATEST_S:
        return f"timestamp {str(event.timestamp)[:24]} lies not between {iso(EARLIEST_S * SECOND)[:4]} and 2100"
    probe = _number(event.prb_id)
    if probe is None or not 0 < probe < 2**31:
        return f"prb_id {str(event.prb_id)[:24]} is no number of a probe"
    asn = 0 if event.asn in (None, "") else _number(event.asn)
    if asn is None or not 0 <= asn < 2**32:
        return f"asn {str(event.asn)[:24]} is no AS number"
    name = clean_name(event.controller or "", 64)
    if name and name not in controllers:
        if len(controllers) >= MOST_CONTROLLERS:
            return "one controller too many"
        controllers[name] = len(controllers)
    return time_s * SECOND, probe, asn, came, controllers[name] if name else -1


def _number(value: int | float | str | None) -> int | None:
    """A whole number, from a number or its digits; None where it is none."""
    if isinstance(value, str):
        text = value.strip().upper().removeprefix("AS")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None
    if isinstance(value, float):
        return int(value) if abs(value) < 2**62 else None  # also false for NaN
    return value
