"""What else was measured of an entity, joined with a report: signals of any source, fused into its outages."""

from collections.abc import Sequence
from dataclasses import replace

from duskwatch.analysis.causes import explained
from duskwatch.analysis.lead import numbered_anew, of_window
from duskwatch.analysis.networks import with_outages
from duskwatch.detection import DetectionConfig, detect, judged_spans
from duskwatch.records.coverage import carried_over, sharing_most
from duskwatch.records.judged import inside as inside_window
from duskwatch.records.report import InputFile, Report
from duskwatch.records.series import clipped
from duskwatch.records.signals import Gap, SignalBlock


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
    within = tuple(clipped(block, block.start_us, report.until_us) for block in blocks)
    inside = tuple(clipped(block, report.from_us, report.until_us) for block in blocks)
    whole = report.led or report.history
    whole = replace(whole, series=(*whole.series, *within))
    fused = detect(whole, config)
    outages = numbered_anew(fused, of_window(fused, report.from_us))
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
            around=tuple(None if k is None else report.around[k] for k in sharing_most(report.outages, outages))
            if report.around
            else (),
            networks=None if report.networks is None else with_outages(report.networks, report.entity, outages),
            inputs=(*report.inputs, *inputs),
            warnings=(*report.warnings, *notes),
            judged=inside_window(judged_spans(whole, config), report.from_us, report.until_us),
            led=whole if report.led is not None else None,
        )
    )
