"""Was it us? What speaks for a fault of the recording, in words and figures."""

from duskwatch.publication.facts import main_outage
from duskwatch.publication.observers import count_observers, counted, saw_text, witnesses_of
from duskwatch.publication.tables import Row, Table
from duskwatch.publication.times_text import count, listed, number_text, table_time
from duskwatch.records.coverage import Artefact, CollectorView, Doubt, Witnesses
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND, span_text

QUESTION = "Was it us?"
MOST_COLLECTORS = 8
MOST_ARTEFACTS = 200
MOST_LINES = 8
NOTABLE = ("lone collector", "nothing recorded", "clock step", "stuck route", "collector restart")
ANSWERS = {"no": "no", "partly": "yes, partly", "cannot be ruled out": "cannot be ruled out"}


def answer(witnesses: Witnesses) -> str:
    """``no: 40 of 41 observers that held a route lost it, at three collectors, and all of them kept talking``."""
    reasons = [_doubt(witnesses, doubt) for doubt in witnesses.doubts]
    text = "; ".join([*reasons, _saw(witnesses)] if reasons else [_saw(witnesses)])
    return f"{ANSWERS[witnesses.verdict]}: {text}"


def by_collector(witnesses: Witnesses) -> str:
    """``rrc06: 9 of 9 observers lost it; route-views2: 30 of 31, 1 more stopped watching``."""
    parts: list[str] = []
    for view in witnesses.collectors[:MOST_COLLECTORS]:
        noun = " observers lost it" if not parts else ""
        if view.left and not view.lost + view.kept:
            parts.append(f"{view.collector}: {count_observers(view.left)} stopped watching")
            continue
        away = f", {view.left} more stopped watching" if view.left else ""
        parts.append(f"{view.collector}: {view.lost} of {view.lost + view.kept}{noun}{away}")
    if len(witnesses.collectors) > MOST_COLLECTORS:
        parts.append(f"and {len(witnesses.collectors) - MOST_COLLECTORS} more collectors")
    return "; ".join(parts)


def lines(report: Report) -> tuple[str, ...]:
    """The answer for the main outage and its figures by collector; of other outages what is not a plain no."""
    main = _main(report)
    if main is None:
        return ()
    first, others = main
    sentences = [
        f"{QUESTION} {answer(first)}.",
        f"{by_collector(first)}." if first.collectors else "",
    ]
    sentences += [f"The outage of {onset}: {answer(other)}." for onset, other in others if other.verdict != "no"]
    return tuple(text for text in sentences if text)


def main_answer(report: Report) -> str:
    """The answer for the main outage; empty where there is none, or it was not worked out."""
    main = _main(report)
    return "" if main is None else answer(main[0])


def answers(report: Report) -> tuple[tuple[str, str], ...]:
    """(onset, answer) of each outage but the main one."""
    main = _main(report)
    return () if main is None else tuple((onset, answer(other)) for onset, other in main[1])


def _main(report: Report) -> tuple[Witnesses, list[tuple[str, Witnesses]]] | None:
    """Who saw the main outage, and the onsets and witnesses of the others. None where there is no main outage."""
    main = main_outage(report)
    found: list[Witnesses] = []
    others: list[tuple[str, Witnesses]] = []
    for number, outage in enumerate(report.outages):
        witnesses = witnesses_of(report, number)
        if witnesses is None:
            continue
        if outage is main:
            found.append(witnesses)
        else:
            others.append((f"{table_time(outage.onset.best_us)} UTC", witnesses))
    return (found[0], others) if found else None


def faults(report: Report) -> str:
    """``1 collector restart and 2 stuck routes``; empty where nothing was recognised."""
    kinds: dict[str, int] = {}
    for artefact in report.coverage.artefacts:
        kinds[artefact.kind] = kinds.get(artefact.kind, 0) + 1
    return listed([_many(kind, number) for kind, number in sorted(kinds.items())]) if kinds else ""


def fault_lines(report: Report) -> tuple[str, ...]:
    """The faults that say most about the entity, in order of time, a line each; at most MOST_LINES."""
    notable = [artefact for artefact in report.coverage.artefacts if artefact.kind in NOTABLE]
    faults = [
        f"{table_time(artefact.from_us)} UTC  {span_text(artefact.until_us - artefact.from_us)}  {artefact.kind}"
        f"{f' {artefact.source}' if artefact.source else ''}: {artefact.detail}"
        for artefact in notable[:MOST_LINES]
    ]
    if len(notable) > MOST_LINES:
        faults.append(f"and {len(notable) - MOST_LINES} more in report.html")
    return tuple(faults)


def _many(kind: str, number: int) -> str:
    several = {
        "nothing recorded": "times at which no collector recorded anything",
        "lone collector": "losses seen at one collector alone",
    }
    one = {
        "nothing recorded": "time at which no collector recorded anything",
        "lone collector": "loss seen at one collector alone",
    }
    return count(number, one.get(kind, kind), several.get(kind, f"{kind}s"))


def _saw(witnesses: Witnesses) -> str:
    return saw_text(counted(witnesses)) + _talk(witnesses)


