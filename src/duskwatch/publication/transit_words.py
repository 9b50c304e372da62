"""Through whom what an outage took was reached, in sentences: what it hung on, and how its ways went and came."""

from collections.abc import Sequence

from duskwatch.publication.names import as_name, place_name
from duskwatch.publication.times_text import capital, clock, count, number_text, percent, shown_time, utc_after
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import Carrier
from duskwatch.records.times import MINUTE
from duskwatch.records.transit import OutageTransit, Turn

FLICKER_US = MINUTE  # a way that is back for less than this, or away, is not named in a sentence
MOST_PARTS = 3  # turns that a sentence lists
MOST_HOME = 2
NEARLY = 0.95  # a share that hangs on one AS, from which on a sentence tells of it
AT_HOME = 0.05  # of what was lost was entered through an AS before: routers that come back to it go home


def around_of(report: Report, outage: Outage) -> OutageTransit | None:
    """What whole paths tell of an outage of the report; None where nothing was worked out."""
    for number, other in enumerate(report.outages):
        if other is outage:
            return report.around[number] if number < len(report.around) else None
    return None


def course_sentence(report: Report, outage: Outage, around: OutageTransit) -> str:
    """``14 of 15 networks were lost through AS5511 between 13:07:10 and 13:07:13 UTC, one through AS8961 behind AS8966
    at 13:42:14 UTC. 14 came back ...`` Empty where no way is known.

    Where all went and came the same way: ``The routes were lost, and came back, through AS4837.``
    """
    turns = steady(around.turns)
    start = outage.onset.earliest_us
    end = outage.end.latest_us if outage.end is not None else around.until_us
    lost = [one for one in turns if one.kind == "lost" and one.before and start <= one.until_us and one.from_us <= end]
    since = lost[0].from_us if lost else start
    back = [one for one in turns if one.kind == "back" and one.after and since <= one.from_us <= end]
    home = [one for one in turns if one.kind in ("rose", "moved") and one.after and one.until_us > end]
    gone, came = _ways(report, lost), _ways(report, back)
    if not gone and not came:
        return ""
    if not home and gone == came and len(gone) == 1:
        return f"The routes were lost, and came back, through {gone[0]}."
    if not home and not came and len(gone) == 1:
        return f"The routes were lost through {gone[0]}."
    ref = outage.onset.best_us
    told_ = [_parts(report, around, lost, ref, "was lost", "were lost")] if lost else []
    told_ += [_parts(report, around, back, ref, "came back", "came back", again=bool(lost))] if back else []
    told_ += [_home(report, around, one, ref) for one in home[:MOST_HOME]]
    return " ".join(told_)


def reliance_sentence(report: Report) -> str:
    """``Before, 100 % of the visible /24s of North Korea were reached through AS4837 (China Unicom, CN).``

    Empty where no single AS had nearly all."""
    one = main_carrier(report)
    if one is None:
        return ""
    text = f"{percent(one.share)} of the visible /24s of {place_name(report)}"
    if one.only >= one.share - 1e-9:
        text += f" were reached through {as_name(report, one.asn)}"
    else:
        text += f" would not have been visible without {as_name(report, one.asn)}"
    return f"Before, {text}." if report.outages else f"{text}."


def main_carrier(report: Report) -> Carrier | None:
    """The AS that nearly all hung on; of several the one just outside. None where there is none."""
    found = [one for one in report.history.carriers if one.share >= NEARLY]
    ways = {entry.outside for around in report.around if around is not None for entry in around.entries_before[:1]}
    return next((one for one in found if one.asn in ways), found[0] if found else None)


def steady(turns: Sequence[Turn]) -> list[Turn]:
    """The turns without those that were undone within a minute, and what undid them."""
    out: list[Turn] = []
    for one in turns:
        undone = next((k for k, other in enumerate(out) if _undoes(one, other)), None)
        if undone is None:
            out.append(one)
        else:
            del out[undone]
    return out


def _undoes(one: Turn, other: Turn) -> bool:
    return (
        {one.kind, other.kind} == {"lost", "back"}
        and one.prefixes == other.prefixes
        and (one.before, one.after) == (other.after, other.before)
        and one.from_us - other.until_us < FLICKER_US
    )


def way_name(report: Report, turn: Turn) -> str:
    """``AS8961 behind AS8966``: the AS just outside, and the one ahead of it where nearly all routes have the same."""
    names = [as_name(report, asn) for asn in (turn.after or turn.before, turn.beyond) if asn]
    return " behind ".join(names) if names else "a way that is not known"


def _ways(report: Report, turns: Sequence[Turn]) -> list[str]:
    return list(dict.fromkeys(way_name(report, one) for one in turns))


def _parts(
    report: Report, around: OutageTransit, turns: Sequence[Turn], ref: int, one: str, several: str, again: bool = False
) -> str:
    """Each turn with its way, where that is another than that of the turn before, and its time."""
    rows = [(way_name(report, turn), _many(turn), turn.from_us, turn.until_us) for turn in turns]
    if len(rows) > MOST_PARTS:  # each way once, from its first to its last
        ways = list(dict.fromkeys(row[0] for row in rows))
        by_way = [[row for row in rows if row[0] == way] for way in ways]
        rows = [(some[0][0], sum(r[1] for r in some), some[0][2], max(r[3] for r in some)) for some in by_way]
    more = len(rows) - MOST_PARTS
    total = around.slash24 or around.prefixes
    parts: list[str] = []
    said = ""
    for way, many, from_us, until_us in rows[:MOST_PARTS]:
        through = "" if way == said else f" through {way}"
        head = number_text(many)
        if not parts:
            what = "networks" if around.slash24 else "prefixes"
            share = many if many <= total else total  # a network that was lost twice is still one
            noun = what if total != 1 else what[: -2 if what == "prefixes" else -1]
            of = f"the only {noun}" if total == 1 else f"{number_text(share)} of {number_text(total)} {noun}"
            of = f"all {number_text(total)} {noun}" if share == total > 1 else of
            head = f"{head if share < total else 'all' if total > 1 else 'it'} " if again else f"{of} "
            head += one if share == 1 else several
        parts.append(f"{head}{through} {_span(from_us, until_us, ref)}")
        said = way
    if more > 0:
        parts.append(f"others through {number_text(more)} more way{'s' * (more > 1)}")
    return f"{capital(', '.join(parts))}."


def _home(report: Report, around: OutageTransit, turn: Turn, ref: int) -> str:
    """Routers that took to another way after the end, or home to one that they had."""
    was = {entry.outside for entry in around.entries_before if entry.share >= AT_HOME}
    verb = "went home" if turn.after in was else "went over"
    if turn.kind == "moved":
        many = capital(count(_many(turn), "network", "networks"))
        return f"{many} {verb} to {way_name(report, turn)} {_span(turn.from_us, turn.until_us, ref)}."
    since, by = utc_after(turn.from_us, ref, True), utc_after(turn.until_us, ref, True)
    return f"From {since} on routes {verb} to {way_name(report, turn)}: {percent(turn.share)} of all by {by}."


def _many(turn: Turn) -> int:
    return turn.slash24 or turn.prefixes


def _span(from_us: int, until_us: int, ref: int) -> str:
    first, last = shown_time(from_us, True), shown_time(until_us, True)
    if first == last:
        return f"at {utc_after(from_us, ref, True)}"
    if first.date() == last.date():
        return f"between {clock(first, True)} and {utc_after(until_us, ref, True)}"
    return f"between {utc_after(from_us, ref, True)} and {utc_after(until_us, from_us, True)}"
