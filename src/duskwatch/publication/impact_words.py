"""How much an outage took, in sentences and as JSON. People are estimates, left out where no table was given."""

from typing import Any

from duskwatch.publication.times_text import percent
from duskwatch.records.impact import Impact


def impact_text(impact: Impact | None) -> str:
    """Networks and people behind the loss; empty where neither is known. The share of addresses stands elsewhere."""
    if impact is None or (impact.people is None and impact.online_share is None):
        return ""
    said = []
    if impact.people is not None and impact.people_of:
        networks = ""
        if impact.networks_lost is not None and impact.networks is not None:
            networks = f", behind {impact.networks_lost:,} of {impact.networks:,} operators"
        said.append(
            f"At worst the outage took the Internet from about {_about(impact.people)} of {_about(impact.people_of)} "
            f"users{networks}: an estimate, by the part of each network's addresses that was lost"
        )
    if impact.online_share is not None:
        said.append(f"{percent(impact.online_share)} of the country's people use the Internet")
    origin = f" (source: {impact.source}{f', {impact.date}' if impact.date else ''})" if impact.source else ""
    return ". ".join(said) + origin + "."


def impact_json(impact: Impact | None) -> dict[str, Any] | None:
    """Every number; None where nothing is known."""
    if impact is None:
        return None
    return {
        "address_share": impact.address_share,
        "networks_lost": impact.networks_lost,
        "networks": impact.networks,
        "people": None if impact.people is None else round(impact.people),
        "people_of": None if impact.people_of is None else round(impact.people_of),
        "online_share": impact.online_share,
        "source": impact.source or None,
        "date": impact.date or None,
    }


def _about(count: float) -> str:
    """An estimate with two digits that count."""
    if count < 100:
        return f"{count:,.0f}"
    step = 10 ** (len(str(int(count))) - 2)
    return f"{round(count / step) * step:,}"
