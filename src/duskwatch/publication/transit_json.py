"""Through whom what an outage took was reached, as report.json and the documents of a store hold it."""

import math
from typing import Any

from duskwatch.records.signals import Carrier
from duskwatch.records.times import iso
from duskwatch.records.transit import OutageTransit, Turn, Withdrawal

Json = dict[str, Any]
DECIMALS = 6
MOST_LINES = 12


def around_json(around: OutageTransit | None) -> Json | None:
    """All of it; null where no route tells."""
    if around is None:
        return None
    return {
        "looked_at": {"from": iso(around.from_us), "until": iso(around.until_us)},
        "before": iso(around.before_us),
        "after": None if around.after_us is None else iso(around.after_us),
        "prefixes": around.prefixes,
        "slash24": around.slash24,
        "entered_before": [{"outside": one.outside, "share": _figure(one.share)} for one in around.entries_before],
        "entered_after": [{"outside": one.outside, "share": _figure(one.share)} for one in around.entries_after],
        "hegemony": [
            {"asn": one.asn, "before": _figure(one.before), "after": _figure(one.after) if around.after_us else None}
            for one in around.hegemony
        ],
        "failures": [failure_json(one) for one in around.failures],
        "changes": [_turn(one) for one in around.turns],
        "changes_left_out": around.left_out,
        "withdrawals": [_withdrawal(one) for one in around.withdrawals],
        "sessions_that_withdrew": around.let_go,
    }


def failure_json(one: Carrier) -> Json:
    """One single point of failure."""
    return {"asn": one.asn, "time": iso(one.time_us), "share": _figure(one.share), "only": _figure(one.only)}


def amount(slash24: int, prefixes: int) -> str:
    """``14 /24s``, ``1 /24``; prefixes where there is no IPv4."""
    if slash24:
        return f"{slash24:,} /24{'' if slash24 == 1 else 's'}"
    return f"{prefixes:,} prefix{'' if prefixes == 1 else 'es'}"


def ways_lines(document: Json) -> list[str]:
    """The changes of ways of a document, a line each, and what all hung on: for a terminal."""
    told = []
    for one in document["failures"][:1]:
        told.append(f"hung on AS{one['asn']}: {one['share']:.0%} of what was lost".replace("%", " %"))
    for one in document["changes"][:MOST_LINES]:
        way = " and ".join(f"AS{asn}" for asn in (one["beyond"], one["after"] or one["before"]) if asn)
        way = f"AS{one['before']} -> {way}" if one["kind"] == "moved" else way
        many = amount(one["slash24"], one["prefixes"])
        much = f"{one['share']:.0%} of the routes".replace("%", " %") if one["share"] is not None else many
        until = "" if one["until"] == one["from"] else f" to {one['until'][11:]}"
        told.append(f"{one['from']}{until}  {one['kind']} {way or 'an unknown way'}: {much}")
    more = len(document["changes"]) + document["changes_left_out"] - MOST_LINES
    return told + ([f"and {more:,} more; --json has them"] if more > 0 else [])


def _turn(one: Turn) -> Json:
    return {
        "kind": one.kind,
        "from": iso(one.from_us),
        "until": iso(one.until_us),
        "before": one.before or None,
        "after": one.after or None,
        "beyond": one.beyond or None,
        "prefixes": one.prefixes,
        "slash24": one.slash24,
        "share": _figure(one.share),
    }


def _withdrawal(one: Withdrawal) -> Json:
    return {
        "session": one.session,
        "turned": None if one.turned_us is None else iso(one.turned_us),
        "first": iso(one.first_us),
        "last": iso(one.last_us),
        "prefixes": one.prefixes,
        "path": one.path,
        "last_path": one.last_path,
    }


def _figure(value: float) -> float | None:
    return round(float(value), DECIMALS) if math.isfinite(value) else None
