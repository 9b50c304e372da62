"""A claim beside what was measured: supported, contradicted, partly, not testable or not measured.

The rules and tolerances stand in ``docs/reference/claims.md``. A claim's own vagueness is respected: its value is an
interval, and what was measured only has to fit. What nobody watched is "not measured", never "contradicted".
"""

from collections.abc import Callable, Mapping
from typing import Any

from duskwatch.explanation.claims.check_more import attack, cause, dependence, impact, share, site
from duskwatch.explanation.claims.measured import Bounds, Fact, Measured
from duskwatch.explanation.claims.verdicts import Found, found, not_measured, not_testable
from duskwatch.records.claim import Checked, Claim, Places
from duskwatch.records.times import SECOND, iso, parse_time, span_text

MINUTE = 60 * SECOND
CLOCK_SLACK = 10 * MINUTE  # of a moment given by a clock
NEAR = 60 * MINUTE  # an onset or end this near is partly right
DURATION_SLACK = 0.02  # of the measured duration
DURATION_NEAR = 0.15


def check(
    claim: Claim, measured: Measured | None, *, published_us: int | None = None, places: Places | None = None
) -> Checked:
    """The verdict on one claim; "not measured" throughout where there is nothing to compare with."""
    if claim.kind == "refusal":
        return Checked(claim, "not testable", {"why": "whether somebody comments is no measurement"})
    if measured is None:
        if claim.kind == "cause":
            return Checked(
                claim, "not testable", {"why": "who or what did it is not told by measurements of reachability"}
            )
        return Checked(claim, "not measured", None)
    facts, why = _facts_of(claim, measured)
    if why:
        return Checked(claim, "not testable" if claim.kind == "cause" else "not measured", {"why": why})
    verdict = _KINDS[claim.kind](claim, facts, measured, published_us, places)
    if claim.modality in ("denied", "ruled out") and verdict.verdict in ("supported", "contradicted"):
        verdict = Found("contradicted" if verdict.verdict == "supported" else "supported", verdict.measured)
    return Checked(claim, verdict.verdict, verdict.measured)


def _facts_of(claim: Claim, measured: Measured) -> tuple[tuple[Fact, ...], str]:
    """Outages of the entity that a claim is about, or why there are none to compare with."""
    entity = claim.entity
    if entity is None or entity == measured.entity or claim.kind == "site":
        return measured.outages, ""
    if entity in measured.networks:
        return measured.networks[entity], ""
    named = [asn for asn, name in measured.names.items() if len(entity) > 3 and entity.lower() in name.lower()]
    for asn in named:
        if asn == measured.entity:
            return measured.outages, ""
        if asn in measured.networks:
            return measured.networks[asn], ""
    return (), f"this report is about {measured.name} ({measured.entity}), not about {entity}"


# ---------------------------------------------------------------- onset and end


def _interval(value: Mapping[str, Any]) -> tuple[int | None, int | None]:
    low, high = value.get("earliest"), value.get("latest")
    return (None if low is None else parse_time(low), None if high is None else parse_time(high))


