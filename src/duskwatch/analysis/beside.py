"""What else was measured of an entity, joined with a report: signals of any source, fused into its outages."""

from collections.abc import Sequence
from dataclasses import replace

from duskwatch.analysis.causes import explained
from duskwatch.analysis.networks import with_outages
from duskwatch.detection import DetectionConfig, detect
from duskwatch.records.coverage import carried_over
from duskwatch.records.outages import Outage
from duskwatch.records.report import InputFile, Report
from duskwatch.records.series import clipped
from duskwatch.records.signals import Gap, SignalBlock


def told_from(outages: Sequence[Outage], from_us: int, until_us: int) -> tuple[Outage, ...]:
    """The outages of a window, without those that ended before; a relapse of one that is left out is of none."""
    kept = [k for k, outage in enumerate(outages) if (outage.end.best_us if outage.end else until_us) > from_us]
    number = {k: n for n, k in enumerate(kept)}
    roots = [outages[k].relapse_of for k in kept]
    return tuple(
        replace(outages[k], relapse_of=None if root is None else number.get(root))
        for k, root in zip(kept, roots, strict=True)
    )


def with_signals(
    report: Report,
    blocks: Sequence[SignalBlock],
    *,
    gaps: Sequence[Gap] = (),
    inputs: Sequence[InputFile] = (),
    notes: Sequence[str] = (),
    config: DetectionConfig = DetectionConfig(),
) -> Report:
    """The report with further signals of its entity, and the outages that all signals together tell.

    Blocks may begin before the window: what comes before goes into the baselines alone. What a signal means is in its
    spec, so whoever measures something new needs nothing here. Outages that ended before the window are left out.
    """
    known = tuple(clipped(block, block.start_us, report.until_us) for block in blocks)
    inside = tuple(clipped(block, report.from_us, report.until_us) for block in blocks)
    fused = detect(replace(report.history, series=(*report.history.series, *known)), config)
    outages = told_from(fused, report.from_us, report.until_us)
    history = replace(
        report.history,
        series=(*report.history.series, *(block for block in inside if block.values.shape[1])),
        gaps=(*report.history.gaps, *gaps),
    )
    return explained(
        replace(
            report,
            history=history,
            outages=outages,
            coverage=carried_over(report.coverage, report.outages, outages),
            networks=None if report.networks is None else with_outages(report.networks, report.entity, outages),
            inputs=(*report.inputs, *inputs),
            warnings=(*report.warnings, *notes),
        )
    )
