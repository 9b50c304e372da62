"""Checks of shares, sites, dependence, attacks, causes and impacts."""

import re
from collections.abc import Mapping
from typing import Any

from duskwatch.explanation.claims.measured import Fact, Measured
from duskwatch.explanation.claims.verdicts import Found, found, not_measured, not_testable
from duskwatch.records.claim import Claim, Places
from duskwatch.records.times import SECOND, iso, parse_time, to_datetime

SHARE_SLACK = 0.05  # of a whole
DAY = 86_400 * SECOND
ROUTED = re.compile(
    r"network|prefix|route|address|block|connectivity|internet|subnet|link|connection"
    r"|country|announcement|ip|service|access"
)
QUANTIFIERS = {  # words for a share of the traffic, as [least, most]
    "almost all": (0.85, 1.0),
    "nearly all": (0.85, 1.0),
    "virtually all": (0.85, 1.0),
    "practically all": (0.85, 1.0),
    "almost entirely": (0.85, 1.0),
    "almost exclusively": (0.85, 1.0),
    "nearly everything": (0.85, 1.0),
    "almost everything": (0.85, 1.0),
    "all": (0.97, 1.0),
    "all of": (0.97, 1.0),
    "every": (0.97, 1.0),
    "entirely": (0.97, 1.0),
    "solely": (0.97, 1.0),
    "exclusively": (0.97, 1.0),
    "only": (0.97, 1.0),
    "sole": (0.97, 1.0),
    "single": (0.97, 1.0),
    "everything": (0.97, 1.0),
    "the vast majority": (0.75, 1.0),
    "the bulk": (0.5, 1.0),
    "most": (0.5, 1.0),
    "the majority": (0.5, 1.0),
    "a majority": (0.5, 1.0),
    "largely": (0.5, 1.0),
    "mainly": (0.5, 1.0),
    "primarily": (0.5, 1.0),
    "heavily": (0.5, 1.0),
    "much": (0.3, 1.0),
}


