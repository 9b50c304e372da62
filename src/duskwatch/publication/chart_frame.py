"""What all charts have in common: width, title, axes, labels that do not overlap. Vega-Lite, made with Altair."""

from textwrap import wrap
from typing import Any, NamedTuple, cast

import altair as alt

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


def chart(rows: Rows) -> alt.Chart:
    """A chart of rows."""
    return alt.Chart(alt.InlineData(values=rows))


def time_x(frame: Frame, field: str = "a:T") -> alt.X:
    """The x of a time, in UTC; its labels are drawn by :func:`time_axis`."""
    domain = [milliseconds(frame.span.from_us), milliseconds(frame.span.until_us)]
    return alt.X(field, scale=alt.Scale(type="utc", domain=domain, nice=False), axis=None)


def text_width(text: str, size: float = LABEL) -> float:
    """Roughly how wide a text is drawn."""
    return 0.57 * size * max((len(line) for line in text.split("\n")), default=0)


def words(
    frame: Frame, rows: Rows, y: float, *, size: int = LABEL, colour: str = "text", **mark: Any
) -> list[alt.Chart]:
    """Texts at times ``t``, at so many pixels from the top; none where there are no rows."""
    if not rows:
        return []
    made = chart(rows).mark_text(fontSize=size, color=LIGHT[colour], lineBreak="\n", lineHeight=LINE, **mark)
    return [made.encode(x=time_x(frame, "t:T"), y=alt.value(y), text="text:N")]


def at_left(frame: Frame, text: str, y: float, *, size: int = LABEL, colour: str = "muted", **mark: Any) -> alt.Chart:
    """A text that begins at the chart's left edge."""
    made = chart([{"text": text}]).mark_text(
        fontSize=size, color=LIGHT[colour], align="left", lineBreak="\n", lineHeight=LINE + 1, **mark
    )
    return made.encode(x=alt.value(-frame.left), y=alt.value(y), text="text:N")


def time_axis(frame: Frame, y: float, *, local: bool = True, source: str = "") -> list[alt.Chart]:
    """Ticks at round times, dates at midnights, the local clock below, and a line that says which clock is which."""
    zone = frame.report.time_zone if local else ""
    found = ticks(frame.span, zone, frame.width, 66 if frame.narrow else 84)
    layers = [
        chart([{"t": milliseconds(tick.time_us)} for tick in found] or [{"t": milliseconds(frame.span.from_us)}])
        .mark_rule(color=LIGHT["muted"])
        .encode(x=time_x(frame, "t:T"), y=alt.value(y), y2=alt.value(y + 5))
    ]
    layers.append(
        chart([{"a": milliseconds(frame.span.from_us), "b": milliseconds(frame.span.until_us)}])
        .mark_rule(color=LIGHT["muted"])
        .encode(x=time_x(frame), x2="b:T", y=alt.value(y))
    )
    for strong in (False, True):
        for align in ("left", "center", "right"):
            mine = [tick for tick in found if tick.strong == strong and _align(frame, tick.time_us) == align]
            rows = [{"t": milliseconds(tick.time_us), "text": tick.text} for tick in mine]
            weight = "bold" if strong else "normal"
            colour = "text" if strong else "muted"
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
    return wrap(text, max(20, int(across / (0.52 * size))), break_on_hyphens=False)


def y_labels(frame: Frame, marks: list[tuple[float, str]], field_scale: alt.Scale) -> list[alt.Chart]:
    """Grid lines with labels at the chart's left edge; (value, text) each."""
    rows = [{"v": value, "text": text} for value, text in marks]
    y = alt.Y("v:Q", scale=field_scale, axis=None)
    grid = chart(rows).mark_rule(color=LIGHT["rule"]).encode(y=y, x=alt.value(0), x2=alt.value(frame.width))
    label = chart(rows).mark_text(align="left", fontSize=LABEL, color=LIGHT["muted"])
    return [grid, label.encode(y=y, x=alt.value(-frame.left), text="text:N")]


def title(frame: Frame, text: str, notes: list[str]) -> alt.TitleParams:
    """The finding, and below it what is drawn."""
    across = NARROW if frame.narrow else WIDTH
    size = TITLE - 2 if frame.narrow else TITLE
    lines = wrap(text, max(20, int(across / (0.56 * size))), break_on_hyphens=False)
    below = [line for note in notes for line in _wrapped(note, frame, SUBTITLE)]
    return alt.TitleParams(
        text=lines, subtitle=below, anchor="start", frame="bounds", offset=10, fontSize=size, subtitleFontSize=SUBTITLE,
        subtitlePadding=5, lineHeight=size + 4,
    )  # fmt: skip


def finished(made: Any, heading: alt.TitleParams | None = None) -> Spec:
    """The specification of a chart, with its title and the common look."""
    if heading is not None:
        made = made.properties(title=heading)
    styled = (
        made.configure(background=LIGHT["paper"], font="sans-serif", padding=0, aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=LIGHT["muted"], titleColor=LIGHT["muted"], gridColor=LIGHT["rule"], domainColor=LIGHT["muted"],
            tickColor=LIGHT["muted"], labelFontSize=LABEL, titleFontSize=LABEL, titleFontWeight="normal",
        )
        .configure_legend(
            labelColor=LIGHT["text"], labelFontSize=LABEL, symbolSize=140, symbolStrokeWidth=1, offset=6, padding=0,
        )
        .configure_title(color=LIGHT["text"], subtitleColor=LIGHT["muted"])
    )  # fmt: skip
    return cast(Spec, styled.to_dict())


class Placed(NamedTuple):
    """A label and the pixels that it takes."""

    from_x: float
    until_x: float


def free(taken: list[Placed], from_x: float, until_x: float) -> bool:
    """Whether a label fits there, with a little room on both sides."""
    return all(until_x + 6 <= other.from_x or other.until_x + 6 <= from_x for other in taken)
