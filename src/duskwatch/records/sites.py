"""Web sites and services as others checked them: the step at which a check failed, and what it met there."""

from dataclasses import dataclass, field
from typing import Literal

from duskwatch.records.entries import EntryCount

Step = Literal["", "dns", "tcp", "tls", "http"]
STEPS: tuple[Step, ...] = ("", "dns", "tcp", "tls", "http")  # '': no step failed

CheckState = Literal["reachable", "blocked", "down", "unclear"]
CHECK_STATES: tuple[CheckState, ...] = ("reachable", "blocked", "down", "unclear")
"""What one check says. reachable: the site answered. blocked: it failed here, while a control that this vantage point
reached could use it. down: it failed for the control too. unclear: there was no control, or the site itself answers
differently here."""

SiteState = Literal["reachable", "blocked", "down", "mixed", "unstable", "unclear"]
SITE_STATES: tuple[SiteState, ...] = ("reachable", "blocked", "down", "mixed", "unstable", "unclear")
"""What many checks say. mixed: most networks reach the site and some do not. unstable: it comes and goes."""

# What a step met, and its plain name. Codes are stable; programs read them.
FAULTS: dict[str, str] = {
    "": "no fault",
    "name-not-found": "the name does not exist, the resolver says",
    "no-address": "the name has no address",
    "server-failure": "the resolver could not answer",
    "refused-answer": "the resolver refused to answer",
    "private-address": "the name leads to a private or local address",
    "other-address": "the name leads to an address that no other resolver gives",
    "invented-address": "a name that does not exist was given an address",
    "timeout": "no answer in time",
    "refused": "the connection was refused",
    "reset": "the connection was reset",
    "closed": "the connection was closed early",
    "unreachable": "no way to the address",
    "bad-certificate": "the certificate is not valid",
    "unknown-authority": "nobody known vouches for the certificate",
    "wrong-name": "the certificate is for another name",
    "bad-handshake": "the handshake failed",
    "stalled": "the answer began and did not end in time: throttled, or the line is bad",
    "other-content": "another page than elsewhere",
    "challenge": "the site asks whether a person is there",
    "bad-redirect": "the redirect leads nowhere",
    "endless-redirects": "too many redirects",
    "some-endpoints": "some addresses of the service fail",
    "other": "a fault that has no name here",
}


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """One check of one site from one vantage point."""

    site: str  # host name, or the name of a service: telegram
    url: str  # as asked for; '' for a service
    time_us: int
    country: str  # of the vantage point; '' unknown
    asn: int  # network of the vantage point; 0 unknown
    state: CheckState
    step: Step  # where it failed, or where something was odd though the site answered
    fault: str  # one of FAULTS
    why: str  # one sentence: what was compared with what
    place: str = ""  # file and entry it was read from
    id: str = ""  # the publisher's id of the measurement or report

    @property
    def plain(self) -> str:
        """The fault in plain words."""
        return FAULTS[self.fault]


@dataclass(frozen=True, slots=True)
class SiteChecks:
    """All checks of some files, in order of time, and what was kept out."""

    checks: tuple[SiteCheck, ...]
    count: EntryCount = field(default_factory=EntryCount)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site as one network of one country sees it, last of all."""

    site: str
    country: str
    asn: int
    state: SiteState
    step: Step  # of the last check that shows the state; the commonest step where unstable
    fault: str
    since_us: int  # first check of the present state
    after_us: int | None  # last check that showed another state: it changed between the two; None: it always was so
    last_us: int  # last check that could be judged
    checks: int  # that could be judged
    failed: int  # of these
    unclear: int  # checks that could not be judged
    changes: int  # how often the state changed


@dataclass(frozen=True, slots=True)
class SitePlaces:
    """A site over all networks of one country that it was checked from."""

    site: str
    country: str  # of the vantage points; '' unknown
    state: SiteState
    networks: int  # with a check that could be judged
    reachable: int  # networks that see the site so
    blocked: int
    down: int
    unstable: int
    step: Step  # the commonest one of the networks that fail; '' where none does
    fault: str
    since_us: int | None  # when the first of these networks began to fail, as far as the checks tell
    last_us: int | None  # the last check that could be judged


@dataclass(frozen=True, slots=True)
class ListedSite:
    """A site of a test list."""

    url: str
    host: str
    category: str  # code of the category: NEWS, GOVT
    description: str
    country: str = ""  # of the list, by the name of its file; '' for the global list
