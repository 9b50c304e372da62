"""Facts of a report: what routing and series say about one of its outages. Whoever measured more adds to them."""

import numpy as np

from duskwatch.records.evidence import NAN, Fact, Facts, facts_of
from duskwatch.records.outages import Outage
from duskwatch.records.report import Report
from duskwatch.records.signals import LOSS_ROLES, SignalBlock
from duskwatch.records.times import to_datetime

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
SECOND_US = 1_000_000
AGAIN_US = 12 * HOUR_US  # an outage sooner after another one is no recurrence
ENOUGH_ELSEWHERE = 20  # other prefixes watched, below which nothing is said of elsewhere
DOUBT = {"no": 0.0, "partly": 1.0, "cannot be ruled out": 2.0}


def facts_of_report(report: Report, number: int) -> Facts:
    """What a report knows about its outage of that index. A fact that it does not know is absent, or NaN."""
    outage = report.outages[number]
    return facts_of(
        *_clock(report, outage),
        *_length(report, outage),
        *_families(report, outage),
        *_shape(report, outage),
        *_after(report, outage, number),
        *_history(report, outage),
        *_path(report, number),
        *_networks(report, outage),
        *_neighbours(report, number),
        *_recording(report, number),
    )


def main_outage(report: Report) -> int | None:
    """Index of the outage with the highest score, the first of several such; None where there is none."""
    return max(range(len(report.outages)), key=lambda k: (report.outages[k].score, -k), default=None)


def _end_us(report: Report, outage: Outage) -> int:
    return outage.end.best_us if outage.end is not None else report.until_us


def _clock(report: Report, outage: Outage) -> list[Fact]:
    width = (outage.onset.latest_us - outage.onset.earliest_us) / MINUTE_US
    facts = [Fact("onset.width_min", width, "minutes", "detection")]
    if report.time_zone:
        from zoneinfo import ZoneInfo

        local = to_datetime(outage.onset.best_us).astimezone(ZoneInfo(report.time_zone))
        minute = local.hour * 60 + local.minute + local.second / 60
        facts.append(Fact("onset.local_minute", minute, "minutes after local midnight", "detection"))
    return facts


def _length(report: Report, outage: Outage) -> list[Fact]:
    facts = [
        Fact("outage.lasted_hours", (_end_us(report, outage) - outage.onset.best_us) / HOUR_US, "hours", "detection"),
        Fact("outage.depth", outage.depth, "share", "detection"),
    ]
    if outage.end is not None:
        width = (outage.end.latest_us - outage.end.earliest_us) / MINUTE_US
        facts.append(Fact("outage.hours", outage.duration_us / HOUR_US, "hours", "detection"))
        facts.append(Fact("end.width_min", width, "minutes", "detection"))
    return facts


def _families(report: Report, outage: Outage) -> list[Fact]:
    """Whether each kind of measurement fell, where it was watching."""
    watched: set[str] = set()
    fell: set[str] = set()
    for block in (report.history.signals, *report.history.series):
        for row, spec in enumerate(block.specs):
            if spec.role not in LOSS_ROLES or not spec.less_is_loss:
                continue
            if _watched(block, row, outage.onset.earliest_us, _end_us(report, outage)):
                watched.add(spec.family)
            if spec.name in outage.signals:
                fell.add(spec.family)
    return [Fact(f"fell.{family}", float(family in fell), "", "detection") for family in sorted(watched | fell)]


