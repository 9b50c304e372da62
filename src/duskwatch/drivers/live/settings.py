"""The configuration of a live run: one TOML file, unknown keys refused, every fault told at once."""

import ipaddress
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from duskwatch.publication.alerts.channels import Alertmanager, Apprise, AtomFile, Channel, Lines, Webhook
from duskwatch.publication.alerts.channels.lines import FORMATS
from duskwatch.publication.alerts.rules import Rule, quiet_hours
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.errors import DuskwatchError, InputError

LARGEST = 1 << 20
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SECRET = "***"


class ConfigError(InputError):
    """A configuration that cannot be used; every fault of it, each with its place."""


class Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class WatchTable(Table):
    """``[watch]``."""

    entities: list[str]
    geo: list[str] = []
    bin_seconds: int = 300
    keep_hours: float = 72
    lateness_seconds: float = 5


class StoreTable(Table):
    """``[store]``."""

    path: str = "store"
    database: str = ""
    source: str = "bgp-live"


class CheckpointTable(Table):
    """``[checkpoint]``. ``path`` empty: none is written."""

    path: str = ""
    every_seconds: float = 60


class HttpTable(Table):
    """``[http]``."""

    address: str = "127.0.0.1:9560"


class SourceTable(Table):
    """``[[source]]``: which keys count depends on ``kind``."""

    kind: str
    name: str = ""
    # ris-live
    url: str = ""
    client: str = ""
    collectors: list[str] = []
    # bmp
    listen: str = "127.0.0.1:1790"
    allow: list[str] = []
    names: dict[str, str] = {}
    views: list[str] = []
    tls_certificate: str = ""
    tls_key: str = ""
    tls_authority: str = ""
    # archive
    path: str = ""
    mirror: str = ""
    cache: str = "cache"
    poll_seconds: float = 30
    patience_seconds: float = 1200
    # kafka
    brokers: str = ""
    topics: list[str] = []
    group: str = ""
    settings: dict[str, str] = {}


class ChannelTable(Table):
    """``[[channel]]``."""

    kind: str
    name: str
    url: str = ""
    secret: str = ""
    secret_file: str = ""
    labels: dict[str, str] = {}
    path: str = ""
    format: str = "text"
    title: str = "Outages"
    timeout_seconds: float = 10


class RuleTable(Table):
    """``[[rule]]``."""

    channels: list[str]
    entities: list[str] = []
    stages: list[str] = []
    severity: str = "minor"
    longer_seconds: float = 0
    confidence: float = 0
    quiet: str = ""


class Settings(Table):
    """The whole file, as it was read and checked."""

    watch: WatchTable
    store: StoreTable = msgspec.field(default_factory=StoreTable)
    checkpoint: CheckpointTable = msgspec.field(default_factory=CheckpointTable)
    http: HttpTable | None = None
    source: list[SourceTable] = []
    channel: list[ChannelTable] = []
    rule: list[RuleTable] = []


KINDS = {
    "ris-live": {"url", "client", "collectors"},
    "bmp": {"listen", "allow", "names", "views", "tls_certificate", "tls_key", "tls_authority"},
    "archive": {"path", "collectors", "mirror", "cache", "poll_seconds", "patience_seconds"},
    "kafka": {"brokers", "topics", "group", "settings", "views"},
}
CHANNEL_KINDS = {
    "webhook": {"url", "secret", "secret_file", "timeout_seconds"},
    "alertmanager": {"url", "labels", "timeout_seconds"},
    "apprise": {"url", "secret_file"},
    "atom": {"path", "title"},
    "lines": {"path", "format"},
}
VIEWS = ("adj-rib-in", "adj-rib-in-post", "adj-rib-out", "adj-rib-out-post", "loc-rib")
Fault = Callable[[str, str], None]


def read_settings(path: Path) -> Settings:
    """Read and check a file. ConfigError with all its faults, a line each; OSError where it cannot be read."""
    if path.stat().st_size > LARGEST:
        raise ConfigError(f"{path}: larger than {LARGEST >> 20} MiB; it is no configuration")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no TOML: {error}") from None
    return settings_of(document, str(path))


