"""The main chart: what could be reached over time, its phases, its onset and its end. One Vega-Lite specification."""

from pathlib import Path

import duskwatch
from duskwatch.publication.chart_data import Rows, bands, milliseconds, phase_bands, steps
from duskwatch.publication.chart_frame import (
    LABEL,
    LINE,
    Frame,
    Placed,
    Spec,
    columns,
    finished,
    free,
    layer,
    rules,
    text_width,
    time_axis,
    time_x,
    title,
    value,
    value_y,
    words,
    y_labels,
    y_scale,
)
from duskwatch.publication.draw import png, svg, write_whole
from duskwatch.publication.facts import before, core, dark_span, end_us, exact, main_outage, measure, noun_of
from duskwatch.publication.finding import finding, lost_text
from duskwatch.publication.levels import Span
from duskwatch.publication.losing import losses
from duskwatch.publication.names import place_name
from duskwatch.publication.others import described, only_others
from duskwatch.publication.palette import LIGHT
from duskwatch.publication.spans import detail, whole
from duskwatch.publication.times_text import capital, clock, fine, number_text, shown_time, zone
from duskwatch.publication.watching import NO_LOSS, NOT_HEARD, NOT_WATCHED, unjudged
from duskwatch.records.outages import Outage, When
from duskwatch.records.report import Report
from duskwatch.records.times import MINUTE, span_text

HEIGHT, NARROW_HEIGHT = 300, 230  # of the plot, below its labels
HEAD = 66  # above it: the labels of onset and end, names of phases that are too short, the band of phases
BAND = 15
ROOM = 1.06  # top of the plot over its highest value
SEEN = 3  # pixels from which on a phase can be seen, and is named
LOST = ("partial", "recovering")  # phases whose missing part is tinted
# What matters most gets its label first.
IMPORTANT = ("dark", "partial", "unstable", "degrading", "recovering")


def timeline(report: Report, span: Span, *, narrow: bool = False) -> Spec:
    """What could be reached over time; hatched where nobody could judge it."""
    frame = Frame(report, span, narrow)
    how, height = measure(report), HEAD + (NARROW_HEIGHT if narrow else HEIGHT)
    rows = steps(report.history.level, how.values, span, frame.width)
    highest = max([1.0, *(row["v"] for row in rows)])
    scale = y_scale(0, highest * ROOM, height, HEAD)
    shades = phase_bands(report.outages, span, frame.width)
    blind = bands([(gap.why, gap.from_us, gap.until_us) for gap in unjudged(report)], span)
    dark = bands([("dark", *s) for s in (dark_span(o, report) for o in report.outages) if s is not None], span)
    level = time_x(frame, "t") | value_y(scale) | {"detail": {"field": "part"}}
    layers = y_labels(frame, _marks(report, highest, narrow), scale)
    layers += columns(frame, [row for row in shades if row["name"] in LOST], HEAD, height, "lost")
    layers.append(layer(rows, "area", level, interpolate="step-after", color=LIGHT["area"]))
    layers += columns(frame, dark, HEAD, height, "dark", stroke=LIGHT["dark_edge"], strokeWidth=1)
    layers.append(layer(rows, "line", level, interpolate="step-after", color=LIGHT["level"], strokeWidth=2))
    layers += columns(frame, blind, HEAD, height, "blind")
    layers += _blind_labels(frame, blind, height)
    layers += _band(frame, shades)
    layers += _dark_lengths(frame, height)
    layers += _moments(frame, height)
    layers += time_axis(frame, height, source=source(report))
    return finished(frame, layers, height, title(frame, _title(report, span), _notes(report)))


def write_png(report: Report, path: Path) -> Path:
    """Write the main chart as a PNG file; whole or not at all."""
    write_whole(path, png(svg(timeline(report, detail(report) or whole(report)))))
    return path


def source(report: Report) -> str:
    """Where the data of every chart are from."""
    if only_others(report):
        text = f"measured by others ({described(report.history.series)})"
    else:
        names = sorted(report.collectors)
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        text = f"BGP routes recorded by {', '.join(names[:4]) or 'no collector'}{more}"
    return f"Source: {text}; chart: duskwatch {duskwatch.__version__}"