def _watched(block: SignalBlock, row: int, from_us: int, until_us: int) -> bool:
    first = max(0, (from_us - block.start_us) // block.bin_us)
    stop = -(-(until_us - block.start_us) // block.bin_us)
    return stop > first and bool(np.isfinite(block.values[row, first:stop]).any())


def _routed(report: Report) -> bool:
    return bool(np.isfinite(report.history.level.prefixes).any())


def _shape(report: Report, outage: Outage) -> list[Fact]:
    """Before, fall and return. Only routes tell them to the second; series of bins are not read for them."""
    if not _routed(report):
        return []
    unstable = sum(one.until_us - one.from_us for one in outage.phases if one.phase == "degrading")
    facts = [
        Fact("before.unstable_hours", unstable / HOUR_US, "hours", "detection"),
        # Records from before the window may show when it began to shake.
        Fact(
            "before.watched_hours",
            max(unstable, outage.onset.best_us - report.from_us) / HOUR_US,
            "hours",
            "detection",
        ),
    ]
    if outage.dark_from is not None:
        fall = max(0, outage.dark_from.best_us - outage.onset.best_us) / SECOND_US
        facts.append(Fact("fall.seconds", fall, "seconds", "detection"))
    if outage.end is not None:
        shaky = any(one.phase == "unstable" for one in outage.phases)
        facts.append(Fact("return.unstable", float(shaky), "", "detection"))
        if outage.dark_until is not None:
            rise = max(0, outage.end.best_us - outage.dark_until.best_us) / SECOND_US
            facts.append(Fact("return.seconds", rise, "seconds", "detection"))
    return facts


def _after(report: Report, outage: Outage, number: int) -> list[Fact]:
    if outage.end is None:
        return []
    lost_again = sum(1 for other in report.outages if other.relapse_of == number)
    return [
        Fact("after.relapses", float(max(outage.relapses, lost_again)), "", "detection"),
        Fact("after.watched_hours", (report.until_us - outage.end.best_us) / HOUR_US, "hours", "detection"),
    ]


def _history(report: Report, outage: Outage) -> list[Fact]:
    gaps = [outage.onset.best_us - other.onset.best_us for other in report.outages]
    gap = min((gap for gap in gaps if gap >= AGAIN_US), default=None)
    return [] if gap is None else [Fact("history.gap_days", gap / (24 * HOUR_US), "days", "detection")]


def _path(report: Report, number: int) -> list[Fact]:
    """Ways in before and after, by whole paths, and what hung on one AS."""
    outage = report.outages[number]
    around = report.around[number] if number < len(report.around) else None
    facts = []
    carriers = [one for one in report.history.carriers if one.time_us < outage.onset.earliest_us]
    if carriers and number == main_outage(report):
        share = max(one.share for one in carriers)
        facts.append(Fact("path.single_share", share, "share of visible addresses", "signals/bgp"))
    elif around is not None and around.failures:
        share = max(one.share for one in around.failures)
        facts.append(Fact("path.single_share", share, "share of what was lost", "signals/bgp"))
    # An AS_SET, AS 0 or a path that never leaves names nobody: many neighbours may stand behind it.
    if around is None or not around.entries_before or not around.entries_before[0].outside:
        return facts
    first = around.entries_before[0]
    facts.append(
        Fact(
            "path.largest_share",
            first.share,
            "share of what was lost",
            "signals/bgp",
            around.before_us,
            around.before_us,
            note=f"entered through AS{first.outside}",
        )
    )
    if around.moved is not None:
        then = around.entries_after[0]
        note = f"entered through AS{first.outside} before, through AS{then.outside} when it ended"
        facts.append(
            Fact(
                "path.upstream_changed", float(around.moved), "", "signals/bgp", around.before_us, around.after_us, note
            )
        )
    return facts


def _networks(report: Report, outage: Outage) -> list[Fact]:
    found = report.networks
    if found is None:
        return []
    start, end = outage.onset.earliest_us, _end_us(report, outage)
    onsets = []
    for network in found.lost:
        inside = [
            other.onset.best_us
            for other in network.outages
            if other.onset.best_us < end and _end_us(report, other) > start
        ]
        onsets += [min(inside)] if inside else []
    facts = [
        Fact("networks.known", float(found.total), "", "signals/bgp"),
        Fact("networks.lost", float(len(onsets)), "", "detection"),
    ]
    if len(onsets) > 1:
        spread = (max(onsets) - min(onsets)) / MINUTE_US
        facts.append(Fact("networks.spread_min", spread, "minutes", "detection"))
    return facts


def _neighbours(report: Report, number: int) -> list[Fact]:
    found = report.comparison
    if found is None or found.outage != number or found.fell_share is None:
        return []
    judged = [one for one in found.of("behind", "neighbour") if one.fate != "not judged"]
    note = f"{sum(one.fate == 'fell' for one in judged)} of {len(judged)}"
    return [Fact("neighbours.fell_share", found.fell_share, "share of neighbours", "signals/bgp", note=note)]


def _recording(report: Report, number: int) -> list[Fact]:
    witnesses = report.coverage.witnesses
    seen = witnesses[number] if number < len(witnesses) else None
    if seen is None:
        return []
    facts = [Fact("recording.doubt", DOUBT.get(seen.verdict, NAN), "", "signals/bgp")]
    if seen.elsewhere >= ENOUGH_ELSEWHERE:
        share = seen.elsewhere_lost / seen.elsewhere
        facts.append(Fact("recording.elsewhere_share", share, "share of other prefixes", "signals/bgp"))
    return facts
