"""Flows, sums, rates and exporters as polars frames: what the commands of flows print."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.flows import Direction, Exporter, ExporterCounts, FlowBlock, Fragment, RateSource
from duskwatch.records.prefix import Prefix, address_text, prefix_texts
from duskwatch.signals.traffic.bounds import unseen_below
from duskwatch.signals.traffic.rates import EVERYTHING, RateTable
from duskwatch.signals.traffic.sampling import RatePolicy
from duskwatch.signals.traffic.targets import TargetTable

FRAME_ROWS = 1 << 16
FLAG_LETTERS = "FSRPAUECN"  # from the lowest bit on
UNSEEN_SECONDS = 60
TIME = pl.Datetime("us", "UTC")
FLAGS = np.array(["".join(c for k, c in enumerate(FLAG_LETTERS) if flags >> k & 1) for flags in range(512)])
SOURCES = np.array([source.name.lower() for source in RateSource])
FRAGMENTS = np.array(["", *(fragment.name.lower() for fragment in list(Fragment)[1:])])
DIRECTIONS = {int(direction): direction.name.lower() for direction in Direction}


def exporter_text(exporter: Exporter) -> str:
    """An exporter's address; - where none is known."""
    return address_text(exporter.afi, exporter.hi, exporter.lo) if exporter.afi else "-"


def flow_frames(
    blocks: Iterable[FlowBlock], exporters: Sequence[Exporter], *, at_once: bool = False
) -> Iterator[pl.DataFrame]:
    """Flows, a row each; at least one frame. ``at_once``: each block by itself, as it comes."""
    waiting: list[FlowBlock] = []
    rows, given = 0, False
    for block in blocks:
        waiting.append(block)
        rows += block.rows
        if rows >= FRAME_ROWS or at_once:
            yield _flows(waiting, exporters)
            waiting, rows, given = [], 0, True
    if waiting or not given:
        yield _flows(waiting, exporters)


def _flows(blocks: list[FlowBlock], exporters: Sequence[Exporter]) -> pl.DataFrame:
    if not blocks:
        return pl.DataFrame(schema=FLOW_SCHEMA)
    block = FlowBlock(*(np.concatenate(column) for column in zip(*blocks, strict=True)))
    names = np.array([exporter_text(exporter) for exporter in exporters])
    exports = np.array([exporter.export.name.lower() for exporter in exporters])
    return pl.DataFrame(
        {
            "start": block.start_us,
            "end": block.end_us,
            "received": block.received_us,
            "exporter": names[block.exporter],
            "export": exports[block.exporter],
            "domain": np.array([exporter.domain for exporter in exporters], np.uint32)[block.exporter],
            "src": addresses(block.afi, block.src_hi, block.src_lo),
            "src_port": block.src_port,
            "dst": addresses(block.afi, block.dst_hi, block.dst_lo),
            "dst_port": block.dst_port,
            "protocol": block.protocol,
            "tcp_flags": FLAGS[block.tcp_flags & 511],
            "icmp": block.icmp,
            "fragment": FRAGMENTS[np.minimum(block.fragment, 2)],
            "bytes": block.bytes,
            "packets": block.packets,
            "sampling_rate": block.sampling_rate,
            "rate_source": SOURCES[block.rate_source],
            "sampler": block.sampler,
            "direction": [DIRECTIONS.get(way) for way in block.direction.tolist()],
            "input_if": block.input_if,
            "output_if": block.output_if,
            "src_as": block.src_as,
            "dst_as": block.dst_as,
            "tos": block.tos,
        },
        schema_overrides={"direction": pl.String},
    ).with_columns(
        pl.col("start", "end", "received").replace(0, None).cast(TIME), pl.col("direction").replace("unknown", None)
    )


FLOW_SCHEMA: dict[str, Any] = {
    "start": TIME, "end": TIME, "received": TIME, "exporter": pl.String, "export": pl.String, "domain": pl.UInt32,
    "src": pl.String, "src_port": pl.UInt16, "dst": pl.String, "dst_port": pl.UInt16, "protocol": pl.UInt8,
    "tcp_flags": pl.String, "icmp": pl.UInt16, "fragment": pl.String, "bytes": pl.UInt64, "packets": pl.UInt64,
    "sampling_rate": pl.UInt32, "rate_source": pl.String, "sampler": pl.UInt64, "direction": pl.String,
    "input_if": pl.UInt32, "output_if": pl.UInt32, "src_as": pl.UInt32, "dst_as": pl.UInt32, "tos": pl.UInt8,
}  # fmt: skip


def addresses(afi: npt.NDArray[np.uint8], hi: npt.NDArray[np.uint64], lo: npt.NDArray[np.uint64]) -> list[str]:
    """Texts of many addresses."""
    lengths = np.where(afi == 1, 32, 128).astype(np.uint8)
    return [text.rpartition("/")[0] for text in prefix_texts(afi, hi, lo, lengths)]