def chart_title(report: Report) -> str:
    """The finding that the main chart shows: ``All four networks vanished at 16:15 UTC``."""
    outage = main_outage(report)
    if outage is None:
        return finding(report).headline
    seconds = fine(outage.duration_us) and exact(outage.onset)
    at = f"{clock(shown_time(outage.onset.best_us, seconds), seconds)} UTC"
    how = measure(report)
    lost = losses(report, outage)
    if how.others:
        return f"{how.signal} fell by {lost_text(report, outage)} at {at}"
    noun = noun_of(report, outage, lost.total)[1] if lost is not None else ""
    if lost is None or len(lost.times_us) != lost.total or not noun.endswith("networks") or lost.total < 2:
        main = core(report, outage)
        if main.middle >= 0 and main.middle < main.before:
            gone = how.figure(main.before - main.middle)
            return f"{gone} of {how.plain_count(main.before)} could not be reached from {at} on"
        return f"{lost_text(report, outage)} could not be reached from {at} on"
    soon = sum(moment - lost.times_us[0] <= 5 * MINUTE for moment in lost.times_us)
    if soon == lost.total:
        return f"{'Both' if soon == 2 else f'All {number_text(soon)}'} {noun} vanished at {at}"
    last = clock(shown_time(lost.times_us[-1]))
    rest = "the last one" if lost.total - soon == 1 else "the rest by"
    if rest == "the rest by":
        return f"{capital(number_text(soon))} of {number_text(lost.total)} {noun} vanished at {at}, {rest} {last}"
    return f"{capital(number_text(soon))} of {number_text(lost.total)} {noun} vanished at {at}, {rest} at {last}"


def _title(report: Report, span: Span) -> str:
    if span == whole(report) and detail(report) is not None:
        many = len(report.outages)
        return f"The whole window: {number_text(many)} outage{'s' * (many != 1)}"
    return chart_title(report)


def _notes(report: Report) -> list[str]:
    how = measure(report)
    notes = ["RE-ENACTMENT from published facts, not a recorded measurement"] if report.reenactment else []
    if how.others:
        return [*notes, f"{capital(place_name(report))}: signal {how.signal}, in its own unit"]
    main = main_outage(report)
    had = before(report, main) if main is not None else float("nan")
    of = f", of {how.figure(had)}" if had > 0 else ""
    return [*notes, f"{capital(place_name(report))}: {how.units} that most observers can reach{of}"]


def _marks(report: Report, highest: float, narrow: bool) -> list[tuple[float, str]]:
    """Three to five round values of the y axis; the highest one says of how many it is."""
    how = measure(report)
    step = next(n * 10**k for k in range(-3, 15) for n in (1, 2, 5) if highest / (n * 10**k) <= 4)
    if not how.others:
        step = max(1, round(step))
    marks = [(float(v * step), _short(v * step)) for v in range(1, 5) if v * step < 0.9 * highest]
    top = _short(highest)
    whole_ = top if how.others or narrow or len(top) > 3 else f"{top} of {top}"
    return [(0.0, "0"), *marks, (float(highest), whole_)]


def _short(value: float) -> str:
    for unit, letter in ((1e9, " G"), (1e6, " M")):
        if value >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"


def _blind_labels(frame: Frame, rows: Rows, height: int) -> list[Spec]:
    """What a hatched stretch is, written across it or, where it is narrow, along it."""
    texts = {NOT_WATCHED: "not watched", NOT_HEARD: "nothing heard yet", NO_LOSS: "not judged"}
    across, along = [], []
    for row in rows:
        wide = (row["b"] - row["a"]) * 1000 * frame.width / frame.span.length_us
        label = {"t": (row["a"] + row["b"]) / 2, "text": texts[row["name"]]}
        if wide > text_width(label["text"]) + 8:
            across.append(label)
        elif wide > LINE:
            along.append(label)
    layers: list[Spec] = []
    for labels, angle in ((across, 0), (along, 270)):
        for halo in (True, False):
            edge: Spec = {"stroke": LIGHT["paper"], "strokeWidth": 4, "strokeJoin": "round"} if halo else {}
            layers += words(frame, labels, (HEAD + height) / 2, angle=angle, baseline="middle", **edge)
    return layers


