"""Charts: one Vega-Lite specification each, made with Altair; vl-convert draws them without a browser or a network."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any, cast

import altair as alt
import numpy as np
import vl_convert

from duskwatch.publication.chart_data import (
    Rows,
    bands,
    block_steps,
    message_bars,
    milliseconds,
    phase_bands,
    steps,
    strips,
)
from duskwatch.publication.facts import Span, blind_spans, dark_span, end_us, main_outage, measure
from duskwatch.publication.others import described, only_others
from duskwatch.publication.palette import LIGHT, PHASES, STATES
from duskwatch.publication.times_text import long_day, place, zone
from duskwatch.publication.words import subject, verdict
from duskwatch.records.report import Report
from duskwatch.records.times import DAY, MINUTE, span_text, to_datetime

Spec = dict[str, Any]

WIDTH, NARROW = 760, 340  # of the plot, in pixels; the narrow one is for phones
MARGIN, NARROW_MARGIN = 112, 44  # left of the plot, the same for all charts so that their times stand below each other
_NOISE = re.compile(r'<path class="(?:background|foreground)"[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*/>')  # draws nothing
LOW = 80  # height of the chart of peers
ROOM = 1.1  # top of the timeline over its highest value: phases stay in sight while everything is up
MOST_STRIPS = 24
MOST_BARS = 240
MOST_OTHERS = 16
LONG = 4  # a window so many times longer than its main outage gets a second chart of the outage alone
PNG_SCALE = 2.0
_CLOCK = "utcFormat(datum.value, utchours(datum.value) || utcminutes(datum.value) ? '%H:%M' : '%-d %b')"
_SECONDS = "utcFormat(datum.value, utcseconds(datum.value) ? '%H:%M:%S' : '%H:%M')"


def whole(report: Report) -> Span:
    """The window of the report."""
    return Span(report.from_us, report.until_us)


def detail(report: Report) -> Span | None:
    """The main outage with some time around it, where the window is much longer; else None."""
    outage = main_outage(report)
    if outage is None:
        return None
    start, end = outage.onset.best_us, end_us(outage, report)
    around = max((end - start) * 2 // 5, 5 * MINUTE)
    span = Span(max(report.from_us, start - around), min(report.until_us, end + around))
    return span if span.length_us * LONG <= 2 * (report.until_us - report.from_us) else None


def timeline(report: Report, span: Span, *, narrow: bool = False, titled: bool = False) -> Spec:
    """What could be reached over time, phases shaded above and behind it, grey where nobody was watching.

    ``titled`` adds a heading and the source, for a picture that stands alone.
    """
    how, width = measure(report), NARROW if narrow else WIDTH
    shades = phase_bands(report.outages, span, width)
    blind = bands([("not watched", a, b) for a, b in blind_spans(report)], span)
    rows = steps(report.history.level, how.values, span, width)
    top = max([1.0, *(row["v"] for row in rows)])
    x = _x(span, narrow)
    layers: list[alt.Chart] = []
    if shades or blind:
        shown = [name for name in PHASES if any(row["name"] == name for row in shades)]
        shown += ["not watched"] if blind else []
        colour = alt.Color(
            "name:N",
            scale=alt.Scale(domain=shown, range=[LIGHT["blind" if name == "not watched" else name] for name in shown]),
            legend=alt.Legend(title=None, orient="top", symbolType="square", columns=3 if narrow else 7),
        )
        layers.append(_chart([*shades, *blind]).mark_rect().encode(x=x, x2="b:T", color=colour))
    level = _chart(rows).encode(x=_x(span, narrow, "t:T"), detail="part:N")
    y = alt.Y(
        "v:Q",
        scale=alt.Scale(domain=[0, top * ROOM], nice=False),
        axis=_y_axis(narrow or titled, top),
        stack=False,  # parts are one after another: to stack them would fill the time between them
    )
    # The area hides the shades below it: a shade mixed with it would match no colour of the legend.
    layers.append(level.mark_area(interpolate="step-after", color=LIGHT["area"]).encode(y=y))
    layers.append(level.mark_line(interpolate="step-after", color=LIGHT["level"], strokeWidth=1.8).encode(y=y))
    layers += _dark_labels(report, span, top, narrow)
    clocks = None if narrow else _local_axis(report, span)
    if clocks is not None:
        # Each layer would draw its own axis: the first keeps the one in UTC, the last has the local one.
        layers = [layers[0], *(layer.encode(x=_x(span, narrow, "t:T", axis=False)) for layer in layers[1:]), clocks]
    chart = alt.layer(*layers).properties(width=width, height=150 if narrow else 190)
    if clocks is not None:
        chart = chart.resolve_axis(x="independent")
    return _spec(chart, title=_title(report, span) if titled else None)


def strip_chart(report: Report, span: Span, *, narrow: bool = False) -> Spec:
    """A strip for each prefix: held by most of those watching, by some, by none, or not known."""
    width = NARROW if narrow else WIDTH
    made = strips(report.history.changes, span, width, MOST_STRIPS)
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=list(STATES), range=[LIGHT[f"state_{name}"] for name in STATES]),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    axis = alt.Axis(title=None, ticks=False, domain=False, labels=not narrow, grid=False, **_extent(narrow))
    y = alt.Y("prefix:N", sort=list(made.prefixes), scale=alt.Scale(paddingInner=0.18), axis=axis)
    layers = [_chart(made.rows).mark_rect().encode(x=_x(span, narrow), x2="b:T", y=y, color=colour)]
    if narrow:
        names = [{"prefix": prefix, "t": milliseconds(span.from_us)} for prefix in made.prefixes]
        label = _chart(names).mark_text(align="left", baseline="bottom", dx=1, dy=-5, color=LIGHT["text"], fontSize=10)
        layers.append(label.encode(x=_x(span, narrow, "t:T"), y=y, text="prefix:N"))
    row = 30 if narrow else 18
    if narrow:
        layers[0] = layers[0].encode(yOffset=alt.value(12)).mark_rect(height=10)
    return _spec(alt.layer(*layers).properties(width=width, height=row * max(1, len(made.prefixes))))


def others_chart(report: Report, *, narrow: bool = False) -> Spec:
    """Signals that others measured, a low chart for each, at most MOST_OTHERS; the time of outages is shaded."""
    span, width = whole(report), NARROW if narrow else WIDTH
    least = max(1, span.length_us // width)
    shades = bands(
        [("outage", o.onset.best_us, max(end_us(o, report), o.onset.best_us + least)) for o in report.outages], span
    )
    charts_ = []
    named = [(block, name) for block in report.history.series for name in block.names]
    for block, name in named[:MOST_OTHERS]:
        rows = block_steps(block, name, span, width)
        top = max([row["v"] for row in rows], default=1.0) or 1.0
        axis = alt.Axis(title=None, format="~s", values=[0, top], ticks=False, domain=False, **_extent(narrow))
        y = alt.Y("v:Q", scale=alt.Scale(domain=[0, top * 1.08], nice=False), axis=axis)
        line = _chart(rows).mark_line(interpolate="step-after", color=LIGHT["level"], strokeWidth=1.1)
        layers = [line.encode(x=_x(span, narrow, "t:T"), y=y, detail="part:N")]
        if shades:
            shade = _chart(shades).mark_rect(color=LIGHT["partial"], opacity=0.6)
            layers.insert(0, shade.encode(x=_x(span, narrow, axis=False), x2="b:T"))
        title = alt.TitleParams(name, anchor="start", fontSize=11, fontWeight="normal", color=LIGHT["muted"], offset=2)
        charts_.append(alt.layer(*layers).properties(width=width, height=LOW // 2, title=title))
    return _spec(alt.vconcat(*charts_, spacing=2))


def peers_chart(report: Report, *, narrow: bool = False) -> Spec:
    """Live full-feed peers over the window, with the gaps of any source below it."""
    span, width = whole(report), NARROW if narrow else WIDTH
    level = report.history.level
    rows = steps(level, np.nan_to_num(level.voters), span, width)
    top = max([1.0, *(row["v"] for row in rows)])
    least = max(1, 2 * span.length_us // width)  # a gap is drawn two pixels wide at least
    gaps = bands([(gap.source, g, max(gap.until_us, g + least)) for gap in report.history.gaps for g in (gap.from_us,)],
                 span)  # fmt: skip
    layers: list[alt.Chart] = []
    if gaps:
        mark = _chart(_united(gaps)).mark_rect(color=LIGHT["gap"])
        layers.append(mark.encode(x=_x(span, narrow), x2="b:T", y=alt.value(LOW - 9), y2=alt.value(LOW)))
    y = alt.Y("v:Q", scale=alt.Scale(domain=[0, top * 1.08], nice=False), axis=_y_axis(narrow, top))
    line = _chart(rows).mark_line(interpolate="step-after", color=LIGHT["text"], strokeWidth=1.4)
    layers.append(line.encode(x=_x(span, narrow, "t:T"), y=y, detail="part:N"))
    return _spec(alt.layer(*layers).properties(width=width, height=LOW))


def messages_chart(report: Report, *, narrow: bool = False) -> Spec:
    """Announcements (up) and withdrawals (down) of the entity's routes in each bin."""
    span = whole(report)
    rows = message_bars(report, MOST_BARS if not narrow else MOST_BARS // 2)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["announcements", "withdrawals"], range=[LIGHT["announce"], LIGHT["withdraw"]]),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    top = max([1.0, *(abs(row["v"]) for row in rows)])
    axis = _y_axis(narrow, top)
    axis.labelExpr = f"format(abs(datum.value), '{'.2~s' if top >= 10_000 else ',.0f'}')"
    axis.values = [-round(top), 0, round(top)]
    y = alt.Y("v:Q", scale=alt.Scale(domain=[-top, top], nice=False), axis=axis)
    bars = _chart(rows).mark_bar().encode(x=_x(span, narrow), x2="b:T", y=y, y2=alt.datum(0), color=colour)
    return _spec(bars.properties(width=NARROW if narrow else WIDTH, height=90))


def svg(spec: Spec, name: str = "") -> str:
    """Draw a specification. ``name`` makes the ids in it unlike those of other drawings in one page."""
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[])
    if name:
        drawn = _NOISE.sub("", drawn)
        drawn = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{re.escape(name)}-", drawn)
    return drawn


