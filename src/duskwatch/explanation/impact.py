"""How much an outage took, from a report and tables of users."""

from collections.abc import Mapping

from duskwatch.records.evidence import Fact
from duskwatch.records.impact import Impact, Users
from duskwatch.records.networks import Network
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report

NO_USERS = Users()


def impact_of(report: Report, number: int, users: Users = NO_USERS) -> Impact:
    """What an outage took at worst. Numbers of people come from the table alone, and are left out without one.

    A network that was lost in part counts in part: users are taken to be spread over its addresses, as nobody knows.
    """
    outage = report.outages[number]
    shares = _lost_shares(report, outage)
    found = report.networks
    code = report.entity.code
    users_of = {asn: count for (country, asn), count in users.by_network.items() if country == code}
    people, of = _people(report, outage, shares, users_of, users)
    return Impact(
        outage.depth,
        None if found is None else len(shares),
        None if found is None else found.total,
        people,
        of,
        users.online.get(code) if report.entity.type == "country" else None,
        users.source,
        users.date,
    )


def impact_facts(impact: Impact) -> tuple[Fact, ...]:
    """The same as facts, for whoever weighs them."""
    figures = [("impact.address_share", impact.address_share, "share", "detection")]
    if impact.networks_lost is not None and impact.networks:
        figures.append(("impact.network_share", impact.networks_lost / impact.networks, "share", "detection"))
    if impact.people is not None:
        figures.append(("impact.people", impact.people, "people, an estimate", impact.source))
    return tuple(Fact(name, value, unit, origin) for name, value, unit, origin in figures if value is not None)


def _lost_shares(report: Report, outage: Outage) -> dict[int, float]:
    """The networks that lost anything while the outage lasted, and the largest share of itself that each lost."""
    if report.networks is None:
        return {}
    shares = {one.entity.asn: _worst(report, one, outage) for one in report.networks.lost}
    return {asn: share for asn, share in shares.items() if share > 0}


def _worst(report: Report, network: Network, outage: Outage) -> float:
    start, end = outage.onset.earliest_us, _end_us(report, outage)
    inside = [one for one in network.outages if one.onset.best_us < end and _end_us(report, one) > start]
    return max((one.depth for one in inside), default=0.0)


def _end_us(report: Report, outage: Outage) -> int:
    return outage.end.best_us if outage.end is not None else report.until_us


def _people(
    report: Report, outage: Outage, shares: Mapping[int, float], users_of: Mapping[int, float], users: Users
) -> tuple[float | None, float | None]:
    if report.entity.type == "asn":
        mine = [count for (_, asn), count in users.by_network.items() if asn == report.entity.asn]
        return (sum(mine) * outage.depth, sum(mine)) if mine else (None, None)
    if report.entity.type != "country" or not users_of or report.networks is None:
        return None, None
    if shares and not any(asn in users_of for asn in shares):
        return None, None  # the table knows nobody behind what was lost: that is no figure of 0
    return sum(count * shares.get(asn, 0.0) for asn, count in users_of.items()), sum(users_of.values())


def not_in_tables(report: Report, number: int, users: Users) -> tuple[str, ...]:
    """What of an outage the tables of a person do not know, in sentences; empty where they know all of it."""
    kind, code = report.entity.type, report.entity.code
    said = []
    if kind == "country" and users.online and code not in users.online:
        said.append(f"the tables of people online have no row for {code}")
    if kind != "prefix" and users.by_network:
        lost = {report.entity.asn} if kind == "asn" else set(_lost_shares(report, report.outages[number]))
        missing = lost - {asn for country, asn in users.by_network if kind == "asn" or country == code}
        if missing:
            said.append(
                f"{len(missing):,} of {len(lost):,} ASes that lost anything are in no table of users: "
                "nobody is counted there"
            )
    return tuple(said)
