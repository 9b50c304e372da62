"""What all charts have in common: width, title, axes, labels that do not overlap.

A chart is a Vega-Lite specification, a plain dict: https://vega.github.io/vega-lite/docs/spec.html.
"""

from textwrap import wrap
from typing import Any, NamedTuple

from duskwatch.publication.chart_data import Rows, milliseconds
from duskwatch.publication.levels import Span
from duskwatch.publication.palette import LIGHT
from duskwatch.publication.ticks import axis_caption, ticks
from duskwatch.records.report import Report

Spec = dict[str, Any]

WIDTH, NARROW = 920, 358  # of a whole chart, in pixels: the page's column on a desk and on a telephone
LEFT, NARROW_LEFT = 64, 40  # of it, left of the plot, for the labels of the y axis
RIGHT = 6
TITLE, SUBTITLE, LABEL = 18, 13, 12  # sizes of type
WIDEST = 0.6  # of its size, what a character of a line takes in the widest of the common sans-serif fonts
LINE = 15  # from a line of labels to the next


class Frame(NamedTuple):
    """Where a chart is drawn."""

    report: Report
    span: Span
    narrow: bool

    @property
    def left(self) -> int:
        """Room left of the plot."""
        return NARROW_LEFT if self.narrow else LEFT

    @property
    def width(self) -> int:
        """Of the plot."""
        return (NARROW if self.narrow else WIDTH) - self.left - RIGHT

    def x(self, time_us: int) -> float:
        """Pixels from the left of the plot."""
        return (time_us - self.span.from_us) * self.width / max(1, self.span.length_us)


def layer(rows: Rows, kind: str, encoding: Spec, **mark: Any) -> Spec:
    """One layer: rows drawn as marks of a kind (rect, rule, line, area, bar, text)."""
    return {"data": {"values": rows}, "mark": {"type": kind, **mark}, "encoding": encoding}


def value(pixels: float) -> Spec:
    """A place in pixels."""
    return {"value": round(pixels, 2)}


def time_x(frame: Frame, field: str = "a", until: str = "") -> Spec:
    """The x of a time, in UTC; with ``until`` also x2. Its labels are drawn by :func:`time_axis`."""
    domain = [milliseconds(frame.span.from_us), milliseconds(frame.span.until_us)]
    scale = {"type": "utc", "domain": domain, "nice": False}
    x: Spec = {"x": {"field": field, "type": "temporal", "scale": scale, "axis": None}}
    return x | {"x2": {"field": until}} if until else x


def value_y(scale: Spec, field: str = "v") -> Spec:
    """The y of a value on a scale from :func:`y_scale`."""
    return {"y": {"field": field, "type": "quantitative", "scale": scale, "axis": None, "stack": None}}


def y_scale(least: float, most: float, bottom: float, top: float) -> Spec:
    """Values from least to most, drawn from so many pixels down to so many."""
    return {"domain": [least, most], "range": [bottom, top], "nice": False}


def text_width(text: str, size: float = LABEL) -> float:
    """Roughly how wide a text is drawn."""
    return 0.57 * size * max((len(line) for line in text.split("\n")), default=0)


def words(frame: Frame, rows: Rows, y: float, *, size: int = LABEL, colour: str = "text", **mark: Any) -> list[Spec]:
    """Texts at times ``t``, at so many pixels from the top; none where there are no rows."""
    if not rows:
        return []
    look = {"fontSize": size, "color": LIGHT[colour], "lineBreak": "\n", "lineHeight": LINE, **mark}
    return [layer(rows, "text", time_x(frame, "t") | {"y": value(y), "text": {"field": "text"}}, **look)]


def at_left(frame: Frame, text: str, y: float, *, size: int = LABEL, colour: str = "muted", **mark: Any) -> Spec:
    """A text that begins at the chart's left edge."""
    look = {
        "fontSize": size,
        "color": LIGHT[colour],
        "align": "left",
        "lineBreak": "\n",
        "lineHeight": LINE + 1,
        **mark,
    }
    return layer([{"text": text}], "text", {"x": value(-frame.left), "y": value(y), "text": {"field": "text"}}, **look)


def columns(frame: Frame, rows: Rows, top: float, bottom: float, colour: str, **mark: Any) -> list[Spec]:
    """Shaded stretches from ``a`` to ``b``; none where there are no rows."""
    if not rows:
        return []
    encoding = time_x(frame, "a", "b") | {"y": value(top), "y2": value(bottom)}
    return [layer(rows, "rect", encoding, color=LIGHT[colour], **mark)]


def rules(frame: Frame, times_us: list[int], top: float, bottom: float) -> list[Spec]:
    """Thin verticals at times within the span."""
    inside = [{"a": milliseconds(at)} for at in times_us if frame.span.from_us <= at <= frame.span.until_us]
    if not inside:
        return []
    encoding = time_x(frame) | {"y": value(top), "y2": value(bottom)}
    return [layer(inside, "rule", encoding, color=LIGHT["text"], strokeWidth=1)]


