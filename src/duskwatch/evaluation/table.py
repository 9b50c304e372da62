"""The table of an evaluation: one row a figure, one column a detector."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Show = Callable[[float], str]


def share(value: float) -> str:
    """0.9934 as 99.3 %."""
    return f"{100 * value:.1f} %"


def number(value: float) -> str:
    """At most two decimals, without zeros at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def minutes(value: float) -> str:
    """Seconds as minutes."""
    return f"{value / 60:.1f} min"


class Row(NamedTuple):
    """A figure and how it is called and shown."""

    over: str
    figure: str
    label: str
    show: Show


ROWS = (
    Row("total", "recall", "total losses of a bin or more: found", share),
    Row("partial", "recall", "losses of 20 % and more, 30 min and more: found", share),
    Row("kind:tiny", "recall", "of these, of 4 /24s", share),
    Row("kind:small", "recall", "of these, of 15 /24s", share),
    Row("kind:medium", "recall", "of these, of 300 /24s", share),
    Row("kind:large", "recall", "of these, of 3,000 /24s", share),
    Row("kind:huge", "recall", "of these, of 40,000 /24s", share),
    Row("kind:probing", "recall", "of these, 600 /24s that answer", share),
    Row("kind:telescope", "recall", "of these, a telescope that hears 220 sources a bin", share),
    Row("kind:faint", "recall", "of these, a telescope that hears 6 sources a bin", share),
    Row("kind:iran", "recall", "of these, laid over the real series of Iran, December 2025", share),
    Row("faint", "recall", "losses that do not stand out of the noise: found", share),
    Row("quiet", "false_per_month", "quiet series: false outages per entity and month", number),
    Row("quiet:routes", "false_per_month", "of these, routes", number),
    Row("quiet:probing", "false_per_month", "of these, probing", number),
    Row("quiet:telescopes", "false_per_month", "of these, telescopes", number),
    Row("quiet", "excess_hours_per_month", "quiet series: hours called out per entity and month", number),
    Row("artefact", "false", "artefacts: false outages", number),
    Row("timing", "onset_within_bin", "onset within a bin", share),
    Row("timing", "onset_error_s_median", "onset error, median", minutes),
    Row("timing", "onset_error_s_p95", "onset error, 95 % below", minutes),
    Row("timing", "end_within_bin", "end within a bin", share),
    Row("timing", "end_error_s_median", "end error, median", minutes),
    Row("timing", "end_error_s_p95", "end error, 95 % below", minutes),
    Row("timing", "delay_s_median", "alarm after onset, median", minutes),
    Row("timing", "delay_s_p95", "alarm after onset, 95 % below", minutes),
    Row("timing", "onset_inside", "true onset inside the stated interval", share),
    Row("timing", "onset_width_bins_median", "width of that interval, median, in bins", number),
    Row("timing", "end_inside", "true end inside the stated interval", share),
    Row("timing", "end_width_bins_median", "width of that interval, median, in bins", number),
    Row("timing", "fragments_mean", "found events per true one", number),
    Row("timing", "stories_mean", "of these, told as no relapse of another", number),
    Row("timing", "merged", "true events told together with another", number),
    Row("few", "recall", "20 to 60 noisy units, 35 to 60 % lost for 2 to 48 h: found", share),
    Row("few", "onset_error_s_median", "of these, onset error, median", minutes),
    Row("few", "onset_within_30min", "of these, onset within 30 min", share),
    Row("few", "false_per_month", "of these, false outages per entity and month", number),
    Row("few-quiet", "false_per_month", "quiet months of such units: false outages per entity and month", number),
    Row("mixed", "recall", "losses seen by routes, probing, a telescope, with gaps in each: found", share),
    Row("mixed", "onset_within_bin", "of these, onset within a bin", share),
    Row("mixed", "end_within_bin", "of these, end within a bin", share),
    Row("mixed", "open_wrong", "of these, told to last although they ended", number),
    Row("mixed", "merged", "of these, true events told together with another", number),
    Row("mixed", "false", "of these, false outages", number),
    Row("labelled", "recall", "labelled shutdowns: found", share),
    Row("family:iraq-2023", "recall", "Iraq 2023, by routes, probing, telescope, and all together: found", share),
    Row("family:iran-2026", "recall", "Iran 2026, by each of four signals, and all together: found", share),
    Row("family:archive", "recall", "Djibouti 2008, North Korea 2014, from archives: found", share),
    Row("labelled", "within_two_bins", "labelled shutdowns: onset and end within two bins", share),
    Row("labelled", "false", "labelled series: outages beside the labels", number),
)


def table(document: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    """Head and rows as text: label, how many true events or months it rests on, then each detector's figure."""
    figures = document["figures"]
    out = [["", "of", *names]]
    for row in ROWS:
        of = figures.get(row.over)
        if not of:
            continue
        basis = max(int(one["true"]) for one in of.values())
        months = max(float(one["months"] or 0) for one in of.values())
        out.append(
            [
                row.label,
                str(basis) if basis else f"{months:.0f} months" if row.over.startswith("quiet") else "",
                *(_cell(of.get(name), row) for name in names),
            ]
        )
    return out


def _cell(figures: Mapping[str, Any] | None, row: Row) -> str:
    value = None if figures is None else figures[row.figure]
    return "-" if value is None else row.show(value)


def bounds_table(document: Mapping[str, Any]) -> list[list[str]]:
    """Head and rows as text: what must hold, the aim, what was measured, the verdict."""
    out = [["what must hold", "aim", "measured", ""]]
    for one in document["bounds"]:
        sign = "at least" if one["at_most"] is None else "at most"
        bound = one["at_least"] if one["at_most"] is None else one["at_most"]
        aim = one["aim"] if one["aim"] is not None else bound
        value = "-" if one["value"] is None else f"{one['value']:.4g}"
        out.append([one["name"], f"{sign} {aim:g}", value, _verdict(one, bound)])
    return out


def _verdict(one: Mapping[str, Any], bound: float) -> str:
    if one["holds"] is None:
        return "not measured"
    if not one["holds"]:
        return f"BROKEN (bound {bound:g})"
    return "holds" if one["reached"] in (True, None) else f"not reached (bound {bound:g})"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
