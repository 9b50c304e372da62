"""The other charts: a strip for each prefix, signals of others one above the other, observers, messages."""

import numpy as np

from duskwatch.publication.chart_data import (
    Rows,
    Strips,
    bands,
    block_steps,
    message_bars,
    steps,
    strips,
)
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
from duskwatch.publication.facts import end_us, main_outage
from duskwatch.publication.levels import Span
from duskwatch.publication.names import place_name
from duskwatch.publication.observers import count_observers, main_observers
from duskwatch.publication.others import FELL, LOWER, normal_of
from duskwatch.publication.palette import LIGHT, STATES
from duskwatch.publication.spans import whole
from duskwatch.publication.states import STATE_NAMES, STATE_WORDS
from duskwatch.publication.times_text import capital, number_text
from duskwatch.publication.watching import voters_spread
from duskwatch.records.report import Report

LOW = 90  # height of the chart of observers
MOST_STRIPS = 24
MOST_BARS = 240
MOST_OTHERS = 16
PANEL, PANEL_GAP = 74, 32  # height of one signal's panel, and the room above it for its name


def strip_rows(report: Report, span: Span, pixels: int) -> Strips:
    """The strips of a chart, those lost first on top."""
    made = strips(report.history.changes, span, pixels, MOST_STRIPS)
    first: dict[str, float] = {}
    for row in made.rows:
        if row["state"] in ("dark", "minority"):
            first[row["prefix"]] = min(first.get(row["prefix"], row["a"]), row["a"])
    order = sorted(made.prefixes, key=lambda prefix: first.get(prefix, float("inf")))
    return Strips(made.rows, tuple(order), made.total)


def strip_chart(report: Report, span: Span, *, narrow: bool = False) -> Spec:
    """A strip for each prefix: reachable, lost by most observers, lost by all, or not heard of."""
    frame = Frame(report, span, narrow)
    made = strip_rows(report, span, frame.width)
    named = {STATE_NAMES[code]: word for code, word in STATE_WORDS.items()}
    shown = [name for name in STATES if any(row["state"] == name for row in made.rows)]
    row_height, bar = (30, 12) if narrow else (30, 14)
    at = {prefix: row_height * number for number, prefix in enumerate(made.prefixes)}
    height = row_height * max(1, len(made.prefixes))
    rows = [
        {"state": named[row["state"]], "a": row["a"], "b": row["b"], "y": at[row["prefix"]] + row_height - bar - 2,
         "y2": at[row["prefix"]] + row_height - 2}
        for row in made.rows
    ]  # fmt: skip
    scale = {"domain": [named[name] for name in shown], "range": [LIGHT[f"state_{name}"] for name in shown]}
    legend = {"title": None, "orient": "top", "symbolType": "square", "columns": 2 if narrow else 4,
              "symbolStrokeColor": LIGHT["dark_edge"], "columnPadding": 18}  # fmt: skip
    encoding = time_x(frame, "a", "b") | value_y(y_scale(0, height, 0, height), "y")
    encoding |= {
        "y2": {"field": "y2"},
        "color": {"field": "state", "type": "nominal", "scale": scale, "legend": legend},
    }
    gone = [row for row in rows if row["state"] == named["dark"]]
    outline = {key: encoding[key] for key in ("x", "x2", "y", "y2")}
    edge = {"filled": False, "stroke": LIGHT["dark_edge"], "strokeWidth": 1}
    layers = [layer(rows, "rect", encoding)] + ([layer(gone, "rect", outline, **edge)] if gone else [])
    layers += [at_left(frame, prefix, top + row_height - bar - 6, size=LABEL - 1) for prefix, top in at.items()]
    layers += _rules(frame, height)
    layers += time_axis(frame, height, source=source(report))
    lost = sum(any(row["prefix"] == prefix and row["state"] in ("dark", "minority") for row in made.rows)
               for prefix in made.prefixes)  # fmt: skip
    heading = f"{_of(lost, len(made.prefixes))} lost in this time"
    notes = [f"{capital(place_name(report))}: a strip for each prefix, in order of loss"]
    if made.total > len(made.prefixes):
        notes[0] += f"; the {len(made.prefixes)} that changed most often, of {made.total:,}"
    return finished(frame, layers, height, title(frame, heading, notes))


def _of(lost: int, total: int) -> str:
    if lost == total:
        return "The only prefix was" if total == 1 else f"All {number_text(total)} prefixes were"
    return f"{capital(number_text(lost))} of {number_text(total)} prefixes {'was' if lost == 1 else 'were'}"