def target_frame(table: TargetTable) -> pl.DataFrame:
    """Sums per target, a row each; whole hosts without their length."""
    whole = (table.length == np.where(table.afi == 1, 32, 128)) & (table.afi > 0)
    texts = prefix_texts(table.afi, table.hi, table.lo, table.length)
    names = [
        "(others)" if not afi else text.rpartition("/")[0] if host else text
        for text, host, afi in zip(texts, whole.tolist(), table.afi.tolist(), strict=True)
    ]
    rate_names = [
        " ".join(f"{name}:{count}" for name, count in zip(SOURCES, counts, strict=True) if count)
        for counts in table.by_source.tolist()
    ]
    return pl.DataFrame(
        {
            "target": names,
            "flows": table.flows,
            "packets": whole_numbers(table.packets),
            "packets_low": whole_numbers(table.packets_low),
            "packets_high": whole_numbers(table.packets_high),
            "bytes": whole_numbers(table.octets),
            "bytes_low": whole_numbers(table.octets_low),
            "bytes_high": whole_numbers(table.octets_high),
            "seen_packets": table.seen_packets,
            "first": table.first_us,
            "last": table.last_us,
            "rates": rate_names,
        },
        schema_overrides={"target": pl.String, "rates": pl.String},
    ).with_columns(pl.col("first", "last").replace(0, None).cast(TIME))


def whole_numbers(estimates: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Estimates, of which the digits behind the point say nothing."""
    return np.rint(np.minimum(estimates, 2.0**62)).astype(np.int64)


def rate_frame(table: RateTable) -> pl.DataFrame:
    """Rates, a row for each group and bin."""
    bins = table.packets.shape[1]
    starts = table.start_us + table.bin_us * np.arange(bins, dtype=np.int64)
    names = ["all" if group == EVERYTHING else _target(group) for group in table.groups]
    return pl.DataFrame(
        {
            "target": np.repeat(np.array(names, object), bins).tolist(),
            "start": np.tile(starts, len(names)),
            "packets_s": table.packets.reshape(-1),
            "packets_s_low": table.packets_low.reshape(-1),
            "packets_s_high": table.packets_high.reshape(-1),
            "bits_s": table.bits.reshape(-1),
            "bits_s_low": table.bits_low.reshape(-1),
            "bits_s_high": table.bits_high.reshape(-1),
            "provisional": np.tile(table.provisional, len(names)),
        },
        schema_overrides={"target": pl.String},
    ).with_columns(pl.col("start").cast(TIME))


def _target(prefix: Prefix) -> str:
    whole = prefix.length == (32 if prefix.afi == 1 else 128)
    return address_text(prefix.afi, prefix.hi, prefix.lo) if whole else str(prefix)


def exporter_frame(counts: Sequence[ExporterCounts], policy: RatePolicy) -> pl.DataFrame:
    """Exporters, a row each."""
    rows = [_exporter(one, policy) for one in counts]
    times = ("first", "last")
    return pl.DataFrame(rows, schema=EXPORTER_SCHEMA).with_columns(pl.col(*times).replace(0, None).cast(TIME))


def largest_rate(one: ExporterCounts, policy: RatePolicy) -> int | None:
    """The largest sampling rate that flows of an exporter were given; None where it gave none."""
    if not sum(one.by_source):
        return None
    overridden = policy.rate_of(one.exporter)
    if overridden is not None:
        return overridden
    rates = [sampler.rate for sampler in one.samplers]
    return max([*rates, policy.assumed] if one.by_source[RateSource.ASSUMED] or not rates else rates)


def _exporter(one: ExporterCounts, policy: RatePolicy) -> dict[str, Any]:
    overridden, largest = policy.rate_of(one.exporter), largest_rate(one, policy)
    rates = [_sampler(sampler) for sampler in one.samplers]
    if overridden is not None:
        rates = [f"1:{overridden} overridden"]
    elif one.by_source[RateSource.ASSUMED]:
        rates.append(f"1:{policy.assumed} assumed")
    return {
        "exporter": exporter_text(one.exporter),
        "export": one.exporter.export.name.lower(),
        "domain": one.exporter.domain,
        "datagrams": one.datagrams,
        "bytes": one.octets,
        "flows": one.flows,
        "other_records": one.other_records,
        "option_records": one.option_records,
        "templates": one.templates,
        "sets_without_template": one.unknown_sets,
        "lost_datagrams": one.lost_datagrams,
        "lost_records": one.lost_records,
        "lost_share": one.lost_share,
        "late": one.late,
        "repeated": one.repeated,
        "restarts": one.restarts,
        "refused": one.refused,
        "miscounted": one.miscounted,
        "first": one.first_us,
        "last": one.last_us,
        "longest_flow_s": one.longest_us / 1e6,
        "rates": "; ".join(rates),
        "unseen_below_packets_s": None if largest is None else unseen_below(largest, UNSEEN_SECONDS),
    }


def _sampler(sampler: Any) -> str:
    text = f"1:{sampler.rate} {sampler.source.name.lower()}"
    if sampler.sampler is not None:
        return f"sampler {sampler.sampler} {text}"
    return f"interface {sampler.interface} {text}" if sampler.interface is not None else text


EXPORTER_SCHEMA: dict[str, Any] = dict.fromkeys(
    (
        "exporter", "export", "domain", "datagrams", "bytes", "flows", "other_records", "option_records", "templates",
        "sets_without_template", "lost_datagrams", "lost_records", "lost_share", "late", "repeated", "restarts",
        "refused", "miscounted", "first", "last", "longest_flow_s", "rates", "unseen_below_packets_s",
    ),
    pl.Int64,
) | {"exporter": pl.String, "export": pl.String, "lost_share": pl.Float64, "longest_flow_s": pl.Float64}  # fmt: skip
EXPORTER_SCHEMA |= {"rates": pl.String, "unseen_below_packets_s": pl.Float64}