def share(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    """What was lost at most, beside the share that the text gives."""
    what, lost, bound = str(claim.value.get("of") or ""), claim.value.get("lost"), claim.value.get("bound")
    if lost is None:
        return not_measured("the text gives no number")
    if not ROUTED.search(what) or "traffic" in what:
        return not_measured(f"{what or 'this'} was not measured; routes say nothing of it")
    if not facts:
        return (
            found("contradicted", text="no outage was found in the time watched")
            if measured.judged and not measured.unwatched
            else not_measured("no outage is known here")
        )
    fact = min(facts, key=lambda one: abs(one.depth - lost))
    shown: dict[str, Any] = {
        "lost": round(fact.depth, 4),
        "tolerance": SHARE_SLACK,
        "text": f"{round(100 * fact.depth)} % of the routes lost at most",
    }
    off = fact.depth - lost
    if bound == "at least":
        fits = off >= -SHARE_SLACK
    elif bound == "at most":
        fits = off <= SHARE_SLACK
    else:
        fits = abs(off) <= SHARE_SLACK
    if fits:
        return found("supported", **shown)
    return found("partly" if abs(off) <= 3 * SHARE_SLACK else "contradicted", **shown)


def site(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    """Whether a named site was up, by the checks of sites."""
    name, up = str(claim.value.get("name") or "").lower(), claim.value.get("up")
    for one in measured.sites:
        labels = [str(one.get(key) or "").lower() for key in ("name", "host", "url")]
        if not any(label and (name in label or label in name) for label in labels):
            continue
        checks = [check for check in one.get("checks") or [] if isinstance(check, Mapping)]
        states = [(parse_time(check["at"]), bool(check["up"])) for check in checks if "at" in check and "up" in check]
        if not states and isinstance(one.get("up"), bool):
            states = [(published_us or measured.until_us, one["up"])]
        if not states:
            continue
        until = published_us if published_us is not None else max(at for at, _ in states)
        before = [state for state in states if state[0] <= until] or states[:1]
        at, was = max(before)
        shown = {"up": was, "at": iso(at), "checks": len(states), "text": f"{'up' if was else 'down'} at {iso(at)}"}
        if was == up:
            return found("supported", **shown)
        ever = [when for when, state in before if state == up]
        if ever:
            return found("partly", **shown, was_so_at=iso(max(ever)))
        return found("contradicted", **shown)
    return not_measured("no check of this site is in the report")


def dependence(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    """The share of the routes that the named network, or networks of the named country, hand on."""
    on = str(claim.value.get("on") or "")
    if not measured.transit:
        return not_measured("no routes were looked at, so no upstream is known")
    code = _country(on, places)
    total, who = 0.0, []
    for asn, name, part in measured.transit:
        if (
            on.upper().replace(" ", "") == asn
            or (len(on) > 3 and on.lower() in name.lower())
            or (code and re.search(rf"\b{code}$", name))
        ):
            total += part
            who.append(f"{name or asn} ({asn})")
    if (
        not who
        and not code
        and not re.search(r"^AS\d+$", on)
        and not any(on.lower() in name.lower() for _, name, _ in measured.transit)
    ):
        return not_measured(f"the report does not tell which routes run through {on}")
    least, most = _wanted(claim.value)
    largest = max(measured.transit, key=lambda row: row[2])
    shown: dict[str, Any] = {
        "share": round(total, 4), "through": who, "largest": f"{largest[1] or largest[0]} ({largest[0]})",
        "text": f"{round(100 * total)} % of the routes held went through {', '.join(who) or 'it'}",
        "caveat": "the country of a network is where it is registered, not where its cables run",
    }  # fmt: skip
    if least - SHARE_SLACK <= total <= most + SHARE_SLACK:
        return found("supported", **shown)
    return found("partly" if total > 0 and total >= least / 2 else "contradicted", **shown)


def _country(on: str, places: Places | None) -> str:
    if re.fullmatch(r"[A-Z]{2}", on):
        return on
    place = places.names.get(on) if places is not None else None
    return place.country if place is not None else ""


def _wanted(value: Mapping[str, Any]) -> tuple[float, float]:
    quantifier = str(value.get("quantifier") or "")
    if quantifier in QUANTIFIERS:
        return QUANTIFIERS[quantifier]
    part = value.get("share")
    if part is None:
        return 0.5, 1.0
    if quantifier == "at least":
        return float(part), 1.0
    if quantifier == "at most":
        return 0.0, float(part)
    return float(part) - SHARE_SLACK, float(part) + SHARE_SLACK


def attack(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    """First, peak and last of the measured attacks on the entity, beside the time that the text gives."""
    ours = [
        one
        for one in measured.attacks
        if claim.entity is None or str(one.get("entity") or measured.entity) in (claim.entity, measured.entity)
    ]
    times = {key: _times(ours, key) for key in ("first", "peak", "last")}
    if not ours or not times["first"]:
        return not_measured("no measurement of attacks is in the report")
    first, peak = min(times["first"]), times["peak"][0] if times["peak"] else None
    last = max(times["last"]) if times["last"] else None
    shown: dict[str, Any] = {
        "first": iso(first),
        "peak": None if peak is None else iso(peak),
        "last": None if last is None else iso(last),
    }
    shown["text"] = f"first {_day(first)}" + ("" if peak is None else f", peak {_day(peak)}")
    since = claim.value.get("since")
    if not since:
        return found("supported", **shown)
    low = parse_time(since["earliest"]) if since.get("earliest") else None
    high = parse_time(since["latest"]) if since.get("latest") else None
    slack = DAY // 24 if low is not None and high is not None and high - low < DAY // 4 else 0
    if (low is None or first >= low - slack) and (high is None or first <= high + slack):
        return found("supported", **shown)
    if low is not None and first < low and (last is None or last >= low or (peak is not None and peak >= low)):
        return found("partly", **shown)
    return found("contradicted", **shown)


def _times(rows: list[Mapping[str, Any]], key: str) -> list[int]:
    out = []
    for row in rows:
        value = row.get(key)
        if isinstance(value, str):
            out.append(parse_time(value))
        elif isinstance(row.get(f"{key}_us"), int):
            out.append(row[f"{key}_us"])
    return out


def _day(time_us: int) -> str:
    moment = to_datetime(time_us)
    return f"{moment:%A} {moment.day} {moment:%B}"


def cause(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    """No verdict on a cause; the shape of the outage and the weighed hypothesis stand beside it."""
    shown: dict[str, Any] = {}
    fact = max(facts, key=lambda one: one.score, default=None)
    if fact is not None:
        back = (
            None
            if fact.dark is None or fact.dark[1] is None or fact.end is None
            else (fact.end.best - fact.dark[1].best) / SECOND
        )
        shown["recovery"] = {
            "back": None if fact.end is None else iso(fact.end.best),
            "took_s": back,
            "relapses": fact.relapses,
            "stable": fact.stable,
        }
    weights = [
        one
        for one in measured.hypotheses
        if str(claim.value) in str(one.get("name") or one.get("hypothesis") or "").lower()
    ]
    if weights:
        shown["hypothesis"] = dict(weights[0])
    return not_testable("measurements weigh causes, they do not tell who or what it was", **shown)


def impact(
    claim: Claim, facts: tuple[Fact, ...], measured: Measured, published_us: int | None, places: Places | None
) -> Found:
    """People are not measured; a table of people online, where one was given, is compared with."""
    table = measured.people or {}
    online = table.get("online_share")
    quantifier = str(claim.value.get("quantifier") or "")
    if not isinstance(online, (int, float)):
        return not_measured("how many people are online or were cut off was not measured, and no table was given")
    shown = {
        "online_share": float(online),
        "source": str(table.get("source") or ""),
        "text": f"{100 * float(online):.2g} % of the people are online",
    }
    part = claim.value.get("share")
    if part is not None and quantifier == "online":
        return found("supported" if abs(float(part) - online) <= SHARE_SLACK else "contradicted", **shown)
    if re.search(r"few|small|tiny|handful|minority|elite|fraction", quantifier):
        return found("supported" if online <= 0.1 else "partly" if online <= 0.25 else "contradicted", **shown)
    return not_measured("the table tells how many are online, not how many were cut off", **shown)
