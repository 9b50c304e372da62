"""What the signals of other people mean, by their names; whoever gives the file may say otherwise."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from duskwatch.records.errors import InputError
from duskwatch.records.signals import (
    ATTACKS,
    LOSS_ROLES,
    PROBING,
    ROLES,
    ROUTING,
    SITES,
    SPACE_UNITS,
    TELESCOPE,
    TRAFFIC,
    Role,
    Sampled,
    SignalSpec,
)

OF_ITSELF = ""  # family of a signal that is a family of its own

# Amounts of which much is bad and little is well: a fall of them is a return, never an outage.
_BAD = (
    r"latency|delay|jitter|\brtt\b|\bms\b|response times?\b|loss\b|unreachable|timeouts?\b"
    r"|\berrors?\b|\bfail(ed|ures?)\b|\b5xx\b"
)
# The first that matches decides. Names as duskwatch, IODA and their exports spell them; `_` is read as a space.
_PATTERNS: tuple[tuple[str, str, Role], ...] = (
    (r"\battacks?\b|\bd?dos\b", ATTACKS, "none"),
    (rf"^sites?\..*({_BAD}|\bdown\b)", SITES, "none"),
    (r"^sites?\.", SITES, "reach"),
    (r"peers? live|full.?feed|hegemony", ROUTING, "none"),
    (rf"{_BAD}|(ping|prob(e|es|ing)\b|hosts?\b|(slash|/)24s?).*\bdown\b", PROBING, "none"),
    (r"\boutages?\b", OF_ITSELF, "none"),
    (r"announce|withdraw|\bupdates?\b", ROUTING, "updates"),
    (r"\bbgp\b|visible|prefix|\brout(e|ing|es)\b", ROUTING, "reach"),
    (r"ping|prob(e|es|ing)\b|trinocular|icmp|/24s? up", PROBING, "reach"),
    (r"telescope|darknet|[- ]nt\b|\bibr\b|unique source", TELESCOPE, "arriving"),
    (r"\bgtr|google|mozilla|traffic|http|requests|bytes|flows?\b|\bdns\b", TRAFFIC, "passive"),
)
_NAMES = tuple((re.compile(pattern, re.IGNORECASE), family, role) for pattern, family, role in _PATTERNS)
_SAMPLED: Mapping[str, Sampled] = {ROUTING: "level", TELESCOPE: "count"}
_UNITS = tuple(
    (re.compile(pattern, re.IGNORECASE), unit)
    for pattern, unit in (
        (r"slash24|/24", SPACE_UNITS[0]),
        (r"slash48|/48", SPACE_UNITS[1]),
        (r"prefix", "prefixes"),
    )
)


class RoleError(InputError):
    """A role that was said of a signal and cannot be; the text says what can."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How names are read: what duskwatch declares of its own signals, and what the user says of any."""

    declared: Mapping[str, SignalSpec] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)

    def spec(self, name: str) -> SignalSpec:
        """What a signal means."""
        spec = self.declared.get(name) or spec_of(name)
        role = self.roles.get(name)
        return spec if role is None else replace(spec, role=role, less_is_loss=role in LOSS_ROLES)

    def guessed(self, name: str) -> bool:
        """Whether nothing is known of a signal, by declaration, by its name or by what the user says."""
        return name not in self.declared and name not in self.roles and _match(name) is None


def spec_of(name: str) -> SignalSpec:
    """What a name of others says of its signal; one that no pattern knows shows reach, as a family of its own."""
    name = name or "unnamed"
    family, role = _match(name) or (OF_ITSELF, "reach")
    unit = next((unit for pattern, unit in _UNITS if pattern.search(name)), "") if role in LOSS_ROLES else ""
    return SignalSpec(
        name,
        family or name,
        role,
        unit,
        "count" if role == "updates" else _SAMPLED.get(family, "mean"),
        less_is_loss=role in LOSS_ROLES,
    )


def said_roles(texts: Sequence[str]) -> dict[str, Role]:
    """Roles of signals as ``NAME=ROLE`` each. RoleError for another form, a role that does not exist, a name twice."""
    out: dict[str, Role] = {}
    for text in texts:
        name, equals, word = text.rpartition("=")
        role = next((role for role in ROLES if role == word.strip().lower()), None)
        name = name.strip()
        if not equals or not name:
            raise RoleError(f"--signal {text}: write NAME=ROLE; roles are {', '.join(ROLES)}")
        if role is None:
            raise RoleError(f"--signal {text}: no role '{word.strip()}'; roles are {', '.join(ROLES)}")
        if out.get(name, role) != role:
            raise RoleError(f"--signal {text}: {name} was said to be '{out[name]}' before")
        out[name] = role
    return out


def _match(name: str) -> tuple[str, Role] | None:
    spaced = name.replace("_", " ")
    for pattern, family, role in _NAMES:
        if pattern.search(spaced):
            return family, role
    return None