def settings_of(document: dict[str, Any], name: str = "configuration") -> Settings:
    """The same of a document."""
    faults: list[str] = []

    def fault(place: str, text: str) -> None:
        faults.append(f"{name}: {place}: {text}")

    tables: dict[str, Any] = {}
    single: dict[str, type[Table]] = {
        "watch": WatchTable,
        "store": StoreTable,
        "checkpoint": CheckpointTable,
        "http": HttpTable,
    }
    several: dict[str, type[Table]] = {"source": SourceTable, "channel": ChannelTable, "rule": RuleTable}
    for key, value in document.items():
        if key in single:
            tables[key] = _table(value, single[key], key, fault)
        elif key in several:
            rows = value if isinstance(value, list) else [value]
            tables[key] = [_table(row, several[key], f"{key}[{n}]", fault) for n, row in enumerate(rows)]
        else:
            fault(key, f"no such table; there are {', '.join([*single, *several])}")
    if "watch" not in document:
        fault("watch", "missing: what is watched")
    if not faults:
        found = Settings(**tables)
        _check(found, fault, document)
        if not faults:
            return found
    raise ConfigError("\n".join(faults))


def _table(value: Any, kind: type[Table], place: str, fault: Fault) -> Any:
    if not isinstance(value, dict):
        fault(place, "a table is needed")
        return None
    for key in value.keys() - set(kind.__struct_fields__):
        fault(f"{place}.{key}", "no such key; there are " + ", ".join(kind.__struct_fields__))
    known = {key: each for key, each in value.items() if key in kind.__struct_fields__}
    try:
        return msgspec.convert(known, kind, strict=True)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at ")
        fault(place + where.strip("`$"), text)
        return None


def _check(found: Settings, fault: Fault, document: dict[str, Any]) -> None:
    watch = found.watch
    for text in watch.entities:
        _tried(lambda text=text: parse_entity(text), "watch.entities", fault)  # type: ignore[misc]
    if not watch.entities:
        fault("watch.entities", "nothing to watch")
    if not 60 <= watch.bin_seconds <= 3600:
        fault("watch.bin_seconds", f"{watch.bin_seconds}: bins last 60 to 3600 seconds")
    if not 26 <= watch.keep_hours <= 24 * 35:
        fault("watch.keep_hours", f"{watch.keep_hours:g}: 26 hours to 35 days")
    if not 0 <= watch.lateness_seconds <= 600:
        fault("watch.lateness_seconds", f"{watch.lateness_seconds:g}: 0 to 600")
    if not found.source:
        fault("source", "none: name at least one [[source]]")
    if found.checkpoint.every_seconds < 1:
        fault("checkpoint.every_seconds", "at least 1")
    if found.http is not None:
        _tried(lambda: host_port(found.http.address), "http.address", fault)  # type: ignore[union-attr]
    names: set[str] = set()
    for number, source in enumerate(found.source):
        _source(source, f"source[{number}]", fault, document["source"][number])
        name = source.name or source.kind
        if name in names:
            fault(f"source[{number}].name", f"'{name}' is there twice")
        names.add(name)
    _alerts(found, fault, document)


def _source(source: SourceTable, place: str, fault: Fault, given: dict[str, Any]) -> None:
    if source.kind not in KINDS:
        fault(f"{place}.kind", f"no kind '{source.kind}'; there are {', '.join(KINDS)}")
        return
    for key in given.keys() - KINDS[source.kind] - {"kind", "name"}:
        fault(f"{place}.{key}", f"not of a source of kind {source.kind}")
    if source.name and not NAME.fullmatch(source.name):
        fault(f"{place}.name", f"'{source.name[:50]}': small letters, digits, - and _")
    if source.kind == "ris-live" and not source.client:
        fault(f"{place}.client", "missing: RIS asks who you are, as an address or a name")
    if source.kind == "bmp":
        _tried(lambda: host_port(source.listen), f"{place}.listen", fault)
        for text in source.allow:
            _tried(lambda text=text: network(text), f"{place}.allow", fault)  # type: ignore[misc]
        if bool(source.tls_certificate) != bool(source.tls_key):
            fault(f"{place}.tls_key", "certificate and key go together")
    for view in source.views:
        if view not in VIEWS:
            fault(f"{place}.views", f"no view '{view}'; there are {', '.join(VIEWS)}")
    if source.kind == "archive":
        if bool(source.path) == bool(source.collectors):
            fault(place, "either path, a folder, or collectors whose archives are fetched")
        if not (1 <= source.poll_seconds <= 3600 and 60 <= source.patience_seconds <= 86400):
            fault(place, "poll_seconds is 1 to 3600, patience_seconds 60 to 86400")
    if source.kind == "kafka":
        for key in ("brokers", "topics", "group"):
            if not getattr(source, key):
                fault(f"{place}.{key}", "missing")


