"""How much an outage took: addresses, networks and, where somebody supplies tables, people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duskwatch.records.report import InputFile


@dataclass(frozen=True, slots=True)
class Users:
    """Estimated Internet users by country and AS, and the share of people that is online, as a person supplied them."""

    by_network: Mapping[tuple[str, int], float] = field(default_factory=dict)  # (country code, ASN) to users
    online: Mapping[str, float] = field(default_factory=dict)  # country code to share of people online, 0..1
    source: str = ""  # names of the files
    date: str = ""  # as the files say; empty where they do not
    inputs: "tuple[InputFile, ...]" = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Impact:
    """What the worst moment of an outage took. None where it is not known; people are an estimate."""

    address_share: float | None  # of the visible address space of the entity, 0..1
    networks_lost: int | None  # ASes of the country that lost any of it
    networks: int | None  # ASes that announced any of it
    people: float | None  # users behind the networks, each counted by the share of it that was lost
    people_of: float | None  # users of all networks of the country in the table
    online_share: float | None  # of the people of the country, 0..1
    source: str = ""  # of the numbers of people
    date: str = ""
