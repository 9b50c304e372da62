"""From single checks to states: a site is back, or gone, when two checks in a row say so; what comes and goes is
unstable."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from duskwatch.records.sites import SiteCheck, SitePlaces, SiteState, SiteView, Step

T = TypeVar("T")

CONFIRM = 2  # checks in a row that change a state
RECENT = 10  # last checks that are looked at
RESTLESS = 4  # changes among them from which a site is unstable
MOST = 0.5  # share of a country's networks from which a failure is the country's state of the site


def site_views(checks: Iterable[SiteCheck]) -> list[SiteView]:
    """Each site as each network of each country sees it, by site, country and network."""
    groups: dict[tuple[str, str, int], list[SiteCheck]] = {}
    for check in checks:
        groups.setdefault((check.site, check.country, check.asn), []).append(check)
    return [_view(key, sorted(group, key=lambda one: one.time_us)) for key, group in sorted(groups.items())]


def _view(key: tuple[str, str, int], group: Sequence[SiteCheck]) -> SiteView:
    site, country, asn = key
    judged = [check for check in group if check.state != "unclear"]
    if not judged:
        last = group[-1]
        return SiteView(
            site, country, asn, "unclear", last.step, last.fault, group[0].time_us, None, last.time_us,
            0, 0, len(group), 0,
        )  # fmt: skip
    first, changes = _present(judged)
    run = judged[first:]
    state: SiteState = judged[first].state
    recent = judged[-RECENT:]
    if sum(_fails(a) != _fails(b) for a, b in pairwise(recent)) >= RESTLESS:
        state = "unstable"
    step: Step = ""
    fault = ""
    if state != "reachable":
        failing = [check for check in (recent if state == "unstable" else run) if _fails(check)]
        state = state if state == "unstable" else _commonest(check.state for check in failing)
        step, fault = _commonest((check.step, check.fault) for check in failing)
    return SiteView(
        site=site,
        country=country,
        asn=asn,
        state=state,
        step=step,
        fault=fault,
        since_us=judged[first].time_us,
        after_us=judged[first - 1].time_us if first else None,
        last_us=judged[-1].time_us,
        checks=len(judged),
        failed=sum(map(_fails, judged)),
        unclear=len(group) - len(judged),
        changes=changes,
    )


def _fails(check: SiteCheck) -> bool:
    return check.state != "reachable"


def _present(judged: Sequence[SiteCheck]) -> tuple[int, int]:
    """Index of the first check of the present state, and how often the state changed.

    A state begins with the first check; another one begins where CONFIRM checks in a row show it.
    """
    first, changes, run = 0, 0, 0
    failing = _fails(judged[0])
    for at, check in enumerate(judged):
        run = run + 1 if _fails(check) != failing else 0
        if run == CONFIRM:
            first, failing, changes, run = at - CONFIRM + 1, not failing, changes + 1, 0
    return first, changes


def site_places(views: Iterable[SiteView]) -> list[SitePlaces]:
    """Each site over the networks of each country, by site and country."""
    groups: dict[tuple[str, str], list[SiteView]] = {}
    for view in views:
        groups.setdefault((view.site, view.country), []).append(view)
    return [_places(site, country, group) for (site, country), group in sorted(groups.items())]


def _places(site: str, country: str, group: Sequence[SiteView]) -> SitePlaces:
    judged = [view for view in group if view.checks]
    counts = Counter(view.state for view in judged)
    failing = [view for view in judged if view.state in ("blocked", "down")]
    state: SiteState
    if not judged:
        state = "unclear"
    elif failing and len(failing) >= MOST * len(judged):
        state = _commonest(view.state for view in failing)
    elif counts["unstable"] > MOST * len(judged):
        state = "unstable"
    else:
        state = "mixed" if counts["reachable"] < len(judged) else "reachable"
    troubled = failing or [view for view in judged if view.state == "unstable"]
    step: Step = ""
    fault = ""
    if troubled:
        step, fault = _commonest((view.step, view.fault) for view in troubled)
    since = [view.since_us for view in troubled if view.since_us]
    return SitePlaces(
        site=site,
        country=country,
        state=state,
        networks=len(judged),
        reachable=counts["reachable"],
        blocked=counts["blocked"],
        down=counts["down"],
        unstable=counts["unstable"],
        step=step,
        fault=fault,
        since_us=min(since, default=None),
        last_us=max((view.last_us for view in judged), default=None),
    )


def _commonest(values: Iterable[T]) -> T:
    """The value that occurs most often; of several the smallest."""
    counts = Counter(values)
    most = max(counts.values())
    return min((value for value, count in counts.items() if count == most), key=repr)
