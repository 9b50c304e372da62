"""Tables of the page and lines of the terminal: through whom what an outage took was reached."""

import math

from duskwatch.publication.names import as_name
from duskwatch.publication.tables import Row, Table, with_local
from duskwatch.publication.times_text import percent, table_time
from duskwatch.publication.transit_json import amount
from duskwatch.publication.transit_words import way_name
from duskwatch.records.report import Report
from duskwatch.records.transit import OutageTransit, Turn, Withdrawal

MOST_LINES = 12  # turns on a terminal; the page and report.json have more
MOST_ROWS = 10  # ASes that are listed
KINDS = {
    "lost": "lost", "back": "back", "moved": "moved", "voters": "not seen: observers left",
    "rose": "rose", "fell": "fell",
}  # fmt: skip


def reliance(report: Report) -> Table | None:
    """Single points of failure; None where nothing hung on one AS."""
    carriers = report.history.carriers[:MOST_ROWS]
    if not carriers:
        return None
    rows = [Row((as_name(report, one.asn), percent(one.share), percent(one.only))) for one in carriers]
    heads = ("AS", "lost if it carried nothing", "with no other route at all")
    at = table_time(carriers[0].time_us)
    return Table(f"Single points of failure at {at} UTC: shares of the visible /24s", heads, tuple(rows), (1, 2))


def dependence(report: Report, around: OutageTransit) -> Table:
    """AS hegemony and ways in, before and when it ended."""
    before = {one.outside: one.share for one in around.entries_before}
    after = {one.outside: one.share for one in around.entries_after}
    done = around.after_us is not None
    rows = [
        Row(
            (
                as_name(report, one.asn),
                _share(one.before),
                _share(one.after) if done else "-",
                percent(before[one.asn]) if one.asn in before else "-",
                percent(after[one.asn]) if one.asn in after else "-",
            )
        )
        for one in around.hegemony[:MOST_ROWS]
    ]
    heads = ("AS", "AS hegemony before", "at the end", "entered through it before", "at the end")
    times = f"{table_time(around.before_us)} UTC" + (
        f" and {table_time(around.after_us)} UTC" if around.after_us else ""
    )
    return Table(f"What it depended on, at {times}", heads, tuple(rows), (1, 2, 3, 4))


def turns(report: Report, around: OutageTransit) -> Table:
    """Every change of the ways, in order."""
    rows = [
        Row(
            (
                with_local(report, one.from_us),
                table_time(one.until_us),
                KINDS[one.kind],
                *_from_to(report, one),
                _much(one),
            )
        )
        for one in around.turns
    ]
    note = f"{around.left_out:,} more are left out." if around.left_out else ""
    heads = ("from (UTC)", "until (UTC)", "what", "through", "now through", "how much")
    return Table("What changed, in order", heads, tuple(rows), (), note)


def withdrawals(report: Report, around: OutageTransit) -> Table | None:
    """Who let go first when most was lost; None where nobody is known to have."""
    if not around.withdrawals:
        return None
    rows = [
        Row((str(number), one.session, table_time(one.first_us), table_time(one.last_us), str(one.prefixes), one.path,
             one.last_path if one.last_path != one.path else "none"))
        for number, one in enumerate(around.withdrawals, 1)
    ]  # fmt: skip
    more = around.let_go - len(rows)
    heads = ("#", "session", "first (UTC)", "last (UTC)", "prefixes", "path that it had", "other path tried last")
    return Table("Who withdrew, the first first", heads, tuple(rows), (4,), f"{more:,} more did." if more > 0 else "")


def first_to_go(report: Report, around: OutageTransit) -> str:
    """``AS3549 at route-views2 withdrew first, at 2008-02-19 13:06:47 UTC``; empty where nobody is known to have."""
    if not around.withdrawals:
        return ""
    one: Withdrawal = around.withdrawals[0]
    collector, asn, *_ = one.session.split(" ")
    name = as_name(report, int(asn[2:])) if asn[2:].isdigit() else asn
    return f"{name} at {collector} withdrew first, at {table_time(one.first_us)} UTC; its path was {one.path}"


def lines(report: Report, around: OutageTransit) -> list[str]:
    """The turns, a line each, for a terminal."""
    texts = []
    for one in around.turns[:MOST_LINES]:
        before, after = _from_to(report, one)
        ways = f"{before} -> {after}" if one.kind == "moved" else before if before != "-" else after
        until = "" if one.until_us == one.from_us else f" to {table_time(one.until_us)[11:]}"
        texts.append(f"{table_time(one.from_us)}{until}  {KINDS[one.kind]} {ways}: {_much(one)}")
    more = len(around.turns) + around.left_out - len(texts)
    return texts + ([f"and {more:,} more in report.html"] if more else [])


def _from_to(report: Report, one: Turn) -> tuple[str, str]:
    if one.kind in ("rose", "fell"):
        name = way_name(report, one)
        return ("-", name) if one.kind == "rose" else (name, "-")
    before = as_name(report, one.before) if one.before else "-"
    after = way_name(report, one) if one.after else "-"
    return (way_name(report, one) if not one.after and one.before else before), after


def _much(one: Turn) -> str:
    if not math.isnan(one.share):
        return f"{percent(one.share)} of the routes"
    return amount(one.slash24, one.prefixes)


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
