"""Which signals are independent of each other, and what a fall of each says, told by their names."""

import re
from dataclasses import dataclass
from typing import Literal

Role = Literal["reach", "arriving", "passive", "updates", "none"]


@dataclass(frozen=True, slots=True)
class Family:
    """Signals that come from one kind of measurement: two of one family are no second witness."""

    name: str
    # reach: shows what can be reached. arriving: what comes from all of it. passive: what one service sees, which may
    # fail by itself. updates: instability only. none: less of it is no loss.
    role: Role


ROUTING = Family("routing", "reach")
PROBING = Family("probing", "reach")
TELESCOPE = Family("telescope", "arriving")
TRAFFIC = Family("traffic", "passive")
UPDATES = Family("updates", "updates")
NOTHING = Family("", "none")

# The first that matches decides. Names as duskwatch, IODA and their exports spell them.
_FAMILIES: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), family)
    for pattern, family in (
        (r"peers?_live|full.?feed|latency|delay|\brtt\b|[-_. ]loss\b|outages?$", NOTHING),
        (r"announce|withdraw|\bupdates?\b", UPDATES),
        (r"\bbgp\b|visible|prefix|\brout(e|ing|es)\b", ROUTING),
        (r"ping|prob(e|es|ing)\b|trinocular|icmp|/24s? up", PROBING),
        (r"telescope|darknet|[-_]nt\b|\bibr\b|unique source", TELESCOPE),
        (r"\bgtr|google|mozilla|traffic|http|requests|bytes|flows?\b|\bdns\b", TRAFFIC),
    )
)


def family_of(signal: str) -> Family:
    """The family of a signal; one that no rule knows is a family of its own and calls outages alone."""
    for pattern, family in _FAMILIES:
        if pattern.search(signal):
            return family
    return Family(signal, "reach")