def _alerts(found: Settings, fault: Fault, document: dict[str, Any]) -> None:
    names: set[str] = set()
    for number, one in enumerate(found.channel):
        place = f"channel[{number}]"
        if one.kind not in CHANNEL_KINDS:
            fault(f"{place}.kind", f"no kind '{one.kind}'; there are {', '.join(CHANNEL_KINDS)}")
            continue
        for key in document["channel"][number].keys() - CHANNEL_KINDS[one.kind] - {"kind", "name"}:
            fault(f"{place}.{key}", f"not of a channel of kind {one.kind}")
        if not NAME.fullmatch(one.name):
            fault(f"{place}.name", f"'{one.name[:50]}': small letters, digits, - and _")
        if one.name in names:
            fault(f"{place}.name", f"'{one.name}' is there twice")
        names.add(one.name)
        if one.kind in ("webhook", "alertmanager") and not re.match(r"https?://", one.url):
            fault(f"{place}.url", "a URL that begins with http:// or https:// is needed")
        if one.kind == "atom" and not one.path:
            fault(f"{place}.path", "missing")
        if one.kind == "lines" and one.format not in FORMATS:
            fault(f"{place}.format", f"no format '{one.format}'; there are {', '.join(FORMATS)}")
        if one.kind == "apprise" and not (one.url or one.secret_file):
            fault(f"{place}.url", "missing; or name a file that holds the URL as secret_file")
    for number, rule in enumerate(found.rule):
        for channel in rule.channels:
            if channel not in names:
                fault(f"rule[{number}].channels", f"no channel '{channel}'")
        _tried(lambda rule=rule: rule_of(rule), f"rule[{number}]", fault)  # type: ignore[misc]


def _tried(make: Callable[[], Any], place: str, fault: Fault) -> None:
    try:
        make()
    except DuskwatchError as error:
        fault(place, str(error))


def host_port(text: str) -> tuple[str, int]:
    """``127.0.0.1:1790`` or ``[::1]:1790``; InputError where it is none."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"'{text}': write it like 127.0.0.1:1790 or [::1]:1790")
    return host.strip("[]"), int(port)


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A network of addresses; InputError where it is none."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InputError(str(error)) from None


def entities_of(found: Settings) -> tuple[Entity, ...]:
    """What is watched."""
    return tuple(parse_entity(text) for text in found.watch.entities)


def rule_of(table: RuleTable) -> Rule:
    """One rule; RuleError or InputError where it cannot be."""
    codes = frozenset(parse_entity(text).code for text in table.entities)
    quiet = quiet_hours(table.quiet) if table.quiet else None
    return Rule(
        tuple(table.channels), codes, frozenset(table.stages), table.severity, table.longer_seconds, table.confidence,
        quiet,
    )  # fmt: skip


def channel_of(table: ChannelTable, folder: Path) -> Channel:
    """One channel; paths are taken from ``folder`` on. OSError where a file with a secret cannot be read."""
    secret = (folder / table.secret_file).read_text().strip() if table.secret_file else table.secret
    if table.kind == "webhook":
        return Webhook(table.name, table.url, secret, table.timeout_seconds)
    if table.kind == "alertmanager":
        return Alertmanager(table.name, table.url, tuple(table.labels.items()), table.timeout_seconds)
    if table.kind == "apprise":
        return Apprise(table.name, secret or table.url)
    if table.kind == "atom":
        return AtomFile(table.name, folder / table.path, table.title)
    return Lines(table.name, table.format, folder / table.path if table.path else None)


def dumped(found: Settings) -> str:
    """The settings with all that was not given, as TOML; secrets are not shown."""
    out: list[str] = []
    document = msgspec.to_builtins(found)
    for key, value in document.items():
        for row in value if isinstance(value, list) else [value]:
            if row is None:
                continue
            out.append(f"[[{key}]]" if isinstance(value, list) else f"[{key}]")
            kinds = {"source": KINDS, "channel": CHANNEL_KINDS}.get(key)
            wanted = None if kinds is None else kinds[row["kind"]] | {"kind", "name"}
            out += [f"{name} = {_toml(_hidden(key, row, name))}" for name in row if wanted is None or name in wanted]
            out.append("")
    return "\n".join(out).rstrip()


def _hidden(table: str, row: dict[str, Any], name: str) -> Any:
    secret = name == "secret" or (table == "channel" and row["kind"] == "apprise" and name == "url")
    if secret and row[name]:
        return SECRET
    if name == "settings":
        return {key: SECRET if "password" in key or "secret" in key else value for key, value in row[name].items()}
    return row[name]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(str(key))} = {_toml(each)}" for key, each in value.items()) + "}"
    return msgspec.json.encode(value).decode()  # a basic string of TOML escapes as one of JSON does