def _talk(witnesses: Witnesses) -> str:
    if witnesses.talking is None or not witnesses.lost or "silent" in witnesses.doubts:
        return ""
    if witnesses.talking == witnesses.lost:
        who = "it" if witnesses.lost == 1 else "all of them" if witnesses.lost > 2 else "both"
    else:
        who = f"{witnesses.talking:,} of them"
    return f", and {who} kept reporting on the rest of the Internet ({witnesses.statements or 0:,} statements)"


def _doubt(witnesses: Witnesses, doubt: Doubt) -> str:
    saw = [view for view in witnesses.collectors if view.lost]
    if doubt == "few voters":
        if not witnesses.lost:
            if counted(witnesses).left:
                return "no observer said that it lost it itself"
            return "no observer is known to have lost it itself"
        return f"only {count_observers(witnesses.lost)} lost it, and faults of their own would look the same"
    if doubt == "one collector":
        held = sum(view.kept for view in witnesses.collectors if not view.lost)
        if held:
            return f"only observers at {saw[0].collector} lost it, while {held:,} elsewhere kept it"
        return f"it was seen at one collector alone ({saw[0].collector}), by few observers"
    if doubt == "silent":
        talking = witnesses.talking or 0
        spoke = number_text(talking) if talking else "none"
        return f"of {witnesses.lost:,} observers that lost it, {spoke} reported on other networks meanwhile"
    if doubt == "elsewhere":
        lost = f"{witnesses.elsewhere_lost:,} of {witnesses.elsewhere:,}"
        return f"{lost} other prefixes watched were lost in the same minutes"
    if doubt == "in a gap":
        return "it begins or ends where nobody was watching, or where a clock was wrong: how long it lasted is not sure"
    if doubt == "voters left":
        if not witnesses.voters_least:
            return "for a part of it, or near its onset or end, nobody was watching"
        ended = f" ({count(witnesses.resets, 'session', 'sessions')} ended)" if witnesses.resets else ""
        return f"many observers stopped watching at that time{ended}: at worst {witnesses.voters_least:,} were left"
    return "before or after it one collector alone saw a loss, which is not counted"


def checked(report: Report) -> tuple[Table, ...]:
    """What the answer for the main outage rests on: its peers by collector, and the figures that were looked at."""
    main = _main(report)
    if main is None:
        return ()
    return (_collectors(main[0]), _facts(main[0])) if main[0].collectors else (_facts(main[0]),)


def _facts(witnesses: Witnesses) -> Table:
    before, least, after = witnesses.voters_before, witnesses.voters_least, witnesses.voters_after
    rows = (
        Row(("observers watching", f"{before:,} just before, at least {least:,} during, {after:,} at the end")),
        Row(("of those watching just before", _counts(witnesses))),
        Row(("sessions that ended within 10 min of the onset", f"{witnesses.resets:,}")),
        Row(("gaps that overlap it", f"{witnesses.gaps:,}")),
        Row(("heard meanwhile from observers that lost it", _heard(witnesses))),
        Row(("lost elsewhere in the same minutes", _elsewhere(witnesses))),
    )
    return Table("What was checked", ("question", "figure"), rows)


def _counts(witnesses: Witnesses) -> str:
    seen = counted(witnesses)
    return f"{seen.lost:,} lost it, {seen.kept:,} kept it, {seen.left:,} stopped watching, {seen.silent:,} had not said"


def _heard(witnesses: Witnesses) -> str:
    if witnesses.talking is None:
        return "not counted"
    return f"{witnesses.statements or 0:,} statements about other prefixes, from {count_observers(witnesses.talking)}"


def _elsewhere(witnesses: Witnesses) -> str:
    if not witnesses.elsewhere:
        return "nothing else was watched in this run"
    return f"{witnesses.elsewhere_lost:,} of {witnesses.elsewhere:,} other prefixes watched"


def _collectors(witnesses: Witnesses) -> Table:
    rows = [
        Row((view.collector, str(view.lost), str(view.kept), str(view.left), _between(view)))
        for view in witnesses.collectors
    ]
    heads = ("collector", "lost it", "kept it", "stopped watching", "first and last loss (UTC)")
    return Table("Observers by collector", heads, tuple(rows), (1, 2, 3))


def _between(view: CollectorView) -> str:
    if view.first_us is None or view.last_us is None:
        return "-"
    if view.last_us - view.first_us < SECOND:
        return table_time(view.first_us)
    return f"{table_time(view.first_us)}, then over {span_text(view.last_us - view.first_us)}"


def artefacts(report: Report) -> Table | None:
    """Faults of the recording that were recognised."""
    faults: tuple[Artefact, ...] = report.coverage.artefacts
    if not faults:
        return None
    rows = [
        Row((artefact.kind, artefact.source or "all collectors", table_time(artefact.from_us),
             span_text(artefact.until_us - artefact.from_us), artefact.detail))
        for artefact in faults[:MOST_ARTEFACTS]
    ]  # fmt: skip
    note = (
        f"The first {MOST_ARTEFACTS} of {len(faults):,}; report.json holds all." if len(faults) > MOST_ARTEFACTS else ""
    )
    heads = ("what", "source", "from (UTC)", "lasted", "figures")
    return Table("Faults of the recording, none of them counted as an outage", heads, tuple(rows), (), note)
