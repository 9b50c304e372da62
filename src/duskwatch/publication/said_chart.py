"""Statements on the time axis of the outage: when each was published, and the times that each gives."""

from typing import Any

from duskwatch.publication.palette import LIGHT
from duskwatch.publication.said_words import claim_text, who
from duskwatch.records.claim import Said
from duskwatch.records.times import DAY, HOUR, parse_time

Spec = dict[str, Any]
MOST_ROWS = 24
LABEL = 38  # characters of a row's name
COLOURS = {
    "supported": "announce",
    "partly": "partial",
    "contradicted": "withdraw",
    "not measured": "muted",
    "not testable": "muted",
}


def statements_chart(said: Said, *, narrow: bool = False) -> Spec | None:
    """A Vega-Lite specification; None where nothing has a time to draw."""
    bars = _bars(said)
    if not bars:
        return None
    times = [time for bar in bars for time in (bar["a"], bar["b"])] + [
        t // 1000 for begin, until, _ in said.outages for t in (begin, until)
    ]
    pad = max(HOUR // 1000, (max(times) - min(times)) // 20)
    domain = [min(times) - pad, max(times) + pad]
    names = list(dict.fromkeys(bar["row"] for bar in bars))
    x = {
        "type": "temporal",
        "scale": {"domain": domain, "type": "utc"},
        "axis": {
            "title": None,
            "format": "%-d %b %H:%M",
            "labelOverlap": True,
            "grid": False,
            "tickCount": 3 if narrow else 7,
        },
    }
    y = {
        "field": "row",
        "type": "nominal",
        "sort": names,
        "axis": {"title": None, "labelLimit": 120 if narrow else 250, "ticks": False, "domain": False},
    }
    layers: list[Spec] = []
    if said.outages:
        layers.append(
            {
                "data": {
                    "values": [
                        {"a": begin // 1000, "b": until // 1000, "depth": depth} for begin, until, depth in said.outages
                    ]
                },
                "mark": {"type": "rect", "color": LIGHT["dark"], "opacity": 0.22},
                "encoding": {"x": {"field": "a", **x}, "x2": {"field": "b"}},
            }
        )
    layers += [
        {
            "data": {"values": [bar for bar in bars if bar["what"] == "given"]},
            "mark": {"type": "bar", "height": 8, "minBandSize": 3},
            "encoding": {
                "x": {"field": "a", **x},
                "x2": {"field": "b"},
                "y": y,
                "color": {"field": "colour", "type": "nominal", "scale": None},
            },
        },
        {
            "data": {"values": [bar for bar in bars if bar["what"] == "published"]},
            "mark": {"type": "point", "shape": "diamond", "size": 60, "filled": True, "color": LIGHT["level"]},
            "encoding": {"x": {"field": "a", **x}, "y": y},
        },
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 200 if narrow else 600,
        "height": {"step": 24},
        "background": None,
        "padding": {"left": 24, "top": 5, "right": 12, "bottom": 5},
        "config": {
            "view": {"stroke": None},
            "font": "sans-serif",
            "axis": {
                "labelColor": LIGHT["text"],
                "tickColor": LIGHT["rule"],
                "domainColor": LIGHT["rule"],
                "labelFontSize": 12,
            },
        },
        "layer": [layer for layer in layers if layer["data"]["values"]],
    }


def _bars(said: Said) -> list[dict[str, Any]]:
    """Rows of the chart: the outage's days first, an article for each story's first appearance, then times given."""
    bars: list[dict[str, Any]] = []
    around = [time for begin, until, _ in said.outages for time in (begin - 10 * DAY, until + 30 * DAY)]
    for checked in said.claims:
        claim = checked.claim
        value = claim.value
        if claim.kind == "attack" and isinstance(value, dict):
            value = value.get("since")
        if claim.kind not in ("onset", "end", "attack") or not value:
            continue
        low, high = value.get("earliest"), value.get("latest")
        a, b = parse_time(low or high), parse_time(high or low)
        if around and not min(around) <= a <= max(around):
            continue
        name = f"{who(checked, said.articles[claim.article])}: {_short(claim_text(checked), claim.kind)}"
        shown = max(b, a + 5 * 60 * 1_000_000)
        bars.append(
            {
                "row": _cut(name),
                "a": a // 1000,
                "b": shown // 1000,
                "what": "given",
                "colour": LIGHT[COLOURS[checked.verdict]],
            }
        )
    for number, article in enumerate(said.articles):
        if article.published_us is None or (around and not min(around) <= article.published_us <= max(around)):
            continue
        name = f"published: {article.outlet or article.title or article.file}"
        at = article.published_us // 1000
        bars.append({"row": _cut(name), "a": at, "b": at, "what": "published", "colour": LIGHT["level"], "n": number})
    names = list(dict.fromkeys(bar["row"] for bar in bars))[:MOST_ROWS]
    return [bar for bar in bars if bar["row"] in names]


def _short(text: str, kind: str) -> str:
    return {"onset": "began", "end": "ended", "attack": "attacks"}.get(kind, text)


def _cut(text: str) -> str:
    text = "".join(letter for letter in text if letter.isprintable())
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"
