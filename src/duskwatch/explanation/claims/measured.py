"""What was measured, as the checks of claims need it: read from report.json by its documented fields, or from outages.

Fields read if present and not yet written by every analysis: ``attacks`` (``entity``, ``type``, ``first``, ``peak``,
``last``), ``sites`` (``name``, ``host``, ``checks`` of ``at`` and ``up``, or ``up``), ``people`` (``online_share``,
``source``), ``hypotheses`` (``name``, ``weight``). What is absent was not measured; it is never "nothing happened".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from duskwatch.records.errors import InputError
from duskwatch.records.outages import Outage, When
from duskwatch.records.times import SECOND, parse_time

Json = Mapping[str, Any]


class ReportError(InputError):
    """A document that is no report of this program."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A moment as an interval, microseconds UTC; ``best`` lies inside."""

    low: int
    high: int
    best: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One measured outage of one entity."""

    entity: str
    onset: Bounds
    end: Bounds | None  # None while it lasts
    dark: tuple[Bounds, Bounds | None] | None  # None where something was left all the time
    duration_s: float
    depth: float
    phases: tuple[tuple[str, int, int], ...]
    relapses: int
    stable: bool
    score: float

    @property
    def shortest_s(self) -> float:
        """The shortest duration that the intervals of onset and end allow, or that of total loss if shorter."""
        if self.end is None:
            return self.duration_s
        return min([(self.end.low - self.onset.high) / SECOND, *self._dark_s()])

    @property
    def longest_s(self) -> float | None:
        """The longest duration that the intervals allow; None while the outage lasts."""
        return None if self.end is None else (self.end.high - self.onset.low) / SECOND

    def _dark_s(self) -> list[float]:
        if self.dark is None or self.dark[1] is None:
            return []
        return [(self.dark[1].best - self.dark[0].best) / SECOND]

    @property
    def degrading_from(self) -> int | None:
        """When the first signs came, before the onset."""
        return next((begin for name, begin, _ in self.phases if name == "degrading"), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything a claim can be compared with."""

    entity: str
    name: str
    from_us: int
    until_us: int
    outages: tuple[Fact, ...]
    unwatched: tuple[tuple[int, int], ...] = ()
    judged: bool = True  # whether the absence of an outage was judged
    networks: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)  # by AS number
    names: Mapping[str, str] = field(default_factory=dict)  # AS number to name
    transit: tuple[tuple[str, str, float], ...] = ()  # AS number, name, share of the routes held, by time
    routes: bool = True  # whether routes were looked at: else transit says nothing
    attacks: tuple[Json, ...] = ()
    sites: tuple[Json, ...] = ()
    people: Json | None = None
    hypotheses: tuple[Json, ...] = ()
    source: str = ""
    zone: str = ""
    total: int = 0  # networks (/24 or prefixes) that were there, where known

    @property
    def main(self) -> Fact | None:
        """The outage with the highest score."""
        return max(self.outages, key=lambda one: one.score, default=None)

    def watched(self, low: int, high: int) -> bool:
        """Whether all of [low, high) lies in the window and was watched."""
        return (
            self.from_us <= low and high <= self.until_us and not any(a < high and low < b for a, b in self.unwatched)
        )