def others_chart(report: Report, *, narrow: bool = False) -> Spec:
    """Signals that others measured on one time axis, each in per cent of what is normal for it, those that fell on top.

    At most MOST_OTHERS; onset and end of the main outage run through all.
    """
    frame = Frame(report, whole(report), narrow)
    named = [(normal_of(report, block, name), block, name) for block in report.history.series for name in block.names]
    named = sorted(named, key=lambda item: item[0].left)[:MOST_OTHERS]
    layers: list[Spec] = []
    height = (PANEL + PANEL_GAP) * len(named)
    shades = bands([("outage", o.onset.best_us, end_us(o, report)) for o in report.outages], frame.span)
    for number, (normal, block, name) in enumerate(named):
        bottom = (PANEL + PANEL_GAP) * (number + 1)
        top = bottom - PANEL
        rows = block_steps(block, name, frame.span, frame.width // 2)
        by = normal.normal if normal.normal > 0 else 1.0
        rows = [row | {"v": round(100 * row["v"] / by, 2)} for row in rows]
        most = max([100.0, *(row["v"] for row in rows)]) * 1.04
        scale = y_scale(0, most, bottom, top)
        layers += columns(frame, shades, top, bottom, "lost")
        layers += y_labels(frame, [(0.0, "0"), (100.0, "100 %")], scale)
        level = time_x(frame, "t") | value_y(scale) | {"detail": {"field": "part"}}
        layers.append(layer(rows, "line", level, interpolate="step-after", color=LIGHT["level"], strokeWidth=1.4))
        layers.append(at_left(frame, _panel_name(name, normal.text, narrow), top - 12, colour="text"))
    layers += _rules(frame, height)
    layers += time_axis(frame, height, source=source(report))
    hows = [normal.how for normal, _, _ in named]
    heading = f"{capital(number_text(len(named)))} signals that others measured"
    if report.outages:
        heading = f"{capital(number_text(hows.count(FELL)))} of {number_text(len(named))} signals fell"
        heading += f", {number_text(hows.count(LOWER))} more were low" if LOWER in hows else ""
    notes = [f"{capital(place_name(report))}: each signal in per cent of its own normal; outages are shaded"]
    made = finished(frame, layers, height, title(frame, heading, notes))
    return made | {"resolve": {"scale": {"y": "independent"}}}


def _panel_name(name: str, text: str, narrow: bool) -> str:
    return name if narrow and len(name) + len(text) > 44 else f"{name}: {text}"


def peers_chart(report: Report, *, narrow: bool = False) -> Spec:
    """Observers over the window, with the gaps of any source below the line."""
    frame = Frame(report, whole(report), narrow)
    level = report.history.level
    rows = steps(level, np.nan_to_num(level.voters), frame.span, frame.width)
    top = max([1.0, *(row["v"] for row in rows)])
    least = max(1, 2 * frame.span.length_us // frame.width)  # a gap is drawn two pixels wide at least
    gaps = bands(
        [(gap.source, gap.from_us, max(gap.until_us, gap.from_us + least)) for gap in report.history.gaps], frame.span
    )
    scale = y_scale(0, top * 1.06, LOW, 0)
    layers = y_labels(frame, [(0.0, "0"), (top, f"{top:,.0f}")], scale)
    layers += columns(frame, _united(gaps), LOW - 8, LOW, "gap")
    drawn = time_x(frame, "t") | value_y(scale) | {"detail": {"field": "part"}}
    layers.append(layer(rows, "line", drawn, interpolate="step-after", color=LIGHT["text"], strokeWidth=1.5))
    layers += _rules(frame, LOW)
    layers += time_axis(frame, LOW, source=source(report))
    spread, seen = voters_spread(report), main_observers(report)
    heading = f"{spread.least:,} to {spread.most:,} observers were watching"
    if seen is not None:
        verb = "was" if seen.watching == 1 else "were"
        heading = f"{capital(count_observers(seen.watching))} {verb} watching when it began"
    notes = ["Observers (full-feed peers) over time"]
    if gaps:
        notes[0] += "; grey at the foot: a gap in what some source recorded, if only of one observer"
    return finished(frame, layers, LOW, title(frame, heading, notes))


def messages_chart(report: Report, *, narrow: bool = False) -> Spec:
    """Announcements (up) and withdrawals (down) of the entity's routes in each bin."""
    frame = Frame(report, whole(report), narrow)
    rows = message_bars(report, MOST_BARS if not narrow else MOST_BARS // 2)
    top = max([1.0, *(abs(row["v"]) for row in rows)])
    height = 110
    scale = y_scale(-top, top, height, 0)
    layers = y_labels(frame, [(at, f"{abs(at):,.0f}") for at in (-top, 0.0, top)], scale)
    for kind, ink in (("announcements", "announce"), ("withdrawals", "withdraw")):
        mine = [row for row in rows if row["kind"] == kind]
        encoding = time_x(frame, "a", "b") | value_y(scale) | {"y2": {"datum": 0}}
        layers += [layer(mine, "rect", encoding, color=LIGHT[ink])] if mine else []
    layers += time_axis(frame, height, source=source(report))
    up = sum(row["v"] for row in rows if row["v"] > 0)
    down = -sum(row["v"] for row in rows if row["v"] < 0)
    heading = f"{up:,.0f} announcements and {down:,.0f} withdrawals of its routes"
    notes = [f"{capital(place_name(report))}: messages from all peers; announcements up, withdrawals down"]
    return finished(frame, layers, height, title(frame, heading, notes))


def _rules(frame: Frame, height: int) -> list[Spec]:
    """Onset and end of the main outage through the whole chart."""
    main = main_outage(frame.report)
    if main is None:
        return []
    times = [main.onset.best_us] + ([main.end.best_us] if main.end is not None else [])
    return rules(frame, times, 0, height)


def _united(rows: Rows) -> Rows:
    """Overlapping bands as one, so that hundreds of gaps of one moment draw one mark."""
    out: Rows = []
    for row in sorted(rows, key=lambda row: row["a"]):
        if out and row["a"] <= out[-1]["b"]:
            out[-1]["b"] = max(out[-1]["b"], row["b"])
        else:
            out.append(dict(row))
    return out
