"""Which operators (ASes) of a country were lost, and the smallest entity that explains an outage, in words.

A country's *networks* of the records are its ASes. In sentences they are operators: there, a network is a /24.
"""

from duskwatch.publication.facts import SLASH24, SLASH48, exact, main_outage, step_us
from duskwatch.publication.names import as_text, cut
from duskwatch.publication.not_judged import its_start, part_judged
from duskwatch.publication.times_text import (
    ALL,
    capital,
    clock,
    count,
    day,
    fine,
    listed,
    number_text,
    percent,
    shown_time,
    table_time,
    utc,
    utc_after,
)
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member
from duskwatch.records.networks import Holding, Network, Networks
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.times import span_text

MOST_NETWORKS = 10


def sentence(incident: Incident, named_apart: bool = True) -> str:
    """``Djibouti (DJ), 19 February 2008, 13:07 to 14:13 UTC, 100 % lost; AS30990, which is all of DJ, explains it``.

    ``named_apart``: parts of the entity were looked at, so that there being none that explains it says something.
    """
    text = f"{_short(incident.entity)}, {_span(incident)}, {percent(incident.lost)} lost"
    why = because(incident, named_apart)
    return f"{text}; {why}" if why else text


def because(incident: Incident, named_apart: bool = True) -> str:
    """``AS30990, which is 92 % of DJ, explains it``, or that nothing smaller does."""
    by, code = incident.explained_by, incident.entity.code
    if not by:
        return f"no outage of a {_kind(incident.entity)} explains it" if named_apart else ""
    much = "it" if incident.explained >= ALL else f"{percent(incident.explained)} of it"
    if len(by) == 1:
        return f"{_short(by[0].entity)}, which is {_part(by[0].part)} of {code}, explains {much}"
    names = [f"{_short(member.entity)} ({percent(member.part)} of {code})" for member in by]
    return f"{listed(names)} together explain {much}"


def account(report: Report) -> str:
    """What the networks of the country had to do with its main outage; empty where they were not told apart."""
    networks = report.networks
    if networks is None or not networks.total:
        return ""
    main = main_outage(report)
    if main is None:
        return _without(report, networks)
    incident = main_incident(report)
    if incident is None:
        return ""
    by = incident.explained_by
    if len(by) == 1 and by[0].entity != report.entity:
        return _one(report, networks, incident, by[0])
    if by:
        items = [f"{as_text(report, m.entity)} ({_of_country(networks, m)}, {_lost(m.outage)})" for m in by]
        text = f"No single operator explains it, but {number_text(len(by))} together do: {listed(items)}."
        return text + _rest(incident)
    return _none(report, networks, incident)


def rows(report: Report) -> tuple[tuple[Network, Outage, Holding], ...]:
    """The networks that were lost, worst first, at most MOST_NETWORKS, each with its worst outage."""
    networks = report.networks
    if networks is None:
        return ()
    return tuple((one, *worst(one)) for one in networks.lost[:MOST_NETWORKS])


def lines(report: Report) -> tuple[str, ...]:
    """The operators that were lost, a line each."""
    shown_time = []
    for network, outage, had in rows(report):
        seconds = not step_us(outage)
        end = table_time(outage.end.best_us, seconds) if outage.end is not None else "not over at the end"
        more = len(network.outages) - 1
        shown_time.append(
            f"{as_text(report, network.entity)}: {percent(had.share)} of the country ({holding_text(had)}), "
            f"{percent(outage.depth)} of it lost, {table_time(outage.onset.best_us, seconds)} to {end} UTC"
            + (f"; {more} more outage{'s' * (more > 1)}" if more else "")
        )
    return tuple(shown_time)


def worst(network: Network) -> tuple[Outage, Holding]:
    """The outage in which a network took the most from the country, the longest of several such."""
    pairs = list(zip(network.outages, network.before, strict=True))
    return max(pairs, key=lambda pair: (round(pair[1].share * pair[0].depth, 9), pair[0].score))


def left_out(report: Report) -> str:
    """How many networks there are beside those of ``rows``, and how many had no outage."""
    networks = report.networks
    if networks is None:
        return ""
    lost = len(networks.lost)
    if not lost:
        if networks.total and its_start(report) is not None and not report.outages:
            return "Whether any of its operators had an outage could not be judged."
        part = part_judged(report)
        if networks.total == 1:
            return f"Its only operator had no outage{part}."
        return f"None of its {number_text(networks.total)} operators had an outage{part}." if networks.total else ""
    text = ""
    if lost > MOST_NETWORKS:
        text = f"{capital(count(lost - MOST_NETWORKS, 'more operator', 'more operators'))} had outages; report.json "
        text += "has all. "
    if networks.total == 1:
        return text + "It has no other operator in this window."
    rest = networks.total - lost
    if not rest:
        return f"{text}All of its {number_text(networks.total)} operators had outages."
    return f"{text}Of its {number_text(networks.total)} operators, {number_text(rest)} had no outage."