def time_axis(frame: Frame, y: float, *, local: bool = True, source: str = "") -> list[Spec]:
    """Ticks at round times, dates at midnights, the local clock below, and a line that says which clock is which."""
    zone = frame.report.time_zone if local else ""
    found = ticks(frame.span, zone, frame.width, 66 if frame.narrow else 84)
    line = {"color": LIGHT["muted"]}
    layers = [
        layer(
            [{"t": milliseconds(tick.time_us)} for tick in found] or [{"t": milliseconds(frame.span.from_us)}],
            "rule",
            time_x(frame, "t") | {"y": value(y), "y2": value(y + 5)},
            **line,
        ),
        layer([{}], "rule", {"x": value(0), "x2": value(frame.width), "y": value(y)}, **line),
    ]
    for strong in (False, True):
        for align in ("left", "center", "right"):
            mine = [tick for tick in found if tick.strong == strong and _align(frame, tick.time_us) == align]
            rows: Rows = [{"t": milliseconds(tick.time_us), "text": tick.text} for tick in mine]
            weight, colour = ("bold", "text") if strong else ("normal", "muted")
            layers += words(frame, rows, y + 15, align=align, fontWeight=weight, colour=colour)
            rows = [{"t": milliseconds(tick.time_us), "text": tick.local} for tick in mine if tick.local]
            layers += words(frame, rows, y + 15 + LINE, align=align, colour="faint", size=LABEL - 1)
    with_local = any(tick.local for tick in found)
    below = y + 15 + (LINE if with_local else 0) + 20
    lines = _wrapped(axis_caption(frame.span, zone, with_local), frame, LABEL)
    lines += _wrapped(source, frame, LABEL) if source else []
    layers.append(at_left(frame, "\n".join(lines), below))
    return layers


def _align(frame: Frame, time_us: int) -> str:
    x = frame.x(time_us)
    return "left" if x < 24 else "right" if x > frame.width - 24 else "center"


def _wrapped(text: str, frame: Frame, size: float) -> list[str]:
    across = NARROW if frame.narrow else WIDTH
    return wrap(text, max(20, int(across / (WIDEST * size))), break_on_hyphens=False)


def y_labels(frame: Frame, marks: list[tuple[float, str]], scale: Spec) -> list[Spec]:
    """Grid lines with labels at the chart's left edge; (value, text) each."""
    rows: Rows = [{"v": at, "text": text} for at, text in marks]
    y = value_y(scale)
    across = {"x": value(0), "x2": value(frame.width)}
    label = {"x": value(-frame.left), "text": {"field": "text"}}
    return [
        layer(rows, "rule", y | across, color=LIGHT["rule"]),
        layer(rows, "text", y | label, align="left", fontSize=LABEL, color=LIGHT["muted"]),
    ]


def title(frame: Frame, text: str, notes: list[str]) -> Spec:
    """The finding, and below it what is drawn."""
    across = NARROW if frame.narrow else WIDTH
    size = TITLE - 2 if frame.narrow else TITLE
    lines = wrap(text, max(20, int(across / (0.62 * size))), break_on_hyphens=False)  # bold type is wide
    below = [line for note in notes for line in _wrapped(note, frame, SUBTITLE)]
    return {
        "text": lines, "subtitle": below, "anchor": "start", "frame": "bounds", "offset": 10, "fontSize": size,
        "subtitleFontSize": SUBTITLE, "subtitlePadding": 5, "lineHeight": size + 4, "color": LIGHT["text"],
        "subtitleColor": LIGHT["muted"],
    }  # fmt: skip


def finished(frame: Frame, layers: list[Spec], height: float, heading: Spec) -> Spec:
    """The specification of a chart, with its title and the common look."""
    return {
        "title": heading,
        "width": frame.width,
        "height": height,
        "background": LIGHT["paper"],
        "padding": {"left": 0, "right": 0, "top": 0, "bottom": 8},
        "layer": layers,
        "config": {
            "font": "sans-serif",
            "aria": False,
            "view": {"stroke": None},
            "legend": {
                "labelColor": LIGHT["text"], "labelFontSize": LABEL, "symbolSize": 140, "symbolStrokeWidth": 1,
                "offset": 6, "padding": 0,
            },
        },
    }  # fmt: skip


class Placed(NamedTuple):
    """A label and the pixels that it takes."""

    from_x: float
    until_x: float


def free(taken: list[Placed], from_x: float, until_x: float) -> bool:
    """Whether a label fits there, with a little room on both sides."""
    return all(until_x + 6 <= other.from_x or other.until_x + 6 <= from_x for other in taken)
