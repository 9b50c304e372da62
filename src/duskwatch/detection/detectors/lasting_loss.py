"""Loss that no single bin shows: the mean over some time below what it ever was by chance."""

from dataclasses import dataclass

import numpy as np

from duskwatch.detection.dating.bins import divide
from duskwatch.detection.detectors.detector import Detector, LatestBin, Step
from duskwatch.detection.view import F64, BinnedView, View
from duskwatch.kernels import baseline as kernel
from duskwatch.records.outages import Alarm
from duskwatch.records.times import DAY


@dataclass(frozen=True, slots=True)
class LastingLoss(Detector):
    """Raises an alarm where a running mean of the loss passes its limit; for bins too noisy to tell one by one.

    Its start and end are where the sum of (loss - half of the mean loss) is largest: the maximum-likelihood change
    point of a shift in normal noise (E. S. Page, 1957).
    """

    name: str

    @property
    def recent(self) -> bool:
        """A stretch begins at most a day before the bin that says so."""
        return True

    def step(self, latest: LatestBin) -> Step:
        """Stretches below the limit; an alarm stands in all of them."""
        lasting = latest.falls & latest.judged.lasting
        return Step(lasting, lasting)

    def detect(self, view: View) -> list[Alarm]:
        """One alarm for each stretch below the limit that holds no excursion with an alarm of its own."""
        if not isinstance(view, BinnedView) or not view.spec.less_is_loss:
            return []
        bits = view.judged.bits
        lasts = view.judged.lasting
        if not lasts.any():
            return []
        raised = view.judged.raised_any
        residual = np.nan_to_num(np.clip(view.residual, -1.0, 1.0))
        edge = np.flatnonzero(np.diff(np.concatenate([[False], lasts, [False]]).astype(np.int8)))
        out = []
        floor = 0
        for begin, after in edge.reshape(-1, 2).tolist():
            scale = int(bits[begin] >> kernel.SCALE_SHIFT) & 7
            back = max(floor, begin - min(4 * view.scale_bins[scale], max(1, DAY // view.bin_us)))
            first, stop = _bounds(view, residual, begin, after, scale, floor, back)
            floor = after
            if raised[max(0, first - 1) : after].any():
                continue
            part = slice(first, max(first + 1, stop))
            seen = view.watched[part]
            expected = float(np.nanmean(view.judged.expected[part][seen])) if seen.any() else float("nan")
            observed = float(view.values[part][seen].mean()) if seen.any() else float("nan")
            out.append(
                Alarm(
                    view.spec.name,
                    self.name,
                    from_us=view.time_us(first),
                    raised_us=view.time_us(begin + 1),
                    until_us=None if after >= view.bins else view.time_us(stop),
                    expected=expected,
                    observed=observed,
                    threshold=view.scale_bins[scale] * view.bin_us / 1e6,
                    coverage=float(np.clip(view.coverage[part], 0.0, 1.0).mean()),
                )
            )
        return out


def _bounds(
    view: BinnedView, residual: F64, begin: int, after: int, scale: int, floor: int, back: int
) -> tuple[int, int]:
    """First bin of the loss, looked for back to ``back``, and the one after its last.

    The mean of a scale was below in [begin, after), and none before it from ``floor`` on.
    """
    bins = view.scale_bins[scale]
    # The mean falls for some time after the loss is over.
    level = float(np.median(residual[max(floor, begin - bins // 2) : max(begin + 1, after - 2 * bins)]))
    half = max(0.05, divide(view, level))
    before = np.cumsum((residual[back : begin + 1] - half)[::-1])
    first = begin - int(np.argmax(before))
    ahead = np.cumsum(residual[first:after] - half)
    return first, first + int(np.argmax(ahead)) + 1
