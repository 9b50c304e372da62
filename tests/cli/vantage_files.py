"""Files that other people's vantage points might have written, made by the tests."""

import json
from pathlib import Path

from tests.signals.probing.logs import DAY_S, HOUR_S, leave, ordinary
from tests.sources.sites.measurements import failing, measurement


def write_connections(path: Path) -> Path:
    """A day of twelve probes of one network, all of which leave for two hours at noon."""
    rows = [row for row in ordinary(12, 64500, seed=5) if not 11 * HOUR_S < row[0] < 15 * HOUR_S]
    rows += leave(range(1, 13), 64500, 12 * HOUR_S, 2 * HOUR_S)
    events = [
        {
            "timestamp": int(DAY_S + at),
            "prb_id": probe,
            "asn": str(asn),
            "controller": f"ctr-{controller}",
            "event": "connect" if came else "disconnect",
            "type": "connection",
        }
        for at, probe, asn, controller, came in rows
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def write_measurements(path: Path) -> Path:
    """A site that one network cannot reach from nine on, and another network can."""
    made = [measurement(measurement_start_time=f"2026-06-16 0{hour}:00:00") for hour in (7, 8)]
    made += [
        failing("tls", "connection_reset", measurement_start_time=f"2026-06-16 {hour}:00:00") for hour in ("09", "10")
    ]
    made.append(measurement(probe_asn="AS64501", measurement_start_time="2026-06-16 10:30:00"))
    path.write_text("\n".join(map(json.dumps, made)))
    return path


def write_list(path: Path) -> Path:
    """A test list of two sites."""
    path.write_text(
        "url,category_code,category_description\nhttps://a.example/,NEWS,News\nhttps://b.example/,GOVT,Government\n"
    )
    return path
