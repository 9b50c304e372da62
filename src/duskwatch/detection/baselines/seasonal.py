"""The baseline of binned signals: what each should be, from what it was; the same numbers live and in replay."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from duskwatch.detection.view import F64, BinnedView, Judged, LossRule
from duskwatch.kernels import baseline as kernel
from duskwatch.records.signals import Sampled, SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seasonal:
    """How the baseline of a binned signal is kept. Shares are of the expected value, times in microseconds."""

    history_days: int = 28  # so much is remembered, as one median for each hour
    half_life_us: int = 14 * DAY  # what came so long ago counts half in the width
    band: float = 0.1  # the width is never less than this
    rise_band: float = 0.25  # nor this, upwards
    prior: float = 0.75  # width of a restless signal of which nothing is known yet; gone after learn_us
    learn_us: int = DAY
    week_prior: float = 0.4  # more width of a signal with a rhythm of the day, of which less than week_us is known
    week_us: int = 8 * DAY
    season_us: int = DAY  # a season must have been foretold for so long before it is used
    season_gain: float = 0.8  # and be off by no more than this share of what the simpler model is off by
    least_coverage: float = 0.5  # a bin watched for less is not judged
    full_coverage: float = 0.9  # a bin watched for less teaches nothing
    exit_share: float = 0.5  # back when no more than this share of the width is missing
    settle_us: int = 6 * HOUR  # or when it stayed within the width for so long
    accept_us: int = 30 * DAY  # a steady remainder is the new normal after so long
    least_left: float = 0.1  # unless it is less than this share
    # Means of the loss over such times (0: a single bin) must be so many times what they ever were by chance, and no
    # less than the least.
    scales_us: tuple[int, ...] = (0, 15 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR)
    scale_factors: tuple[float, ...] = (1.3, 1.4, 1.45, 1.6, 2.2)
    scale_least: tuple[float, ...] = (0.5, 0.1, 0.1, 0.1, 0.1)
    accept_rise_us: int = 3 * DAY  # more than was ever expected is the new normal after so long

    def __post_init__(self) -> None:
        if not 1 <= self.history_days <= 366:
            raise ValueError("history_days must be 1 to 366")
        shares = (self.band, self.least_coverage, self.full_coverage, self.exit_share, self.season_gain)
        if min(shares) <= 0 or max(shares) > 1 or not 0 <= self.least_left < 1 or self.rise_band <= 0:
            raise ValueError("the shares of a baseline must be above 0 and at most 1")
        if not (0 <= self.prior <= 1 and 0 <= self.week_prior <= 1) or self.least_coverage > self.full_coverage:
            raise ValueError("prior must be 0 to 1, and least_coverage at most full_coverage")
        times = (self.half_life_us, self.learn_us, self.week_us, self.season_us, self.settle_us, self.accept_us)
        if not len(self.scales_us) == len(self.scale_factors) == len(self.scale_least) <= kernel.SCALES:
            raise ValueError(f"there must be as many scales as factors and least shares, at most {kernel.SCALES}")
        if min((0, *self.scales_us)) < 0 or min((1.0, *self.scale_factors)) < 1 or min((1.0, *self.scale_least)) <= 0:
            raise ValueError("scales must be at least 0, their factors at least 1, their least shares above 0")
        if min(*times, self.accept_rise_us) <= 0:
            raise ValueError("the times of a baseline must be above zero")


@dataclass(frozen=True, slots=True, eq=False)
class BaselineState:
    """What is remembered of N series, all of one bin width. A value: picklable, complete.

    4 kB for each series of 5-minute bins: 28 days of hourly medians (float32), the sizes of past residuals in
    40 cells for each of three models, the values of the hour that is running, and 36 figures.
    """

    bin_us: int
    next_us: int  # start of the bin that comes next
    params: F64 = field(repr=False)
    rules: F64 = field(repr=False)  # [R, 3] slack, cap, threshold
    table: F64 = field(repr=False)  # [N, kernel.FIELDS]
    ring: F32 = field(repr=False)  # [N, H] medians of the last slots (hours), NaN where unknown
    buffer: F32 = field(repr=False)  # [N, P] values of the slot that is running
    cells: F32 = field(repr=False)  # [N, 3, 2 * kernel.CELLS] hours by size of residual, for each model

    @property
    def scale_bins(self) -> tuple[int, ...]:
        """Bins of each running mean, 0 where there is none; at the end those that the sums take, about."""
        means = self.params[kernel.P_SCALES : kernel.P_SCALES + kernel.SCALES].tolist()
        return (*(int(bins) for bins in means), *[max(1, SUM_US // self.bin_us)] * 2)

    @property
    def bytes_per_series(self) -> int:
        """Memory that one series takes."""
        return int(sum(part[0].nbytes for part in (self.table, self.ring, self.buffer, self.cells)))


SUM_US = 2 * HOUR
MOST_PER_SLOT = 60  # values of a slot that make its median; of shorter bins the first


SAMPLED = {"mean": kernel.MEAN, "level": kernel.LEVEL, "count": kernel.COUNT}


def begin(
    count: int,
    bin_us: int,
    start_us: int,
    rules: tuple[LossRule, ...],
    config: Seasonal = Seasonal(),
    sampled: Sequence[Sampled] = (),
) -> BaselineState:
    """A state of ``count`` series that has seen nothing; the first bin starts at ``start_us``.

    sampled   what a bin of each holds, [count]; empty: all are means
    Slots are hours, or bins where these are longer; a season needs slots that divide a day (a week). Raises
    ValueError for bins shorter than a second or longer than a day, and for more rules than the kernel keeps.
    """
    if not SECOND <= bin_us <= DAY:
        raise ValueError("bins must last a second to a day")
    if not 1 <= len(rules) <= kernel.RULES:
        raise ValueError(f"there must be 1 to {kernel.RULES} loss rules")
    slot_us = max(HOUR, bin_us)
    per_day = DAY // slot_us if DAY % slot_us == 0 else 0
    slots = max(2, config.history_days * DAY // slot_us)
    params = np.zeros(kernel.PARAMS)
    params[kernel.P_BIN_US], params[kernel.P_SLOT_US] = bin_us, slot_us
    params[kernel.P_PER_DAY] = per_day if per_day else max(1, DAY // slot_us)
    params[kernel.P_PER_WEEK] = 7 * per_day
    params[kernel.P_SEASONAL] = 1.0 if per_day else 0.0
    params[kernel.P_BAND], params[kernel.P_RISE_BAND] = config.band, config.rise_band
    params[kernel.P_PRIOR], params[kernel.P_LEARN_HOURS] = config.prior, config.learn_us / HOUR
    params[kernel.P_LEAST_COVERAGE], params[kernel.P_FULL_COVERAGE] = config.least_coverage, config.full_coverage
    params[kernel.P_SETTLE_US], params[kernel.P_ACCEPT_DAYS] = config.settle_us, config.accept_us / DAY
    params[kernel.P_RISE_US], params[kernel.P_EXIT] = config.accept_rise_us, config.exit_share
    params[kernel.P_DECAY] = 0.5 ** (slot_us / config.half_life_us)
    params[kernel.P_GAIN], params[kernel.P_SEASON_HOURS] = config.season_gain, config.season_us / HOUR
    params[kernel.P_LEFT] = config.least_left
    params[kernel.P_WEEK_PRIOR], params[kernel.P_WEEK_HOURS] = config.week_prior, config.week_us / HOUR
    scales = params[kernel.P_SCALES :].reshape(3, kernel.SCALES)
    for k, length in enumerate(config.scales_us):
        bins = round(length / bin_us) if length else 1
        if bins > (1 if length else 0) and bins not in scales[0, :k]:
            scales[:, k] = bins, config.scale_factors[k], config.scale_least[k]
    table = np.zeros((count, kernel.FIELDS))
    for k in range(kernel.SCALES):
        peaks = kernel.MEANS + k * kernel.PER_SCALE + 3
        table[:, peaks - 1] = np.inf
        table[:, peaks : peaks + kernel.WEEKS] = -1.0
    table[:, kernel.WEEK] = np.nan
    table[:, kernel.SLOT] = table[:, kernel.HELD] = np.nan
    table[:, kernel.PREDICTED : kernel.PREDICTED + 9] = np.nan
    table[:, kernel.LAST], table[:, kernel.WHOLE] = np.nan, 1.0
    if sampled:
        table[:, kernel.SAMPLED] = [SAMPLED[one] for one in sampled]
    table[:, kernel.LOCAL], table[:, kernel.SUM_LIMIT] = 1.0, np.inf
    return BaselineState(
        bin_us,
        start_us,
        params,
        np.array([(rule.slack, rule.cap, rule.threshold_us) for rule in rules], np.float64),
        table,
        np.full((count, slots), np.nan, np.float32),
        np.zeros((count, max(1, min(MOST_PER_SLOT, slot_us // bin_us))), np.float32),
        np.zeros((count, kernel.MODELS, 2 * kernel.CELLS), np.float32),
    )


def step(state: BaselineState, values: F64, coverage: F64) -> tuple[BaselineState, Judged]:
    """The next bin of all N series: values [N] (NaN: not watched), coverage [N]. The state given is used up."""
    count = len(state.table)
    if values.shape != (count,) or coverage.shape != (count,):
        raise ValueError(f"the next bin of {count} series needs {count} values and as many coverages")
    judged = Judged(np.empty(count), np.empty(count), np.zeros(count, np.uint16))
    kernel.step_bin(
        state.table, state.ring, state.buffer, state.cells, state.params, state.rules, state.next_us,
        np.ascontiguousarray(values, np.float64), np.ascontiguousarray(coverage, np.float64),
        judged.expected, judged.low, judged.bits,
    )  # fmt: skip
    return _moved(state, 1), judged


def walk(state: BaselineState, values: F64, coverage: F64) -> tuple[BaselineState, Judged]:
    """The next B bins of all N series, [N, B]: what ``step`` would say, bin after bin. The state given is used up."""
    count = len(state.table)
    if values.ndim != 2 or len(values) != count or values.shape != coverage.shape:
        raise ValueError(f"bins of {count} series need values and coverage of shape [{count}, bins]")
    judged = Judged(np.empty(values.shape), np.empty(values.shape), np.zeros(values.shape, np.uint16))
    kernel.walk_bins(
        state.table, state.ring, state.buffer, state.cells, state.params, state.rules, state.next_us,
        np.ascontiguousarray(values, np.float64), np.ascontiguousarray(coverage, np.float64),
        judged.expected, judged.low, judged.bits,
    )  # fmt: skip
    return _moved(state, values.shape[1]), judged


def _moved(state: BaselineState, bins: int) -> BaselineState:
    return BaselineState(
        state.bin_us,
        state.next_us + bins * state.bin_us,
        state.params,
        state.rules,
        state.table,
        state.ring,
        state.buffer,
        state.cells,
    )


def judge(block: SignalBlock, rules: tuple[LossRule, ...], config: Seasonal = Seasonal()) -> list[BinnedView]:
    """Every signal of a block against its baseline, which follows these loss rules."""
    if not len(block.specs) or not block.values.shape[1]:
        return []
    sampled = [spec.sampled for spec in block.specs]
    state = begin(len(block.specs), block.bin_us, block.start_us, rules, config, sampled)
    _, judged = walk(state, block.values, block.coverage)
    return [
        BinnedView(
            spec,
            block.start_us,
            block.bin_us,
            block.values[k],
            block.coverage[k],
            Judged(judged.expected[k], judged.low[k], judged.bits[k]),
            rules,
            state.scale_bins,
        )
        for k, spec in enumerate(block.specs)
    ]