def _moment(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    low, high = _interval(claim.value)
    if low is None and high is None:
        return not_measured("the text gives no date for this time")
    kind = claim.kind
    dated = [(fact, bounds) for fact in facts if (bounds := fact.onset if kind == "onset" else fact.end) is not None]
    if not dated:
        return _nothing_then(claim, facts, measured, low, high)
    slack = CLOCK_SLACK if low is not None and high is not None and high - low < 2 * 3600 * SECOND else 0
    best, distance = None, 0
    for fact, bounds in dated:
        gap = _gap(low, high, bounds)
        if best is None or gap < distance or (gap == distance and fact.score > best[0].score):
            best, distance = (fact, bounds), gap
    assert best is not None
    fact, bounds = best
    shown: dict[str, Any] = {
        "earliest": iso(bounds.low),
        "latest": iso(bounds.high),
        "best": iso(bounds.best),
        "tolerance_s": slack // SECOND,
    }
    if distance <= slack:
        return found("supported", **shown, text=f"measured {kind}: {iso(bounds.best)}")
    signs = fact.degrading_from
    if kind == "onset" and signs is not None and _gap(low, high, Bounds(signs, signs, signs)) <= max(slack, 0):
        return found(
            "partly",
            **shown,
            first_signs=iso(signs),
            text=f"first signs {iso(signs)}; the outage itself began {iso(bounds.best)}",
        )
    if (
        kind == "onset"
        and signs is not None
        and low is not None
        and high is not None
        and signs <= high
        and low <= bounds.high
    ):
        return found(
            "partly",
            **shown,
            first_signs=iso(signs),
            text=f"unrest from {iso(signs)} on; the outage itself began {iso(bounds.best)}",
        )
    if not _seen(measured, low, high):
        return not_measured("this time was not watched, or lies outside of the window", **shown)
    apart = f"{span_text(distance)} from what the text says"
    if distance <= NEAR:
        return found("partly", **shown, off_s=distance // SECOND, text=f"measured {kind}: {iso(bounds.best)}, {apart}")
    return found(
        "contradicted", **shown, off_s=distance // SECOND, text=f"measured {kind}: {iso(bounds.best)}, {apart}"
    )


def _nothing_then(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, low: int | None, high: int | None
) -> Found:
    if not _seen(measured, low, high) or not measured.judged:
        return not_measured("this time was not watched, or lies outside of the window")
    if claim.kind == "end" and facts:
        return found(
            "contradicted", text="the outage had not ended when the window closed", until=iso(measured.until_us)
        )
    return found("contradicted", text="this time was watched, and no outage was found")


def _gap(low: int | None, high: int | None, bounds: Bounds) -> int:
    """Microseconds between an interval and a measured one; 0 where they meet."""
    if high is not None and bounds.low > high:
        return bounds.low - high
    if low is not None and bounds.high < low:
        return low - bounds.high
    return 0


def _seen(measured: Measured, low: int | None, high: int | None) -> bool:
    begin = low if low is not None else high
    until = high if high is not None else low
    assert begin is not None
    assert until is not None
    return (
        measured.watched(max(begin, measured.from_us), min(max(until, begin + 1), measured.until_us))
        and begin < measured.until_us
        and until > measured.from_us
    )


# -------------------------------------------------------------------- duration


def _duration(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    low, high = claim.value.get("min_s"), claim.value.get("max_s")
    if low is None and high is None:
        return not_measured("the text gives no duration")
    if not facts:
        return (
            found("contradicted", text="no outage was found in the time watched")
            if measured.judged
            else not_measured("no outage is known here")
        )
    best: tuple[float, Fact] | None = None
    for fact in facts:
        off = _duration_off(low, high, fact)
        if best is None or off < best[0] or (off == best[0] and fact.score > best[1].score):
            best = (off, fact)
    assert best is not None
    off, fact = best
    slack = max(60.0, DURATION_SLACK * fact.duration_s)
    longest = fact.longest_s
    shown: dict[str, Any] = {
        "seconds": round(fact.duration_s, 3),
        "shortest_s": round(fact.shortest_s, 3),
        "longest_s": None if longest is None else round(longest, 3),
        "tolerance_s": round(slack, 1),
        "onset": iso(fact.onset.best),
    }
    shows = f"measured: {span_text(round(fact.duration_s * SECOND))}"
    if fact.dark is not None and fact.dark[1] is not None:
        dark = fact.dark[1].best - fact.dark[0].best
        shown["nothing_left_s"] = dark / SECOND
        shows += f", of which nothing was left for {span_text(dark)}"
    if fact.end is None and off > slack and low is not None and low > fact.duration_s:
        return not_measured("the outage lasted when the window closed", **shown)
    if off <= slack:
        return found("supported", **shown, text=shows)
    if off <= DURATION_NEAR * fact.duration_s:
        return found("partly", **shown, text=shows)
    if published_us is not None and fact.end is not None and published_us < fact.end.low and high is None:
        return found("supported", **shown, text=shows)
    return found("contradicted", **shown, text=shows)


def _duration_off(low: float | None, high: float | None, fact: Fact) -> float:
    longest = fact.longest_s if fact.longest_s is not None else fact.duration_s
    if high is not None and fact.shortest_s > high:
        return fact.shortest_s - high
    if low is not None and longest < low:
        return low - longest
    return 0.0


# ----------------------------------------------------------------------- state


def _state(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    wanted = str(claim.value)
    if published_us is not None and published_us < measured.from_us:
        return not_measured("the text is older than the window")
    if not facts:
        if not measured.judged or measured.unwatched:
            return not_measured("not all of the time was watched, and no outage was found in what was")
        return found(
            "supported" if wanted in ("normal", "restored") else "contradicted",
            text="no outage was found in the time watched",
        )
    fact = max(facts, key=lambda one: one.score)
    phases = [name for name, _, _ in fact.phases]
    shown: dict[str, Any] = {
        "depth": round(fact.depth, 4),
        "phases": phases,
        "relapses": fact.relapses,
        "stable": fact.stable,
    }
    lost = f"{round(100 * fact.depth)} % lost at most"
    if wanted == "offline":
        if fact.dark is not None:
            return found("supported", **shown, text="nothing was left from " + iso(fact.dark[0].best))
        return found("partly" if fact.depth >= 0.8 else "contradicted", **shown, text=lost)
    if wanted == "degraded":
        if any(name in ("degrading", "partial", "unstable") for name in phases) or fact.depth < 1:
            return found("supported", **shown, text=f"phases: {', '.join(phases)}; {lost}")
        return found("partly", **shown, text=lost)
    if wanted == "unstable":
        if fact.relapses or "unstable" in phases or "degrading" in phases:
            return found(
                "supported", **shown, text=f"{fact.relapses} relapses; {'' if fact.stable else 'not '}stable afterwards"
            )
        return found("contradicted", **shown, text="no relapse was measured, and the return was stable")
    if wanted == "normal":
        return found("contradicted", **shown, text=f"an outage was measured: {lost}")
    if fact.end is None:
        return found("contradicted", **shown, text="the outage lasted when the window closed")
    if published_us is not None and published_us < fact.onset.low:
        return not_measured("the text is older than the outage", **shown)
    if published_us is not None and published_us < fact.end.low - CLOCK_SLACK:
        return found(
            "contradicted", **shown, end=iso(fact.end.best), text=f"the outage ended only {iso(fact.end.best)}"
        )
    shown["end"] = iso(fact.end.best)
    if wanted == "partial":
        took = _recovery_s(fact)
        shown["recovery_s"] = took
        if took is not None and took > 600:
            return found("supported", **shown, text=f"the return took {span_text(round(took * SECOND))}")
        if fact.relapses or not fact.stable:
            return found(
                "partly",
                **shown,
                text="what had been lost was back at once, but it was lost again before it was stable",
            )
        return found("partly", **shown, text="all that had been lost came back")
    if fact.relapses or not fact.stable:
        return found(
            "partly",
            **shown,
            text=f"back {iso(fact.end.best)}, and lost again {fact.relapses} times before it was stable",
        )
    return found("supported", **shown, text=f"back {iso(fact.end.best)}, and stable")


def _recovery_s(fact: Fact) -> float | None:
    if fact.dark is None or fact.dark[1] is None or fact.end is None:
        return None
    return (fact.end.best - fact.dark[1].best) / SECOND


_Rule = Callable[[Claim, tuple[Fact, ...], Measured, int | None, Places | None], Found]
_KINDS: dict[str, _Rule] = {
    "onset": _moment, "end": _moment, "duration": _duration, "state": _state, "share": share, "site": site,
    "dependence": dependence, "attack": attack, "cause": cause, "impact": impact,
}  # fmt: skip

__all__ = ["check", "not_testable"]
