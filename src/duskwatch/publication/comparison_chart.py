"""The same window for others: small multiples in per cent of what each had before, a table and a few sentences."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from duskwatch.publication.chart_data import bands, steps
from duskwatch.publication.chart_frame import (
    LABEL,
    Frame,
    Spec,
    at_left,
    columns,
    finished,
    layer,
    rules,
    time_axis,
    time_x,
    title,
    value_y,
    y_labels,
    y_scale,
)
from duskwatch.publication.charts import source
from duskwatch.publication.facts import end_us, measure
from duskwatch.publication.levels import F64, stretches, value_at
from duskwatch.publication.names import as_name, as_text, cut, place_name
from duskwatch.publication.palette import LIGHT
from duskwatch.publication.spans import detail, whole
from duskwatch.publication.tables import Row, Table
from duskwatch.publication.tables_csv import text
from duskwatch.publication.times_text import capital, count, number_text, percent
from duskwatch.records.comparison import Companion, Comparison, Relation
from duskwatch.records.report import Report
from duskwatch.records.signals import Level
from duskwatch.records.times import SECOND, iso

PANEL, PANEL_GAP = 42, 30  # height of one panel, and the room above it for its name
GROUPS: tuple[tuple[Relation, str], ...] = (
    ("behind", "behind the same upstream"),
    ("neighbour", "nearby"),
    ("control", "control"),
)
NOTE = (
    "Behind the same upstream: the networks with most prefixes through it a second before. Nearby: the countries whose "
    "places are nearest. Controls: neither of both, of like size, and the calmest before the onset. All were chosen by "
    "what came before the onset. Fell: an outage of theirs began within an hour of it."
)


def chart(report: Report, *, narrow: bool = False) -> Spec:
    """Each of them on one time axis, in per cent of what it had before the onset, the entity itself on top."""
    compared = _of(report)
    frame = Frame(report, detail(report) or whole(report), narrow)
    outage = report.outages[compared.outage]
    panels = [(capital(place_name(report)), report.history.level, measure(report).values, "")]
    panels += [
        (_name(report, one), _level(compared, one), one.visible, f"{_group(one)}, {one.fate}")
        for one in compared.companions
    ]
    layers: list[Spec] = []
    shades = bands([("outage", outage.onset.best_us, end_us(outage, report))], frame.span)
    for number, (name, level, values, remark) in enumerate(panels):
        bottom = (PANEL + PANEL_GAP) * (number + 1)
        top = bottom - PANEL
        before = value_at(level, values, outage.onset.earliest_us - SECOND)
        by = before if before > 0 else 1.0
        rows = steps(level, values, frame.span, frame.width // 2)
        rows = [row | {"v": round(100 * row["v"] / by, 2)} for row in rows]
        most = max([100.0, *(row["v"] for row in rows)]) * 1.06
        scale = y_scale(0, most, bottom, top)
        layers += columns(frame, shades, top, bottom, "lost")
        unwatched = [("not watched", *stretch) for stretch in stretches(level, np.isnan(values))]
        layers += columns(frame, bands(unwatched, frame.span), top, bottom, "blind")
        layers += y_labels(frame, [(0.0, "0"), (100.0, "100 %")], scale)
        drawn = time_x(frame, "t") | value_y(scale) | {"detail": {"field": "part"}}
        layers.append(layer(rows, "line", drawn, interpolate="step-after", color=LIGHT["level"], strokeWidth=1.4))
        label = f"{name}: {remark}" if remark and not (narrow and len(name) + len(remark) > 46) else name
        layers.append(at_left(frame, label, top - 12, size=LABEL, colour="text"))
    height = (PANEL + PANEL_GAP) * len(panels)
    times = [outage.onset.best_us] + ([outage.end.best_us] if outage.end is not None else [])
    layers += rules(frame, times, 0, height)
    layers += time_axis(frame, height, source=source(report))
    notes = [
        f"Visible {compared.unit} of each in per cent of what it had before the onset",
        "Shaded: the main outage. Hatched: not watched",
    ]
    made = finished(frame, layers, height, title(frame, heading(report), notes))
    return made | {"resolve": {"scale": {"y": "independent"}}}


def heading(report: Report) -> str:
    """``None of six neighbours fell with it``: the finding."""
    told = _judged(_of(report).of("behind", "neighbour"))
    if not told:
        return "The same window of others"
    fell = sum(one.fate == "fell" for one in told)
    many = "None" if not fell else "All" if fell == len(told) else capital(number_text(fell))
    return f"{many} of {number_text(len(told))} others nearby or behind the same upstream fell with it"


def sentences(report: Report) -> str:
    """What others did in the same window; empty where nobody asked."""
    compared = report.comparison
    if compared is None:
        return ""
    through = as_name(report, compared.upstream) if compared.upstream else ""
    kinds = (
        ("behind", f"network behind {through}", f"networks behind {through}"),
        ("neighbour", "country nearby", "countries nearby"),
        ("control", "control (calm before, of like size)", "controls (calm before, of like size)"),
    )
    told = []
    for key, one, several in kinds:
        found = [each for each in compared.companions if each.relation == key]
        told += [_fell(found, one, several)] if found else []
    return " ".join(told) or "Nobody was found to compare with."


def lines(report: Report) -> list[str]:
    """Each of them, a line, for a terminal."""
    compared = report.comparison
    if compared is None:
        return []
    return [
        f"{_name(report, one)}: {_group(one)} ({one.why}), {one.fate}; {_lost(one)} of {_number(one.before)} "
        f"{compared.unit} lost at worst"
        for one in compared.companions
    ]


def table(report: Report) -> Table:
    """Each of them with why it was chosen and what became of it."""
    compared = _of(report)
    rows = [
        Row((_name(report, one), _group(one), one.why, one.fate, _number(one.before), _lost(one)))
        for one in compared.companions
    ]
    heads = ("who", "what it is", "chosen for", "fate", f"{compared.unit} before", "lost at worst")
    return Table("The same window of others", heads, tuple(rows), (4, 5))


def alt(report: Report) -> str:
    """What the chart shows, in a sentence."""
    return f"{heading(report)}: a line for each of {len(_of(report).companions)} others over the same time."


def csv(report: Report) -> str:
    """Every step of each: who, its relation, since when, how much was visible."""
    return text(
        ("entity", "relation", "time", "visible"),
        (
            [one.entity.code, one.relation, iso(int(time_us)), None if math.isnan(value) else float(value)]
            for one in _of(report).companions
            for time_us, value in zip(one.time_us.tolist(), one.visible.tolist(), strict=True)
        ),
    )


def comparison_json(report: Report) -> dict[str, Any] | None:
    """All of it as report.json holds it; null where nobody asked."""
    compared = report.comparison
    if compared is None:
        return None
    share = compared.fell_share
    return {
        "outage": compared.outage,
        "upstream": compared.upstream or None,
        "unit": compared.unit,
        "fell_share": None if share is None else round(share, 6),
        "companions": [
            {
                "entity": {"type": one.entity.type, "code": one.entity.code, "name": one.entity.name or None},
                "relation": one.relation,
                "why": one.why,
                "fate": one.fate,
                "before": None if math.isnan(one.before) else one.before,
                "lost": None if math.isnan(one.lost) else round(one.lost, 6),
                "time": [iso(int(at)) for at in one.time_us.tolist()],
                "visible": [None if math.isnan(value) else value for value in one.visible.tolist()],
            }
            for one in compared.companions
        ],
    }


def _of(report: Report) -> Comparison:
    if report.comparison is None:
        raise ValueError("this report has no comparison")
    return report.comparison


def _judged(some: Sequence[Companion]) -> list[Companion]:
    return [one for one in some if one.fate != "not judged"]


def _fell(some: Sequence[Companion], one: str, several: str) -> str:
    judged = _judged(some)
    left_out = len(some) - len(judged)
    more = f" ({number_text(left_out)} more could not be judged)" if left_out else ""
    if not judged:
        return f"{capital(count(len(some), one, several))} could not be judged."
    fell = sum(each.fate == "fell" for each in judged)
    if len(judged) == 1:
        return f"The only {one} {'fell with it' if fell else 'did not fall'}{more}."
    if not fell:
        return f"None of {number_text(len(judged))} {several} fell with it{more}."
    if fell == len(judged):
        return f"All {number_text(fell)} {several} fell with it{more}."
    return f"{capital(number_text(fell))} of {number_text(len(judged))} {several} fell with it{more}."


def _name(report: Report, one: Companion) -> str:
    if one.entity.type == "asn":
        return as_text(report, one.entity)
    return f"{cut(one.entity.name)} ({one.entity.code})" if one.entity.name else one.entity.code


def _group(one: Companion) -> str:
    return dict(GROUPS)[one.relation]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f}"


def _lost(one: Companion) -> str:
    return "-" if math.isnan(one.lost) else percent(one.lost)


def _level(compared: Comparison, one: Companion) -> Level:
    """A companion's steps as a level, for what reads levels."""
    nothing: F64 = one.visible
    return Level(
        compared.until_us, one.time_us, nothing, nothing, nothing, nothing, nothing, nothing,
        (one.time_us * 0).astype("uint8"),
    )  # fmt: skip