def png(spec: Spec) -> bytes:
    """Draw a specification as a PNG picture, at twice its size for print."""
    drawn: bytes = vl_convert.vegalite_to_png(spec, vl_version="6.4", scale=PNG_SCALE, allowed_base_urls=[])
    return drawn


def write_png(report: Report, path: Path) -> Path:
    """Write the timeline, with heading and source, as a PNG file; whole or not at all."""
    span = detail(report) or whole(report)
    write_whole(path, png(timeline(report, span, titled=True)))
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that at no time a reader finds half of it. OSError where that cannot be done."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _united(rows: Rows) -> Rows:
    """Overlapping bands as one, so that hundreds of gaps of one moment draw one mark."""
    out: Rows = []
    for row in sorted(rows, key=lambda row: row["a"]):
        if out and row["a"] <= out[-1]["b"]:
            out[-1]["b"] = max(out[-1]["b"], row["b"])
        else:
            out.append(dict(row))
    return out


def _chart(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _x(span: Span, narrow: bool, field: str = "a:T", *, axis: bool = True) -> alt.X:
    short = span.length_us < 10 * MINUTE
    ticks = alt.Axis(
        title=None if narrow else "UTC",
        titleAnchor="end",
        titlePadding=2,
        labelExpr=_SECONDS if short else _CLOCK,
        tickCount=4 if narrow else 9,
        labelOverlap=True,
        grid=False,
    )
    domain = [milliseconds(span.from_us), milliseconds(span.until_us)]
    return alt.X(field, scale=alt.Scale(type="utc", domain=domain, nice=False), axis=ticks if axis else None)


def _extent(narrow: bool) -> dict[str, int]:
    margin = NARROW_MARGIN if narrow else MARGIN
    return {"minExtent": margin, "maxExtent": margin}


def _y_axis(narrow: bool, top: float) -> alt.Axis:
    few = sorted({0, round(top / 2), round(top)})
    return alt.Axis(
        title=None,
        format="~s" if top >= 10_000 else ",.0f",
        values=few if top < 1e15 else alt.Undefined,
        ticks=False,
        domain=False,
        grid=True,
        **_extent(narrow),
    )


def _local_axis(report: Report, span: Span) -> alt.Chart | None:
    """Local time along the top; None where no zone is known or its clocks change within the span."""
    there = zone(report.time_zone)
    if there is None or span.length_us > 3 * DAY:  # at one tick a day the local clock always says the same
        return None
    offsets = {to_datetime(at).astimezone(there).utcoffset() for at in (span.from_us, span.until_us)}
    offset = offsets.pop()
    if offsets or offset is None:
        return None
    shift = round(offset.total_seconds() * 1000)
    x = _x(span, False)
    x.axis = alt.Axis(
        orient="top",
        title=f"local time, {place(report.time_zone)}",
        titleAnchor="end",
        titlePadding=2,
        tickCount=9,
        labelExpr=_CLOCK.replace("datum.value", f"time(datum.value) + {shift}"),
        labelOverlap=True,
        grid=False,
        domain=False,
    )
    return _chart([{"a": milliseconds(span.from_us)}]).mark_point(opacity=0, size=0).encode(x=x)


def _dark_labels(report: Report, span: Span, top: float, narrow: bool) -> list[alt.Chart]:
    """How long nothing was left, written in the shade where there is room."""
    rows: Rows = []
    width = NARROW if narrow else WIDTH
    for outage in report.outages:
        dark = dark_span(outage, report)
        if dark is None:
            continue
        a, b = max(dark.from_us, span.from_us), min(dark.until_us, span.until_us)
        text = span_text(dark.length_us)
        if (b - a) / span.length_us * width > 8 * len(text):
            rows.append({"t": milliseconds((a + b) // 2), "v": top * 0.55, "text": text})
    if not rows:
        return []
    label = _chart(rows).mark_text(color=LIGHT["on_dark"], fontSize=14, fontWeight="bold", baseline="middle")
    return [label.encode(x=_x(span, narrow, "t:T"), y=alt.Y("v:Q"), text="text:N")]


def _title(report: Report, span: Span) -> alt.TitleParams:
    """Heading and source of a picture that stands alone."""
    day = long_day(to_datetime(span.from_us))
    notes = [f"{measure(report).caption}, times in UTC, from {day}"]
    if zone(report.time_zone) is not None:
        offset = to_datetime(span.from_us).astimezone(zone(report.time_zone)).utcoffset()
        assert offset is not None
        hours = offset.total_seconds() / 3600
        notes[0] += f"; {place(report.time_zone)} is UTC{hours:+g} h"
    source = f"BGP routes, {', '.join(report.collectors[:6]) or 'no collector'}"
    if only_others(report):
        source = f"measured by others: {described(report.history.series)}"
    notes.append(f"{source}; made with duskwatch")
    if report.reenactment:
        notes.insert(0, "RE-ENACTMENT from published facts, not a recorded measurement")
    return alt.TitleParams(
        text=f"{subject(report)}: {verdict(report)}", subtitle=notes, anchor="start", frame="group", offset=12
    )


def _spec(chart: Any, title: alt.TitleParams | None = None) -> Spec:
    if title is not None:
        chart = chart.properties(title=title)
    ground = LIGHT["paper"] if title is not None else "transparent"
    styled = (
        chart.configure(background=ground, font="sans-serif", padding=4, aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=LIGHT["muted"], titleColor=LIGHT["muted"], gridColor=LIGHT["rule"], domainColor=LIGHT["muted"],
            tickColor=LIGHT["muted"], labelFontSize=11, titleFontSize=11, titleFontWeight="normal", labelLimit=MARGIN,
        )
        .configure_legend(
            labelColor=LIGHT["text"], labelFontSize=12, symbolSize=140, symbolStrokeWidth=0, offset=6, padding=0,
        )
        .configure_title(color=LIGHT["text"], subtitleColor=LIGHT["muted"], fontSize=17, subtitleFontSize=12)
    )  # fmt: skip
    return cast(Spec, styled.to_dict())