def from_report(document: Any, name: str = "report.json") -> Measured:
    """What a report.json says. ReportError where it is none."""
    try:
        if str(document["schema"]).partition("/")[0] != "duskwatch.report":
            raise KeyError("schema")
        entity = document["entity"]
        outages = tuple(_fact(entity["code"], one) for one in document["outages"])
        window = document["window"]
        coverage = document.get("coverage") or {}
        transit = _transit(document.get("transit") or [])
        networks = {
            f"AS{one['asn']}": tuple(_fact(f"AS{one['asn']}", outage) for outage in one["outages"])
            for one in (document.get("networks") or {}).get("lost", [])
        }
        names = {f"AS{asn}": str(text) for asn, text in (document.get("as_names") or {}).items()}
        return Measured(
            entity=str(entity["code"]),
            name=str(entity.get("name") or entity["code"]),
            from_us=parse_time(window["from"]),
            until_us=parse_time(window["until"]),
            outages=outages,
            unwatched=tuple(
                (parse_time(one["from"]), parse_time(one["until"])) for one in coverage.get("unwatched", [])
            ),
            judged=_anything_judged(document),
            networks=networks,
            names=names,
            transit=transit,
            routes=bool(transit),
            attacks=_dicts(document.get("attacks")),
            sites=_dicts(document.get("sites")),
            people=document.get("people") if isinstance(document.get("people"), Mapping) else None,
            hypotheses=_dicts(document.get("hypotheses")),
            source=name,
            zone=str(document.get("time_zone") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        said = str(error)[:80]
        raise ReportError(
            f"{name}: this is no report.json of duskwatch ({said}); make one with: duskwatch analyze"
        ) from None


def from_outages(
    entity: str, name: str, outages: Iterable[tuple[str, Outage]], source: str, zone: str = ""
) -> Measured:
    """What a store holds of one incident: outages of an entity and of its networks, each with the entity's code."""
    facts = [(code, _of_outage(code, outage)) for code, outage in outages]
    of_entity = tuple(fact for code, fact in facts if code == entity)
    networks: dict[str, tuple[Fact, ...]] = {}
    for code, fact in facts:
        if code != entity:
            networks[code] = (*networks.get(code, ()), fact)
    seen = [fact for _, fact in facts]
    low = min((fact.onset.low for fact in seen), default=0)
    high = max(
        (fact.end.high if fact.end else fact.onset.high + round(fact.duration_s * SECOND) for fact in seen), default=0
    )
    return Measured(
        entity,
        name,
        low,
        high,
        of_entity or tuple(seen),
        judged=False,
        networks=networks,
        routes=False,
        source=source,
        zone=zone,
    )


def _dicts(value: Any) -> tuple[Json, ...]:
    return tuple(one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()


def _when(value: Json) -> Bounds:
    return Bounds(parse_time(value["earliest"]), parse_time(value["latest"]), parse_time(value["best"]))


def _fact(entity: str, one: Json) -> Fact:
    dark = one.get("dark")
    return Fact(
        entity=entity,
        onset=_when(one["onset"]),
        end=_when(one["end"]) if one.get("end") else None,
        dark=None if not dark else (_when(dark["from"]), _when(dark["until"]) if dark.get("until") else None),
        duration_s=float(one.get("duration_seconds") or 0),
        depth=float(one.get("depth") or 0),
        phases=tuple((str(p["phase"]), parse_time(p["from"]), parse_time(p["until"])) for p in one.get("phases", [])),
        relapses=int(one.get("relapses") or 0),
        stable=bool(one.get("stable")),
        score=float(one.get("score") or 0),
    )


def _of_outage(code: str, one: Outage) -> Fact:
    def bounds(when: When | None) -> Bounds | None:
        return None if when is None else Bounds(when.earliest_us, when.latest_us, when.best_us)

    dark_from, onset = bounds(one.dark_from), bounds(one.onset)
    assert onset is not None
    return Fact(
        code, onset, bounds(one.end), None if dark_from is None else (dark_from, bounds(one.dark_until)),
        one.duration_us / SECOND, one.depth, tuple((p.phase, p.from_us, p.until_us) for p in one.phases),
        one.relapses, one.stable, one.score,
    )  # fmt: skip


def _transit(rows: Sequence[Json]) -> tuple[tuple[str, str, float], ...]:
    """Shares of the upstreams, weighted by the time that each row covers."""
    total = 0.0
    shares: dict[tuple[str, str], float] = {}
    spans: dict[tuple[int, int], float] = {}
    for row in rows:
        begin, until = parse_time(row["from"]), parse_time(row["until"])
        spans[begin, until] = float(until - begin)
        key = (f"AS{row['upstream']}", str(row.get("name") or ""))
        shares[key] = shares.get(key, 0.0) + float(row["share"] or 0) * (until - begin)
    total = sum(spans.values())
    return tuple((asn, name, share / total) for (asn, name), share in shares.items()) if total else ()


def _anything_judged(document: Mapping[str, Any]) -> bool:
    """Whether any of the window was judged; one from before this was recorded says only whether it was watched."""
    spans = _dicts(document.get("judged"))
    if spans:
        return any(span.get("judged") is True for span in spans)
    return document["coverage"].get("watched_share") not in (None, 0, 0.0)