def _band(frame: Frame, shades: Rows) -> list[Spec]:
    """The phases along the top, each with its name in it, or above it where it is too short for that."""
    if not shades:
        return []
    top, bottom = HEAD - BAND - 4, HEAD - 4
    layers: list[Spec] = []
    for name in IMPORTANT[::-1]:
        rows = [row for row in shades if row["name"] == name]
        layers += columns(frame, rows, top, bottom, name, stroke=LIGHT["dark_edge" if name == "dark" else "paper"])
    inside: dict[str, Rows] = {"text": [], "on_dark": []}
    above: Rows = []
    taken: list[Placed] = []
    for name in IMPORTANT:
        mine = sorted((row for row in shades if row["name"] == name), key=lambda row: row["a"] - row["b"])
        for number, row in enumerate(mine):
            a, b = frame.x(round(row["a"] * 1000)), frame.x(round(row["b"] * 1000))
            wide = text_width(name, LABEL - 1)
            label = {"t": (row["a"] + row["b"]) / 2, "text": name}
            if b - a > wide + 8:
                inside["on_dark" if name == "dark" else "text"].append(label)
            elif not number and b - a >= SEEN:
                middle = min(max((a + b) / 2, wide / 2), frame.width - wide / 2)
                if free(taken, middle - wide / 2, middle + wide / 2):
                    taken.append(Placed(middle - wide / 2, middle + wide / 2))
                    above.append(label | {"x": middle})
    for colour, rows in inside.items():
        layers += words(frame, rows, (top + bottom) / 2, size=LABEL - 1, colour=colour, baseline="middle")
    for row in above:
        at = {"x": value(row["x"]), "y": value(top - 2), "text": {"field": "text"}}
        layers.append(layer([row], "text", at, fontSize=LABEL - 1, color=LIGHT["text"], baseline="bottom"))
    return layers


def _dark_lengths(frame: Frame, height: int) -> list[Spec]:
    """How long nothing was left, written in the dark where there is room."""
    rows = []
    for outage in frame.report.outages:
        gone = dark_span(outage, frame.report)
        if gone is None:
            continue
        a, b = max(gone.from_us, frame.span.from_us), min(gone.until_us, frame.span.until_us)
        text = span_text(gone.length_us)
        if frame.x(b) - frame.x(a) > text_width(text, 15) + 8:
            rows.append({"t": milliseconds((a + b) // 2), "text": text})
    return words(frame, rows, HEAD + (height - HEAD) * 0.45, size=15, colour="on_dark", fontWeight="bold")


def _moments(frame: Frame, height: int) -> list[Spec]:
    """Onset and end of the main outage as thin verticals, each with its time in UTC over the local time."""
    main = main_outage(frame.report)
    if main is None:
        return []
    seconds = fine(main.duration_us) and exact(main.onset)
    found: list[tuple[When, str]] = [(main.onset, "right")]
    if main.end is not None:
        found.append((main.end, "left"))
    layers = rules(frame, [when.best_us for when, _ in found], 0, height)
    taken: list[Placed] = []
    for when, side in found:
        if not frame.span.from_us <= when.best_us <= frame.span.until_us:
            continue
        x = frame.x(when.best_us)
        text, under = _clocks(frame.report, when.best_us, seconds)
        wide = text_width(text if len(text) > len(under) else under) + 6
        from_x = x - wide if side == "right" else x
        if from_x < 0 or (side == "right" and from_x + wide > frame.width):
            side, from_x = "left", x
        if from_x + wide > frame.width:
            side, from_x = "right", x - wide
        if not free(taken, from_x, from_x + wide):
            continue
        taken.append(Placed(from_x, from_x + wide))
        away: Spec = {"align": side, "dx": -5 if side == "right" else 5, "baseline": "top"}
        at = milliseconds(when.best_us)
        layers += words(frame, [{"t": at, "text": text}], 0, fontWeight="bold", **away)
        layers += words(frame, [{"t": at, "text": under}] if under else [], LINE, colour="muted", **away)
    return layers


def _clocks(report: Report, time_us: int, seconds: bool) -> tuple[str, str]:
    """``16:15 UTC``, and ``01:15 in Pyongyang`` for the line below."""
    moment = shown_time(time_us, seconds)
    there = zone(report.time_zone)
    local = "" if there is None else f"{clock(moment.astimezone(there), seconds)} local"
    return f"{clock(moment, seconds)} UTC", local


def alt_text(report: Report, span: Span) -> str:
    """What the chart shows, in a sentence."""
    outage: Outage | None = main_outage(report)
    ends = ""
    if outage is not None:
        end = end_us(outage, report)
        ends = f" The outage lasted {span_text(end - outage.onset.best_us)}."
    return f"Line chart. {_title(report, span)}.{ends} {_notes(report)[-1]}."
