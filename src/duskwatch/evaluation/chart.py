"""The picture of an evaluation: what each detector found, how exactly, and what it invented."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from duskwatch.publication.palette import LIGHT

Spec = dict[str, Any]

COLOURS = (LIGHT["level"], LIGHT["withdraw"], LIGHT["announce"], LIGHT["muted"])
QUIET = ("quiet", "missing-day", "clock-step", "doubled", "leak", "half-coverage", "half-view", "unfinished-bin",
         "silent-zeros")  # fmt: skip


def chart(document: Mapping[str, Any], names: Sequence[str]) -> Spec:
    """A Vega-Lite specification of three panels: recall and onset error by shape, false outages by kind of quiet."""
    shapes = {
        over.removeprefix("family:"): of for over, of in document["figures"].items() if over.startswith("family:")
    }
    rows = [
        {"family": shape_name, "detector": name, **{key: of[name][key] for key in ("recall", "onset_error_bins_p95")}}
        for shape_name, of in shapes.items()
        for name in names
        if name in of and of[name]["true"]
    ]
    false = [
        {"family": shape_name, "detector": name, "false": of[name]["false_per_month"]}
        for shape_name, of in shapes.items()
        for name in names
        if name in of and shape_name in QUIET and of[name]["false_per_month"] is not None
    ]
    colour = alt.Color(
        "detector:N",
        scale=alt.Scale(domain=list(names), range=list(COLOURS[: len(names)])),
        legend=alt.Legend(title=None, orient="top"),
    )
    shape = alt.Shape("detector:N", scale=alt.Scale(domain=list(names)), legend=None)
    y = alt.Y("family:N", title=None, axis=alt.Axis(grid=True, ticks=False, domain=False, labelPadding=8))
    points = alt.Chart(alt.Data(values=rows)).mark_point(filled=True, size=70, opacity=0.85)
    recall = points.encode(
        x=alt.X(
            "recall:Q",
            title="share of true events found",
            scale=alt.Scale(domain=[-0.02, 1.02], nice=False),
            axis=_axis(".0%"),
        ),
        y=y,
        color=colour,
        shape=shape,
    ).properties(width=240, height=18 * max(1, len({row["family"] for row in rows})))
    error = points.encode(
        x=alt.X(
            "onset_error_bins_p95:Q",
            title="onset error in bins, 95 % below",
            scale=alt.Scale(type="symlog", constant=1),
            axis=_axis("~s"),
        ),
        y=alt.Y("family:N", title=None, axis=alt.Axis(labels=False, grid=True, ticks=False, domain=False)),
        color=colour,
        shape=shape,
    ).properties(width=240, height=18 * max(1, len({row["family"] for row in rows})))
    invented = (
        alt.Chart(alt.Data(values=false))
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=alt.X(
                "false:Q",
                title="false outages per entity and month, where nothing happened",
                scale=alt.Scale(type="symlog", constant=0.1),
                axis=_axis("~r"),
            ),
            y=alt.Y("family:N", title=None, axis=alt.Axis(grid=True, ticks=False, domain=False, labelPadding=8)),
            color=colour,
            shape=shape,
        )
        .properties(width=496, height=18 * max(1, len({row["family"] for row in false})))
    )
    styled = (
        alt.vconcat(alt.hconcat(recall, error, spacing=16), invented, spacing=24)
        .configure(background=LIGHT["paper"], font="sans-serif", padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=LIGHT["muted"], titleColor=LIGHT["muted"], gridColor=LIGHT["rule"], domainColor=LIGHT["muted"],
            tickColor=LIGHT["muted"], titleFontWeight="normal",
        )
        .configure_legend(labelColor=LIGHT["text"], labelFontSize=12)
    )  # fmt: skip
    spec: Spec = styled.to_dict()
    return spec


def _axis(form: str) -> alt.Axis:
    return alt.Axis(format=form, grid=False, tickCount=5)
