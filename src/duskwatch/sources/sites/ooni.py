"""OONI: measurements of web sites and of services, from files; one measurement a line, an array, or the API's answers.

Read are web_connectivity measurements (also their test keys alone), and rows of /api/v1/measurements, which hold OONI's
own judgement of a service and no details: these are taken as OONI gives them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from duskwatch.records.entries import BadEntry, EntryCount
from duskwatch.records.errors import InputError
from duskwatch.records.sites import SiteCheck, SiteChecks, Step
from duskwatch.records.text import clean_name
from duskwatch.records.times import calendar_time, iso
from duskwatch.sources.files.json_entries import JsonEntry, json_entries
from duskwatch.sources.sites.failures import fault_of
from duskwatch.sources.sites.ooni_fields import Head, Measurement, Row, TestKeys
from duskwatch.sources.sites.web_connectivity import judge, urlsplit_host

MOST_CHECKS = 5_000_000
MOST_EXAMPLES = 20
EARLIEST_US, LATEST_US = 1_325_376_000_000_000, 4_102_444_800_000_000  # 2012, when OONI began, and 2100
_SERVICES = ("telegram", "whatsapp", "signal", "facebook_messenger", "tor", "psiphon")
_REPORT = re.compile(r"(\d{8}T\d{6}Z)_([a-z_0-9]{1,40})_([A-Z]{2})_(\d{1,10})_")
_AS = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE)


class OoniError(InputError):
    """A file that holds no measurement of OONI."""


class _Unread(Exception):
    """Why one entry is kept out."""


def read_ooni(paths: Sequence[Path]) -> SiteChecks:
    """Checks in all files, in order of time, each once. Bad entries are counted with their place and kept out.

    Raises OoniError where no file holds a measurement, and OSError where one cannot be read.
    """
    checks: dict[SiteCheck, None] = {}
    examples: list[BadEntry] = []
    bad = doubled = 0
    for path in paths:
        for entry in json_entries(path):
            for found in _entry(path, entry):
                if isinstance(found, BadEntry):
                    bad += 1
                    if len(examples) < MOST_EXAMPLES:
                        examples.append(found)
                elif found in checks:
                    doubled += 1
                elif len(checks) >= MOST_CHECKS:
                    raise OoniError(f"{path}: more than {MOST_CHECKS:,} measurements; give fewer files at once")
                else:
                    checks[found] = None
    if not checks:
        said = f" ({examples[0].place}: {examples[0].reason})" if examples else ""
        raise OoniError(f"{', '.join(path.name for path in paths[:3])}: no measurement of OONI in it{said}")
    ordered = sorted(checks, key=lambda check: (check.time_us, check.site, check.asn))
    notes = []
    if undated := sum(check.time_us == 0 for check in ordered):
        notes.append(f"{undated} measurements carry no time; they are judged, and tell nothing of since when")
    return SiteChecks(tuple(ordered), EntryCount(len(ordered), bad, doubled, tuple(examples)), tuple(notes))


def _entry(path: Path, entry: JsonEntry) -> Iterator[SiteCheck | BadEntry]:
    place = f"{path.name}, {entry.place}"
    if entry.fault:
        yield BadEntry(place, clean_name(entry.fault))
        return
    try:
        head = msgspec.json.decode(entry.data, type=Head)
        if bytes(head.results):
            yield from _page(path.name, bytes(head.results))
        elif bytes(head.test_keys) or bytes(head.queries):
            yield _measurement(path.name, entry.data, bool(bytes(head.test_keys)), head.test_name)
        elif head.anomaly is not None:
            yield _row(entry.data, path.name, place, 0)
        else:
            yield BadEntry(place, "neither test_keys nor anomaly in it: no measurement of OONI")
    except (msgspec.DecodeError, RecursionError, _Unread, ValueError) as error:
        yield BadEntry(place, clean_name(str(error), 120))


def _page(name: str, data: bytes) -> Iterator[SiteCheck | BadEntry]:
    """Rows of an answer of the API: a list of them, or one for each network."""
    if data.startswith(b"["):
        groups = {"": msgspec.json.decode(data, type=list[msgspec.Raw])}
    else:
        groups = msgspec.json.decode(data, type=dict[str, list[msgspec.Raw]])
    for network, rows in groups.items():
        asn = _network(network)
        for number, raw in enumerate(rows, 1):
            place = f"{name}, {clean_name(network, 20)} row {number}".replace(",  row", ", row")
            try:
                yield _row(bytes(raw), name, place, asn)
            except (msgspec.DecodeError, RecursionError, _Unread, ValueError) as error:
                yield BadEntry(place, clean_name(str(error), 120))


def _measurement(name: str, data: bytes, whole: bool, test_name: str | None) -> SiteCheck:
    if test_name not in (None, "", "web_connectivity"):
        raise _Unread(f"a measurement of test {test_name[:40]}; web_connectivity is read")
    if whole:
        measurement = msgspec.json.decode(data, type=Measurement)
        url = measurement.input or ""
    else:
        measurement = Measurement(msgspec.json.decode(data, type=TestKeys))
        asked = [query.hostname for query in measurement.test_keys.queries or [] if query.hostname]
        url = f"https://{asked[0]}/" if asked else ""
    site = clean_name(urlsplit_host(url), 253)
    if not site:
        raise _Unread("no address of a site in it")
    report = _REPORT.match(measurement.report_id or "")
    verdict = judge(measurement.test_keys, url)
    return SiteCheck(
        site=site,
        url=clean_name(url, 2000),
        time_us=_time(measurement.measurement_start_time) if whole else 0,
        country=_country(measurement.probe_cc or (report[3] if report else "")),
        asn=_network(measurement.probe_asn) or (_network(report[4]) if report else 0),
        state=verdict.state,
        step=verdict.step,
        fault=verdict.fault,
        why=verdict.why,
        place=name,
        id=clean_name(measurement.report_id or "", 120),
    )


def _row(data: bytes, name: str, place: str, asn: int) -> SiteCheck:
    row = msgspec.json.decode(data, type=Row)
    report = _REPORT.match(row.report_id or "")
    url = row.input or ""
    site = urlsplit_host(url) or _service(row.test_name or (report[2] if report else ""))
    if not site:
        raise _Unread("neither a site nor a service is named")
    step, fault = _scored(row) if row.anomaly else ("", "")
    state, why = "reachable", "OONI found nothing odd"
    if row.failure:
        state, why = "unclear", "the measurement itself failed"
    elif row.anomaly:
        state, why = "blocked", f"OONI found an anomaly; the vantage point could report it ({_endpoints(row)})"
    return SiteCheck(
        site=clean_name(site, 253),
        url=clean_name(url, 2000),
        time_us=_time(row.measurement_start_time),
        country=_country(row.probe_cc or (report[3] if report else "")),
        asn=asn or _network(row.probe_asn) or (_network(report[4]) if report else 0),
        state=state,  # type: ignore[arg-type]
        step=step,
        fault=fault,
        why=why,
        place=name,
        id=clean_name(row.report_id or place, 120),
    )


def _scored(row: Row) -> tuple[Step, str]:
    """Step and fault by the counts of OONI's test of a service."""
    scores = row.scores
    fault = fault_of(scores.web_failure)
    if fault in ("name-not-found", "no-address", "server-failure", "refused-answer", "private-address"):
        return "dns", fault
    if fault in ("bad-certificate", "unknown-authority", "wrong-name", "bad-handshake"):
        return "tls", fault
    if scores.unreachable_endpoints and not scores.accessible_endpoints:
        return "tcp", fault or "other"
    if fault:
        return "http", fault
    return "tcp", "some-endpoints" if scores.unreachable_endpoints else "other"


def _endpoints(row: Row) -> str:
    scores = row.scores
    if scores.accessible_endpoints is None or scores.unreachable_endpoints is None:
        return "no details"
    total = scores.accessible_endpoints + scores.unreachable_endpoints
    return f"{scores.unreachable_endpoints} of {total} endpoints could not be reached"


def _service(test: str) -> str:
    """Name of the service that a test is of; '' for tests of anything else."""
    bare = test.replace("_", "").lower()
    return next((name for name in _SERVICES if name.replace("_", "") == bare), "")


def _time(text: str | None) -> int:
    time_us = calendar_time(text or "")
    if time_us is None or not EARLIEST_US <= time_us < LATEST_US:
        raise _Unread(f"measurement_start_time '{(text or '')[:30]}' is no time from {iso(EARLIEST_US)[:4]} on")
    return time_us


def _country(text: str) -> str:
    code = text.strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() and code != "ZZ" else ""


def _network(value: str | int | None) -> int:
    found = _AS.fullmatch(str(value).strip()) if value is not None else None
    number = int(found[1]) if found else 0
    return number if number < 2**32 else 0
