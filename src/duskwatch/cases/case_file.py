"""Reads and checks a case.toml, bundled or anywhere else."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from duskwatch.cases.case import (
    Background,
    Case,
    CollectorPlan,
    Fact,
    FactKind,
    Layout,
    Loss,
    Source,
    Trap,
    TrapKind,
    Unstable,
)
from duskwatch.cases.toml_table import CaseError, Table
from duskwatch.records.entity import Entity, parse_entity
from duskwatch.records.prefix import Prefix
from duskwatch.records.times import SECOND

SCHEMA = "duskwatch.case/1"
MAX_BYTES = 1 << 20


def bundled_cases() -> tuple[str, ...]:
    """Names of the cases that come with the package."""
    folder = resources.files("duskwatch.cases")
    return tuple(sorted(child.name for child in folder.iterdir() if child.joinpath("case.toml").is_file()))


def load_case(name_or_path: str | Path) -> Case:
    """Read a bundled case by name, or any other by the path of its folder or its case.toml. Raises CaseError."""
    text = str(name_or_path)
    path = Path(text)
    if path.is_dir():
        path = path / "case.toml"
    if path.is_file():
        return parse_case(_read(path), str(path))
    if text in bundled_cases():
        found = resources.files("duskwatch.cases").joinpath(text, "case.toml")
        return parse_case(found.read_bytes(), f"{text}/case.toml")
    raise CaseError(
        f"'{text}' is neither a case that comes with duskwatch ({', '.join(bundled_cases())}) "
        "nor a folder with a case.toml"
    )


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise CaseError(f"{path}: larger than {MAX_BYTES} bytes; that is no case.toml")
    return path.read_bytes()


def parse_case(data: bytes, name: str) -> Case:
    """Check the text of a case.toml. ``name`` stands in messages. Raises CaseError."""
    try:
        tree = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CaseError(f"{name}: not TOML: {error}") from None
    top = Table(tree, name, "")
    if top.text("schema") != SCHEMA:
        raise CaseError(f"{name}: schema: expected {SCHEMA!r}, found {tree.get('schema')!r}")
    window = top.table("window")
    from_us, until_us = window.time("from"), window.time("until")
    if not from_us < until_us:
        window.wrong("until", "a time after `from`")
    window.done()
    sources = _sources(top.table("sources"))
    facts = tuple(_fact(row, sources) for row in top.rows("facts"))
    assumptions = top.table("assumptions")
    assumptions.text("note")
    prefixes, origin = _network(facts, name)
    case = Case(
        top.text("name"),
        top.text("title"),
        _entity(top),
        top.text("reenactment"),
        from_us,
        until_us,
        origin,
        _only(facts, "upstream", name).details["upstream"],
        prefixes,
        {int(asn): text for fact in facts for asn, text in fact.details.get("names", {}).items()},
        tuple(fact.details["record"] for fact in facts if fact.kind == "delegation"),
        sources,
        facts,
        tuple(_loss(row, len(prefixes)) for row in assumptions.rows("losses")),
        tuple(_unstable(row) for row in assumptions.rows("unstable")),
        tuple(_collector(row) for row in assumptions.rows("collectors")),
        _background(assumptions.table("background")),
        tuple(_trap(row) for row in assumptions.rows("traps")),
    )
    assumptions.done()
    top.done()
    _check(case, name)
    return case


def _sources(table: "Table") -> dict[str, Source]:
    out = {}
    for key in list(table.left):
        row = table.table(key)
        out[key] = Source(row.text("publication"), row.text("url", ""))
        row.done()
    return out


def _fact(row: "Table", sources: Mapping[str, Source]) -> Fact:
    named = row.texts("sources")
    if not named:
        row.wrong("sources", "at least one source; a fact without one is an assumption")
    for source in named:
        if source not in sources:
            row.wrong("sources", f"names from [sources], not {source!r}")
    kind = row.choice("kind", FactKind)
    begin, end = row.when("from"), row.when("until")
    needed = {"network": ("origin", "prefixes"), "delegation": ("record",), "upstream": ("upstream",)}.get(kind, ())
    for key in needed:
        if key not in row.left:
            row.wrong(key, f"a value, as every fact of kind {kind} has")
    for key in ("origin", "upstream"):
        asn = row.left.get(key, 1)
        if not (isinstance(asn, int) and 0 < asn < 1 << 32):
            row.wrong(key, "an AS number")
    names = row.left.get("names", {})
    if not isinstance(names, dict) or not all(str(asn).isdigit() for asn in names):
        row.wrong("names", "a table from AS number to name")
    if kind in ("outage", "instability", "attack") and begin is None:
        row.wrong("from", f"a time or an interval, as every fact of kind {kind} has")
    fact_id, says, differs = row.text("id"), row.text("says"), row.text("differs", "")
    return Fact(fact_id, kind, says, named, begin, end, differs, dict(row.left))


def _entity(top: "Table") -> Entity:
    try:
        return parse_entity(top.text("entity"))
    except ValueError as error:
        raise CaseError(f"{top.file}: entity: {error}") from None


def _only(facts: Iterable[Fact], kind: str, name: str) -> Fact:
    found = [fact for fact in facts if fact.kind == kind]
    if len(found) != 1:
        raise CaseError(f"{name}: facts: expected exactly one of kind {kind}, found {len(found)}")
    return found[0]


def _network(facts: Iterable[Fact], name: str) -> tuple[tuple[Prefix, ...], int]:
    network = _only(facts, "network", name)
    try:
        prefixes = tuple(Prefix.parse(text) for text in network.details["prefixes"])
    except (ValueError, TypeError, AttributeError) as error:
        raise CaseError(f"{name}: facts {network.id!r}: prefixes: {error}") from None
    if not prefixes or {prefix.afi for prefix in prefixes} != {1}:
        raise CaseError(f"{name}: facts {network.id!r}: prefixes: expected IPv4 prefixes")
    return prefixes, int(network.details["origin"])


def _loss(row: "Table", prefixes: int) -> Loss:
    loss = Loss(
        fact=row.text("fact"),
        from_us=row.time("from"),
        until_us=row.time("until"),
        lost_seconds_before=row.numbers("lost_seconds_before", prefixes),
        back_seconds_after=row.numbers("back_seconds_after", prefixes),
        first_peer_lost_seconds=row.number("first_peer_lost_seconds"),
        last_peer_lost_seconds=row.number("last_peer_lost_seconds"),
        first_peer_back_seconds=row.number("first_peer_back_seconds"),
        last_peer_back_seconds=row.number("last_peer_back_seconds"),
        peers_that_keep=row.number("peers_that_keep", 0),
    )
    row.done()
    if loss.until_us - loss.from_us < (loss.last_peer_lost_seconds + loss.first_peer_back_seconds + 1) * SECOND:
        row.wrong("until", "a time after the last peer lost the routes and before the first has them back")
    return loss


def _unstable(row: "Table") -> Unstable:
    low, high = row.numbers("loss_seconds", 2)
    stretch = Unstable(
        fact=row.text("fact"),
        from_us=row.time("from"),
        until_us=row.time("until"),
        storms=row.number("storms"),
        short_losses=row.number("short_losses"),
        of_two=row.number("of_two"),
        loss_seconds=(low, high),
    )
    row.done()
    if not 40 <= low <= high:
        row.wrong("loss_seconds", "[shortest, longest], 40 or more")
    slots = stretch.storms + stretch.short_losses
    # Each storm or loss needs its own slot, the longest loss and its stragglers.
    if slots and (stretch.until_us - stretch.from_us) // slots < (high + 150) * SECOND:
        row.wrong("until", f"room for {slots} storms and losses of up to {high} s apart from each other")
    return stretch


def _collector(row: "Table") -> CollectorPlan:
    plan = CollectorPlan(
        name=row.text("name"),
        layout=row.choice("layout", Layout),
        full_feed_peers=row.number("full_feed_peers"),
        partial_peers=row.number("partial_peers"),
        ipv6_peers=row.number("ipv6_peers"),
    )
    row.done()
    if Path(plan.name).name != plan.name or plan.name.startswith("."):
        row.wrong("name", "a name that can be a folder's")
    if plan.full_feed_peers < 1 or plan.full_feed_peers + plan.partial_peers + plan.ipv6_peers > 200:
        row.wrong("full_feed_peers", "one at least, and at most 200 peers in all")
    return plan


def _background(row: "Table") -> Background:
    low, high = row.numbers("prefixes", 2)
    countries = row.table("countries")
    background = Background(
        table_dump_hours=row.number("table_dump_hours"),
        keepalive_seconds=row.number("keepalive_seconds"),
        seconds_between_disturbances=row.number("seconds_between_disturbances"),
        prefix_flaps_per_day=row.number("prefix_flaps_per_day"),
        prefixes=(low, high),
        partial_share=row.share("partial_share"),
        countries={registry: countries.texts(registry) for registry in list(countries.left)},
    )
    countries.done()
    row.done()
    if not 1 <= low <= high:
        row.wrong("prefixes", "[fewest, most], 1 or more")
    if not 1 <= background.table_dump_hours <= 24 or background.keepalive_seconds < 1:
        row.wrong("table_dump_hours", "1 to 24, and keepalive_seconds above 0")
    if background.seconds_between_disturbances < 1:
        row.wrong("seconds_between_disturbances", "1 or more")
    return background


def _trap(row: "Table") -> Trap:
    kind = row.choice("kind", TrapKind)
    spanned = kind in ("collector-reset", "peer-down")
    trap = Trap(
        kind,
        row.text("collector"),
        row.time("from") if kind != "stuck-route" else None,
        row.time("until") if spanned else None,
        row.number("peer") if kind == "peer-down" else None,
        row.number("transfer_seconds") if spanned else None,
        row.text("fact") if kind == "stuck-route" else None,
    )
    row.done()
    return trap


def _check(case: Case, name: str) -> None:
    """What one part of a case says of another."""
    if not case.collectors:
        raise CaseError(f"{name}: assumptions.collectors: expected one or more")
    ids = [fact.id for fact in case.facts]
    if len(set(ids)) != len(ids):
        raise CaseError(f"{name}: facts: two have the same id")
    for what, rows in (("losses", case.losses), ("unstable", case.unstable)):
        for row in rows:
            if row.fact not in ids:
                raise CaseError(f"{name}: assumptions.{what}: no fact is called {row.fact!r}")
            if not case.from_us <= row.from_us < row.until_us <= case.until_us:
                raise CaseError(f"{name}: assumptions.{what} of {row.fact!r}: outside the window, or ends early")
            fact = case.fact(row.fact)
            for time_us, said in ((row.from_us, fact.begin), (row.until_us, fact.end)):
                if what == "losses" and said and not said.earliest_us <= time_us <= said.latest_us:
                    raise CaseError(f"{name}: assumptions.losses of {row.fact!r}: a time that the fact rules out")
    plans = {plan.name: plan for plan in case.collectors}
    for trap in case.traps:
        plan = plans.get(trap.collector)
        if plan is None:
            raise CaseError(f"{name}: assumptions.traps: no collector is called {trap.collector!r}")
        if trap.fact is not None and trap.fact not in {loss.fact for loss in case.losses}:
            raise CaseError(f"{name}: assumptions.traps: no loss belongs to a fact called {trap.fact!r}")
        if trap.kind == "stuck-route" and plan.partial_peers < 1:
            raise CaseError(f"{name}: assumptions.traps: {trap.collector} has no partial peer to keep a route")
        if trap.peer is not None and not 0 <= trap.peer < plan.full_feed_peers:
            raise CaseError(f"{name}: assumptions.traps: {trap.collector} has no full-feed peer {trap.peer}")
        times = [time_us for time_us in (trap.from_us, trap.until_us) if time_us is not None]
        if times != sorted(times) or any(not case.from_us <= time_us < case.until_us for time_us in times):
            raise CaseError(f"{name}: assumptions.traps: {trap.kind} lies outside the window, or ends early")