def main_incident(report: Report) -> Incident | None:
    """The incident that the main outage of the report belongs to; None where networks were not told apart."""
    main = main_outage(report)
    if report.networks is None or main is None:
        return None
    number = next(i for i, outage in enumerate(report.outages) if outage is main)
    for incident in report.networks.incidents:
        if any(member.entity == report.entity and member.number == number for member in incident.members):
            return incident
    return None


def holding_text(had: Holding) -> str:
    """``15 of 16 IPv4 /24s``."""
    several = {SLASH24: "IPv4 /24s", SLASH48: "IPv6 /48s"}.get(had.signal, "prefixes")
    return f"{had.part:,.0f} of {had.whole:,.0f} {several}"


def _one(report: Report, networks: Networks, incident: Incident, member: Member) -> str:
    had = _holding(networks, member)
    held = f"{holding_text(had)} of the country ({percent(member.part)})" if had else percent(member.part)
    outage = member.outage
    start = outage.onset.best_us
    seconds = fine(outage.duration_us) and exact(outage.onset)
    until = (
        f"from {utc(start, seconds)} until {utc_after(outage.end.best_us, start, seconds)}"
        if outage.end is not None
        else f"from {utc(start, seconds)} on, and was not back at the end of the analysis"
    )
    how = "all of that" if outage.depth >= ALL else f"{percent(outage.depth)} of that"
    who = as_text(report, member.entity)
    if networks.total == 1:
        return f"All of its routes are announced by one operator (AS), {who}."
    which = f"One of its {number_text(networks.total)} operators (ASes) explains it: {who}"
    return f"{which} announced {held} and lost {how} {until}.{_rest(incident)}"


def _rest(incident: Incident) -> str:
    if incident.explained >= ALL:
        return ""
    return f" That makes up {percent(incident.explained)} of the country's loss."


def _none(report: Report, networks: Networks, incident: Incident) -> str:
    lost = {member.entity for member in incident.members if member.entity != report.entity}
    if networks.total == 1:
        return "The country has one operator (AS), which was not lost as a whole."
    text = f"No single one of its {number_text(networks.total)} operators (ASes) explains it, nor do three together: "
    if not lost:
        return text + "none of them had an outage of its own at that time."
    largest = max((m for m in incident.members if m.entity in lost), key=lambda m: (m.lost, m.entity.code))
    return (
        f"{text}{count(len(lost), 'operator', 'operators')} had an outage at that time, of which "
        f"{as_text(report, largest.entity)} took the most, {percent(largest.lost)} of the country."
    )


def _without(report: Report, networks: Networks) -> str:
    if not networks.lost:
        return ""
    first, outage, had = rows(report)[0]
    many, of = number_text(len(networks.lost)), count(networks.total, "operator (AS)", "operators (ASes)")
    text = f"Though the country as a whole had no outage, {many} of its {of} had: "
    if len(networks.lost) > 1:
        text += "the largest loss was that of "
    return (
        f"{text}{as_text(report, first.entity)} ({holding_text(had)}), {_lost(outage)} from "
        f"{utc(outage.onset.best_us, fine(outage.duration_us))} for {span_text(outage.duration_us)}, which is "
        f"{percent(had.share * outage.depth)} of the country."
    )


def _of_country(networks: Networks, member: Member) -> str:
    had = _holding(networks, member)
    return f"{percent(member.part)} of the country" + (f", {holding_text(had)}" if had is not None else "")


def _lost(outage: Outage) -> str:
    return "all lost" if outage.depth >= ALL else f"{percent(outage.depth)} lost"


def _holding(networks: Networks, member: Member) -> Holding | None:
    for network in networks.lost:
        if network.entity == member.entity:
            return network.before[member.number]
    return None


def _part(part: float) -> str:
    return "all" if part >= ALL else percent(part)


def _kind(entity: Entity) -> str:
    return "single operator" if entity.type == "country" else "single prefix"


def _short(entity: Entity) -> str:
    name = cut(entity.name)
    return f"{name} ({entity.code})" if name and name != entity.code else entity.code


def _span(incident: Incident) -> str:
    """``19 February 2008, 13:07 to 14:13 UTC``; with the day of the end where it is another."""
    until_us = incident.until_us
    exact = until_us is not None and fine(until_us - incident.from_us)
    start = shown_time(incident.from_us, exact)
    text = f"{day(start)} {start.year}, {clock(start, exact)}"
    if until_us is None:
        return f"{text} UTC, not over"
    end = shown_time(until_us, exact)
    if end.date() == start.date():
        return f"{text} to {clock(end, exact)} UTC"
    year = "" if end.year == start.year else f" {end.year}"
    return f"{text} to {day(end)}{year}, {clock(end, exact)} UTC"
