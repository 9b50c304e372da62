"""Make reports from a short telling of what each prefix did, for tests of what publishes them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from duskwatch.analysis.networks import with_outages
from duskwatch.publication.html import to_html
from duskwatch.records.coverage import CollectorView, Coverage, Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.networks import Holding, Network, Networks
from duskwatch.records.outages import Alarm, Outage, Phase, When
from duskwatch.records.reason import in_words, reason
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import ChangeLog, EntityHistory, Gap, Level, PrefixState, SignalBlock, TransitShare
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, parse_time
from duskwatch.signals.bgp.measures import SPECS
from duskwatch.sources.tables.naming import spec_of

NOT_MEASURED = (
    "whether hosts answered: no probing was done, a routed network can still be unreachable",
    "how much traffic flowed, and whether any attack took place",
)
REENACTMENT = (
    "This is a re-enactment: the archives were generated from published facts about December 2014 and from stated "
    "assumptions. They are not recorded measurements."
)
UP, SOME, DOWN, UNKNOWN = PrefixState.VISIBLE, PrefixState.MINORITY, PrefixState.DARK, PrefixState.UNKNOWN
Change = tuple[int, int, PrefixState]
"""Time in microseconds, number of the prefix, state from then on."""


def t(text: str) -> int:
    return parse_time(text)


def when(best: int, before: int = 0, after: int = 0, reason: str = "the second of the message") -> When:
    return When(best - before, best + after, best, in_words(reason))


def history(
    from_us: int,
    until_us: int,
    prefixes: Sequence[str],
    changes: Sequence[Change],
    *,
    voters: int = 40,
    blind: Sequence[tuple[int, int]] = (),
    gaps: Sequence[Gap] = (),
    slash24_each: int = 1,
    origin: int = 131279,
    upstream: int = 4837,
    transit: Sequence[TransitShare] = (),
    learned: bool = False,
    bin_us: int = 5 * MINUTE,
) -> EntityHistory:
    """All prefixes begin visible at the start; ``blind`` are stretches in which no voter is there."""
    rows = [(from_us, p, UP) for p in range(len(prefixes))] + list(changes)
    rows.sort(key=lambda row: row[0])
    times = sorted({from_us} | {row[0] for row in rows} | {edge for span in blind for edge in span if edge < until_us})
    state = np.zeros(len(prefixes), np.int64)
    six = np.array([":" in prefix for prefix in prefixes], np.bool_)
    visible, visible6, held, held6, watching = [], [], [], [], []
    at = 0
    for moment in times:
        while at < len(rows) and rows[at][0] <= moment:
            state[rows[at][1]] = rows[at][2]
            at += 1
        seen = not any(a <= moment < b for a, b in blind)
        watching.append(float(voters) if seen else np.nan)
        for row, states in ((visible, state[~six]), (visible6, state[six])):
            row.append(float((states == UP).sum()) if seen else np.nan)
        for row, states in ((held, state[~six]), (held6, state[six])):
            row.append(float((states >= SOME).sum()) if seen else np.nan)
    time_us = np.array(times, np.int64)
    shown4, shown6 = np.array(visible), np.array(visible6)
    shown = shown4 + shown6
    level = Level(
        until_us, time_us, shown, shown4 * slash24_each, shown6, np.array(held) * slash24_each, np.array(held6),
        np.array(watching), np.zeros(len(times), np.uint8),
    )  # fmt: skip
    votes = np.array([{UP: voters, SOME: voters // 4, DOWN: 0, UNKNOWN: 0}[row[2]] for row in rows], np.int32)
    log = ChangeLog(
        tuple(prefixes),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int32),
        np.array([row[2] for row in rows], np.uint8),
        votes,
        np.full(len(rows), voters, np.int32),
        np.full(len(rows), origin, np.uint32),
        np.full(len(rows), upstream, np.uint32),
        np.zeros(len(rows), np.uint8),
    )
    bins = -(-(until_us - from_us) // bin_us)
    ends = np.minimum(from_us + bin_us * np.arange(1, bins + 1), until_us)
    row_of = np.searchsorted(time_us, ends, side="left") - 1
    up = np.bincount([(c[0] - from_us) // bin_us for c in changes if c[2] == UP], minlength=bins).astype(float)
    down = np.bincount([(c[0] - from_us) // bin_us for c in changes if c[2] != UP], minlength=bins).astype(float)
    values = np.vstack([
        shown[row_of], shown4[row_of] * slash24_each, shown6[row_of], np.array(watching)[row_of], up * voters,
        down * voters,
    ])  # fmt: skip
    coverage = np.tile(np.where(np.isnan(shown[row_of]), 0.0, 1.0), (len(SPECS), 1))
    signals = SignalBlock(SPECS, from_us, bin_us, values, coverage)
    return EntityHistory(level, log, signals, tuple(gaps), tuple(transit), learned)


def outage(
    onset: When,
    end: When | None,
    until_us: int,
    *,
    dark: tuple[When, When] | None = None,
    depth: float = 1.0,
    phases: Sequence[tuple[str, int, int]] = (),
    relapses: int = 0,
    relapse_of: int | None = None,
    stable: bool = True,
    score: float | None = None,
    confidence: float = 0.95,
    signals: tuple[str, ...] = ("bgp.visible_slash24",),
) -> Outage:
    stop = end.best_us if end else until_us
    duration = stop - onset.best_us
    alarm = Alarm(
        signals[0], "level.absolute", onset.best_us, onset.best_us, end.best_us if end else None,
        4.0, 4.0 * (1 - depth), 0.5, 1.0,
    )  # fmt: skip
    return Outage(
        onset, end, dark[0] if dark else None, dark[1] if dark else None, duration, depth,
        tuple(Phase(*phase) for phase in phases),  # type: ignore[arg-type]
        relapses, relapse_of, stable, signals,
        score if score is not None else depth * duration / HOUR, confidence, (alarm,),
    )  # fmt: skip


def files(collectors: Sequence[str], from_us: int, until_us: int, each: int = 3) -> tuple[InputFile, ...]:
    out = []
    for number, collector in enumerate(collectors):
        for part in range(each):
            name = f"updates.{part:04d}.gz" if part else "bview.0000.gz"
            start = from_us + part * HOUR
            out.append(
                InputFile(
                    name,
                    f"{number * 1000 + part:064x}",
                    "mrt",
                    start,
                    min(start + HOUR, until_us),
                    1000 + part,
                    0,
                    "",
                    collector,
                    123_456,
                )
            )
    out.append(InputFile("delegated-apnic-extended-20141222", "f" * 64, "delegated", None, None, 40_000, 1))
    return tuple(out)


def kp() -> Report:
    """Four prefixes: flaps, 9 h 31 min of nothing, two relapses, a reset session and a missing file."""
    start, stop = t("2014-12-21"), t("2014-12-25")
    prefixes = [f"175.45.{176 + i}.0/24" for i in range(4)]
    down, up = t("2014-12-22T16:15:03Z"), t("2014-12-23T01:46:11Z")
    flap = t("2014-12-22T15:02:00Z")
    second, third = t("2014-12-23T07:41:00Z"), t("2014-12-23T15:41:00Z")
    changes: list[Change] = [(flap, 0, SOME), (flap + 4 * MINUTE, 0, UP), (flap + 20 * MINUTE, 1, DOWN),
                             (flap + 31 * MINUTE, 1, UP)]  # fmt: skip
    for i in range(4):
        changes += [
            (down - 20 * SECOND + i * 5 * SECOND, i, SOME),
            (down + i * SECOND, i, DOWN),
            (up + i * SECOND, i, UP),
        ]
        changes += [(second + i * SECOND, i, DOWN), (second + 12 * MINUTE + i * SECOND, i, UP)]
        changes += [(third + i * SECOND, i, DOWN), (third + 31 * MINUTE + i * SECOND, i, UP)]
    gaps = (
        Gap("rrc00 AS64500 192.0.2.1", t("2014-12-22T09:00:00Z"), t("2014-12-22T09:12:00Z"), "session down", 1),
        Gap("route-views2", t("2014-12-24T05:00:00Z"), t("2014-12-24T05:15:00Z"), "missing file", 20),
    )
    transit = (
        TransitShare(4837, start, down, 0.98),
        TransitShare(64999, start, down, 0.02),
        TransitShare(4837, up, stop, 1.0),
    )  # fmt: skip
    past = history(start, stop, prefixes, changes, gaps=gaps, transit=transit)
    main = outage(
        when(down, 20 * SECOND, 3 * SECOND, "more than half of the voters lost the last prefix"),
        when(up + 3 * SECOND, 3 * SECOND, 0, "all prefixes visible again"),
        stop,
        dark=(when(down + 3 * SECOND, 3 * SECOND, 0), when(up)),
        phases=[
            ("degrading", flap, down),
            ("dark", down + 3 * SECOND, up),
            ("recovering", up, up + 3 * SECOND),
            ("unstable", up + 3 * SECOND, third + 31 * MINUTE),
            ("restored", third + 31 * MINUTE, stop),
        ],
        relapses=2,
        stable=False,
    )
    more = [
        outage(
            when(at),
            when(at + length),
            stop,
            dark=(when(at + 3 * SECOND), when(at + length)),
            phases=[("dark", at + 3 * SECOND, at + length)],
            relapse_of=0,
        )
        for at, length in ((second, 12 * MINUTE), (third, 31 * MINUTE))
    ]
    return Report(
        Entity("country", "KP", "North Korea"), start, stop, past, (main, *more),
        files(("rrc00", "route-views2"), start, stop), ("rrc00", "route-views2"), "Asia/Pyongyang",
        {131279: "STAR-KP Star JV, KP", 4837: "China Unicom, CN"}, "delegated-apnic-extended-20141222 (2014-12-22)",
        (), NOT_MEASURED, REENACTMENT,
    )  # fmt: skip


def dj() -> Report:
    """Fifteen prefixes: fourteen go at once, the last 35 minutes later; one full-feed peer; state learned."""
    start, stop = t("2008-02-19T12:00Z"), t("2008-02-19T18:00Z")
    prefixes = [f"196.201.{192 + i}.0/24" for i in range(15)]
    down, dark = t("2008-02-19T13:07:06Z"), t("2008-02-19T13:42:08Z")
    back, whole = t("2008-02-19T13:50:22Z"), t("2008-02-19T14:13:17Z")
    changes: list[Change] = []
    for i in range(14):
        changes += [(down + i // 3 * SECOND, i, DOWN), (back + i * 60 * SECOND, i, UP)]
    changes += [(dark, 14, DOWN), (whole, 14, UP)]
    past = history(start, stop, prefixes, changes, voters=1, origin=30990, upstream=8966, learned=True)
    one = outage(
        when(down, 0, 4 * SECOND), when(whole), stop, dark=(when(dark), when(back)),
        phases=[("partial", down, dark), ("dark", dark, back), ("recovering", back, whole), ("restored", whole, stop)],
        confidence=0.4,
    )  # fmt: skip
    return Report(
        Entity("country", "DJ", "Djibouti"), start, stop, past, (one,), files(("route-views2",), start, stop),
        ("route-views2",), "Africa/Djibouti", {8966: "Etisalat"}, "delegated-afrinic-extended-20160130", (),
        NOT_MEASURED,
    )  # fmt: skip


def partial() -> Report:
    """Half of ten prefixes of one network go for 40 minutes; something is left all the time."""
    start, stop = t("2021-03-01"), t("2021-03-01T12:00Z")
    prefixes = [f"203.0.{i}.0/24" for i in range(10)]
    down, up = t("2021-03-01T06:00:00Z"), t("2021-03-01T06:40:00Z")
    changes: list[Change] = [(down + i * SECOND, i, DOWN) for i in range(5)]
    changes += [(up + i * SECOND, i, UP) for i in range(5)]
    past = history(start, stop, prefixes, changes, origin=64500, upstream=64501)
    one = outage(when(down), when(up), stop, depth=0.5, phases=[("partial", down, up), ("restored", up, stop)])
    return Report(
        Entity("asn", "AS64500", ""), start, stop, past, (one,), files(("rrc00",), start, stop), ("rrc00",),
        not_measured=NOT_MEASURED,
    )  # fmt: skip


def networks(lost: Sequence[tuple[int, float, float, str, int]], total: int, report: Report) -> Report:
    """The report with networks: AS number, share of its 100 /24s, depth, begin, minutes."""
    told = []
    for asn, share, depth, begin, minutes in lost:
        at = t(begin)
        one = outage(when(at), when(at + minutes * MINUTE), report.until_us, depth=depth)
        told.append(Network(Entity("asn", f"AS{asn}"), (one,), (Holding("bgp.visible_slash24", 100 * share, 100),)))
    names = {asn: f"Net {asn}" for asn, *_ in lost}
    found = with_outages(Networks(total, tuple(told), ()), report.entity, report.outages)
    return replace(report, networks=found, as_names=report.as_names | names)


def national(depth: float = 0.6) -> Report:
    """Sixty of a hundred /24s of a country go for 40 minutes."""
    start, stop = t("2021-03-01"), t("2021-03-01T12:00Z")
    down, up = t("2021-03-01T06:00:00Z"), t("2021-03-01T06:40:00Z")
    many = round(100 * depth)
    changes: list[Change] = [(at + i * 100_000, i, to) for at, to in ((down, DOWN), (up, UP)) for i in range(many)]
    past = history(start, stop, [f"203.0.{i}.0/24" for i in range(100)], changes, origin=64500, upstream=64501)
    one = outage(when(down), when(up), stop, depth=depth, phases=[("partial", down, up), ("restored", up, stop)])
    return Report(
        Entity("country", "PG", "Papua New Guinea"), start, stop, past, (one,), files(("rrc00",), start, stop),
        ("rrc00",), "Pacific/Port_Moresby", not_measured=NOT_MEASURED,
    )  # fmt: skip


SIX = "2021-03-01T06:00:00Z"


def explained() -> Report:
    """One network of forty makes up the loss, and a small one falls with it."""
    return networks([(64500, 0.58, 1.0, SIX, 40), (64502, 0.01, 1.0, SIX, 30)], 40, national())


def shared() -> Report:
    """Two networks make up the loss together."""
    return networks([(64500, 0.3, 1.0, SIX, 40), (64502, 0.4, 0.5, SIX, 40)], 7, national())


def spread() -> Report:
    """Thirteen networks of forty fall, and none of them explains it."""
    return networks([(64500 + i, 0.04, 0.9, SIX, 40) for i in range(13)], 40, national())


def alone() -> Report:
    """The country stands, one network of it falls for eight minutes."""
    report = replace(national(), outages=())
    return networks([(64500, 0.05, 1.0, SIX, 8)], 40, report)


def quiet() -> Report:
    start, stop = t("2014-05-30"), t("2014-05-30T06:00Z")
    past = history(start, stop, ["198.51.100.0/24", "203.0.113.0/24"], [], voters=12)
    return Report(
        Entity("country", "PK", "Pakistan"), start, stop, past, (), files(("rrc06",), start, stop), ("rrc06",),
        "Asia/Karachi", not_measured=NOT_MEASURED,
    )  # fmt: skip


def ongoing() -> Report:
    start, stop = t("2022-01-15"), t("2022-01-15T12:00Z")
    prefixes = [f"192.0.2.{64 * i}/26" for i in range(3)]
    down = t("2022-01-15T04:14:45Z")
    changes: list[Change] = [(down + i * 20 * MINUTE, i, DOWN) for i in range(3)]
    past = history(start, stop, prefixes, changes)
    one = outage(
        when(down), None, stop, dark=(when(down + 40 * MINUTE), when(stop, 0, 0, "the window ends")),
        phases=[("degrading", down, down + 40 * MINUTE), ("dark", down + 40 * MINUTE, stop)], stable=False,
    )  # fmt: skip
    return Report(
        Entity("country", "TO", "Tonga"), start, stop, past, (one,), files(("rrc00",), start, stop), ("rrc00",),
        "Pacific/Tongatapu", not_measured=NOT_MEASURED,
    )  # fmt: skip


def blind() -> Report:
    """Nobody was watching for the whole window."""
    start, stop = t("2019-07-01"), t("2019-07-01T06:00Z")
    gap = Gap("rrc00", start, stop, "missing file", 3)
    past = history(start, stop, [], [], blind=[(start, stop)], gaps=[gap])
    level = replace(past.level, voters=np.full(past.level.time_us.shape, np.nan))
    return Report(
        Entity("country", "ER", "Eritrea"), start, stop, replace(past, level=level), (), (), ("rrc00",),
        "Africa/Asmara", warnings=("no route of Eritrea (ER) was heard in this window, so nothing can be said",),
        not_measured=NOT_MEASURED,
    )  # fmt: skip


def large(prefix_count: int = 2000) -> Report:
    """A country of 2,000 prefixes that flap all the time, half of which go for two hours; 300 files."""
    start, stop = t("2021-06-01"), t("2021-06-01") + 7 * DAY
    prefixes = [f"10.{i // 256}.{i % 256}.0/24" for i in range(prefix_count)]
    random = np.random.default_rng(7)
    changes: list[Change] = []
    for at, prefix in zip(
        random.integers(start + MINUTE, stop - HOUR, 10 * prefix_count),
        random.integers(0, prefix_count, 10 * prefix_count),
        strict=True,
    ):
        changes += [(int(at), int(prefix), DOWN), (int(at) + 90 * SECOND, int(prefix), UP)]
    down, up = start + 4 * DAY, start + 4 * DAY + 2 * HOUR
    changes = [c for c in changes if not down - 5 * MINUTE < c[0] < up + 5 * MINUTE]
    changes += [(down + i * 10_000, i, DOWN) for i in range(prefix_count // 2)]
    changes += [(up + i * 10_000, i, UP) for i in range(prefix_count // 2)]
    gap = [Gap(f"rrc{i:02d} AS{64500 + i} 192.0.2.{i}", start + i * HOUR, start + (i + 1) * HOUR, "session down", 1)
           for i in range(30)]  # fmt: skip
    past = history(start, stop, prefixes, changes, gaps=gap)
    one = outage(
        when(down), when(up), stop, depth=0.5, phases=[("partial", down, up), ("restored", up, stop)],
    )  # fmt: skip
    return Report(
        Entity("country", "XQ", "Largeland"), start, stop, past, (one,),
        files(("rrc00", "rrc01", "route-views2"), start, stop, 100), ("rrc00", "rrc01", "route-views2"),
        not_measured=NOT_MEASURED,
    )  # fmt: skip


def one_family(lost: str = "IPv6") -> Report:
    """Three IPv4 and four IPv6 networks; those of one family go for three hours."""
    start, stop = t("2021-05-01"), t("2021-05-02")
    down = t("2021-05-01T06:00:00Z")
    prefixes = [f"203.0.{113 + i}.0/24" for i in range(3)] + [f"2001:db8:{i}::/48" for i in range(4)]
    gone = range(3, 7) if lost == "IPv6" else range(3)
    up = down + 3 * HOUR + (len(gone) - 1) * SECOND
    changes: list[Change] = [(down + k * SECOND, i, DOWN) for k, i in enumerate(gone)]
    changes += [(up + k * SECOND, i, UP) for k, i in enumerate(gone)]
    past = history(start, stop, prefixes, changes, origin=64500, upstream=64501)
    end = up + (len(gone) - 1) * SECOND
    one = outage(
        when(down), when(end), stop, phases=[("partial", down, end), ("restored", end, stop)],
        signals=(f"bgp.visible_slash{48 if lost == 'IPv6' else 24}", "bgp.visible_prefixes"),
    )  # fmt: skip
    return Report(
        Entity("country", "XQ", "Largeland"), start, stop, past, (one,), files(("rrc00",), start, stop), ("rrc00",),
        not_measured=NOT_MEASURED,
    )  # fmt: skip


def others() -> Report:
    """Three signals that others measured, in bins of 5 and 30 minutes: one falls by two thirds for four hours, one is
    low, one stays; each onset and end rests on bins."""
    start, stop = t("2023-08-21"), t("2023-08-25")
    down, up = t("2023-08-24T00:59:58Z"), t("2023-08-24T05:00:02Z")
    blocks = []
    for names, bin_us in ((("ping-slash24", "bgp"), 5 * MINUTE), (("gtr",), 30 * MINUTE)):
        bins = (stop - start) // bin_us
        times = start + bin_us * np.arange(bins)
        inside = (times >= down - 2 * SECOND) & (times < up - 2 * SECOND)
        values = {"ping-slash24": np.where(inside, 200.0, 600.0), "bgp": np.full(bins, 2900.0),
                  "gtr": np.where(inside, 0.2, 0.7)}  # fmt: skip
        rows = np.vstack([values[name] for name in names])
        blocks.append(SignalBlock(tuple(map(spec_of, names)), start, bin_us, rows, np.ones_like(rows)))
    empty = history(start, stop, [], [])
    nothing = np.full(1, np.nan)
    level = Level(stop, np.array([start]), nothing, nothing, nothing, nothing, nothing, nothing, np.zeros(1, np.uint8))
    level_times = start + 5 * MINUTE * np.arange((stop - start) // (5 * MINUTE))
    many = np.full(len(level_times), np.nan)
    level = replace(level, time_us=level_times, prefixes=many, slash24=many, slash48=many, held_slash24=many,
                    held_slash48=many, voters=many, by_voters=np.zeros(len(many), np.uint8))  # fmt: skip
    past = replace(empty, level=level, series=tuple(blocks))
    fell = reason("fell", signal="ping-slash24", before=600.0, after=200.0, bin_us=5 * MINUTE, at_us=down + 2 * SECOND)
    back = reason("back", signal="ping-slash24", value=600.0, bin_us=5 * MINUTE, at_us=up - 2 * SECOND)
    onset = When(down - 5 * MINUTE, down + 5 * MINUTE, down, fell)
    end = When(up, up + 5 * MINUTE, up, back)
    one = outage(onset, end, stop, depth=2 / 3, phases=[("partial", down, up), ("restored", up, stop)],
                 signals=("ping-slash24",), confidence=0.83)  # fmt: skip
    return Report(
        Entity("country", "IQ", "Iraq"), start, stop, past, (one,),
        (InputFile("iraq.csv", "a" * 64, "series", start, stop, 5000, 0, "", "", 90_000),), (), "Asia/Baghdad",
        not_measured=NOT_MEASURED,
    )  # fmt: skip


def seen(report: Report) -> Report:
    """The report with the witnesses of its main outage: 25 of 37 observers held a route, and lost it."""
    views = (
        CollectorView("route-views2", 20, 0, 0, report.outages[0].onset.earliest_us, report.outages[0].onset.latest_us),
        CollectorView("rrc06", 3, 1, 1, report.outages[0].onset.earliest_us, report.outages[0].onset.latest_us),
    )
    own = Witnesses(views, 15, 37, 36, 37, 0, 0, 0, 0, 23, 317_814, ())
    return replace(report, coverage=Coverage((), (own, *(None for _ in report.outages[1:]))))


MADE = {
    "kp": kp, "dj": dj, "partial": partial, "quiet": quiet, "ongoing": ongoing, "blind": blind, "ipv6": one_family,
    "ipv4": lambda: one_family("IPv4"), "explained": explained, "shared": shared, "spread": spread, "alone": alone,
    "others": others, "seen": lambda: seen(partial()),
}  # fmt: skip


@cache
def page_of(name: str) -> str:
    """The page of a made report, drawn once."""
    return to_html(MADE[name]())
