"""`duskwatch flows`: what exporters say of traffic, from files or live."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.flow_options import (
    AllowOption,
    AssumeOption,
    BinOption,
    BitsOption,
    FilesArgument,
    FormatOption,
    InnerOption,
    JsonOption,
    OutOption,
    PacketsOption,
    PortOption,
    QuietOption,
    RateOption,
    StateOption,
    TargetOption,
    TopOption,
    about,
    new_collector,
    open_files,
    parse_bits,
    parse_prefixes,
    rate_policy,
    say_faults,
    say_limit,
    to_targets,
)
from duskwatch.cli.flows_listen import listen
from duskwatch.cli.frames import check_format, write_frames
from duskwatch.cli.options import fail, unusable_input
from duskwatch.records.times import SECOND, parse_time

if TYPE_CHECKING:
    from duskwatch.records.flows import FlowBlock
    from duskwatch.records.prefix import Prefix
    from duskwatch.signals.traffic.sampling import RatePolicy
    from duskwatch.sources.flows.collector import Collector
    from duskwatch.sources.flows.read import FlowFiles

FromOption = Annotated[str | None, typer.Option("--from", help="Only from this time on.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Only before this time.")]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Read what exporters say of traffic: NetFlow 5 and 9, IPFIX, sFlow 5, from captures or live, and files of "
    "nfcapd, nfdump, goflow2 and pmacct.",
    epilog="Exit codes: 0 fine, 1 some input was refused or damaged (stderr says which, and why), 2 wrong usage.",
)


app.command("listen")(listen)


@app.command("list")
def list_(
    files: FilesArgument,
    target: TargetOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    rate: RateOption = None,
    assume_rate: AssumeOption = 1,
    format_: FormatOption = "table",
    as_json: JsonOption = False,
    out: OutOption = None,
    state: StateOption = None,
    allow: AllowOption = None,
    port: PortOption = None,
    packets: PacketsOption = False,
    inner: InnerOption = False,
    quiet: QuietOption = False,
) -> None:
    """List flows, one a line: bytes and packets as exported, with the sampling rate and how it is known.

    --from and --until keep flows that have any part in that time.

    Example: duskwatch flows list capture.pcap --target 198.51.100.0/24 --format csv
    """
    with unusable_input("flows list"):
        run = _Run(
            "flows list", files, format_, as_json, out, state, allow, rate, assume_rate, packets, port, inner, quiet
        )
        from duskwatch.cli.flow_frames import flow_frames

        wanted = _between(run.blocks(target), _time(from_), _time(until))
        run.finish(flow_frames(wanted, run.collector.exporters), "duskwatch.flows.list/1")


@app.command()
def targets(
    files: FilesArgument,
    by: BitsOption = "host",
    top: TopOption = 20,
    target: TargetOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    rate: RateOption = None,
    assume_rate: AssumeOption = 1,
    format_: FormatOption = "table",
    as_json: JsonOption = False,
    out: OutOption = None,
    state: StateOption = None,
    allow: AllowOption = None,
    port: PortOption = None,
    packets: PacketsOption = False,
    inner: InnerOption = False,
    quiet: QuietOption = False,
) -> None:
    """Sum flows per target: estimated packets and bytes with their 95 % bounds, the largest first.

    What is sampled is scaled by the exporter's sampling rate; the bounds are what sampling leaves open. --from and
    --until count flows that have any part in that time, whole.

    Example: duskwatch flows targets nfcapd.202412201600 --by /24 --top 10
    """
    with unusable_input("flows targets"):
        bits4, bits6 = parse_bits("flows targets", by)
        run = _Run(
            "flows targets", files, format_, as_json, out, state, allow, rate, assume_rate, packets, port, inner, quiet
        )
        from duskwatch.cli.flow_frames import target_frame
        from duskwatch.signals.traffic.targets import TargetSums

        sums = TargetSums(bits4=bits4, bits6=bits6)
        for block in _between(run.blocks(target), _time(from_), _time(until)):
            sums.add(block)
        run.finish([target_frame(sums.table(top or None))], "duskwatch.flows.targets/1", limit=True)


@app.command()
def rates(
    files: FilesArgument,
    bin_: BinOption = 60,
    target: TargetOption = None,
    from_: FromOption = None,
    until: UntilOption = None,
    rate: RateOption = None,
    assume_rate: AssumeOption = 1,
    format_: FormatOption = "table",
    as_json: JsonOption = False,
    out: OutOption = None,
    state: StateOption = None,
    allow: AllowOption = None,
    port: PortOption = None,
    packets: PacketsOption = False,
    inner: InnerOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show traffic over time, in all or to each --target: packets and bits a second with their 95 % bounds.

    The bytes of a flow are spread evenly over the time it lasted. A bin is provisional while flows that are still to
    be exported may add to it.

    Example: duskwatch flows rates capture.pcap --bin 10 --target 198.51.100.7
    """
    with unusable_input("flows rates"):
        if not 0.001 <= bin_ <= 1e6:
            fail("flows rates", f"--bin {bin_:g}: from 0.001 to 1000000 seconds")
        run = _Run(
            "flows rates", files, format_, as_json, out, state, allow, rate, assume_rate, packets, port, inner, quiet
        )
        from duskwatch.cli.flow_frames import rate_frame
        from duskwatch.signals.traffic.rates import EVERYTHING, RateBins

        groups = parse_prefixes("flows rates", "--target", target) or (EVERYTHING,)
        bins = RateBins(round(bin_ * SECOND), groups, from_us=_time(from_), until_us=_time(until))
        for block in run.blocks(None):
            bins.add(block)
        run.finish([rate_frame(bins.table())], "duskwatch.flows.rates/1", limit=True)
        if bins.clock_off:
            print(
                f"duskwatch flows rates: {bins.clock_off} flows end more than an hour off the time they were received "
                "at; they are counted when they were received",
                file=sys.stderr,
            )


@app.command()
def exporters(
    files: FilesArgument,
    rate: RateOption = None,
    assume_rate: AssumeOption = 1,
    format_: FormatOption = "table",
    as_json: JsonOption = False,
    out: OutOption = None,
    state: StateOption = None,
    allow: AllowOption = None,
    port: PortOption = None,
    packets: PacketsOption = False,
    inner: InnerOption = False,
    quiet: QuietOption = False,
) -> None:
    """List exporters: what came from each, what was lost or refused, and its sampling rates.

    Example: duskwatch flows exporters capture.pcap --json
    """
    with unusable_input("flows exporters"):
        run = _Run(
            "flows exporters",
            files,
            format_,
            as_json,
            out,
            state,
            allow,
            rate,
            assume_rate,
            packets,
            port,
            inner,
            quiet,
        )
        from duskwatch.cli.flow_frames import exporter_frame

        for _ in run.blocks(None):
            pass
        run.finish([exporter_frame(run.collector.counts(), run.policy)], "duskwatch.flows.exporters/1")


class _Run:
    """One command on files: from its options to what it says at the end."""

    def __init__(
        self,
        command: str,
        paths: list[Path],
        format_: str,
        as_json: bool,
        out: Path | None,
        state: Path | None,
        allow: list[str] | None,
        rate: list[str] | None,
        assumed: int,
        packets: bool,
        ports: list[int] | None,
        inner: bool,
        quiet: bool,
    ) -> None:
        self.command = command
        self.format = check_format(command, format_, as_json, out)
        self.policy: RatePolicy = rate_policy(command, rate, assumed)
        self.collector: Collector = new_collector(command, allow, inner, state)
        self.files: FlowFiles
        self.files, self._blocks = open_files(command, paths, self.collector, packets, ports, quiet)
        self._out = out
        self._state = state

    def blocks(self, target: list[str] | None) -> "Iterator[FlowBlock]":
        """The flows, with the rates that the user knows."""
        from duskwatch.signals.traffic.sampling import Rates

        prefixes: tuple[Prefix, ...] = parse_prefixes(self.command, "--target", target)
        given = Rates(self.policy, self.collector.exporters)
        return to_targets((given.apply(block) for block in self._blocks), prefixes)

    def finish(self, frames: Iterable[Any], schema: str, *, limit: bool = False) -> None:
        """Write what was found, then what was wrong; exit code 1 where anything was."""
        try:
            write_frames(frames, self.format, self._out, lambda: about(self.collector, self.policy, self.files), schema)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        if self._state is not None:
            from duskwatch.sources.flows.state_file import save_state

            save_state(self.collector, self._state)
        if limit:
            say_limit(self.command, self.collector, self.policy)
        if say_faults(self.command, self.collector, self.policy, self.files):
            raise typer.Exit(1)


def _time(text: str | None) -> int | None:
    return parse_time(text) if text else None


def _between(blocks: "Iterator[FlowBlock]", from_us: int | None, until_us: int | None) -> "Iterator[FlowBlock]":
    """Only flows that have any part in a window."""
    import numpy as np

    for block in blocks:
        wanted = np.ones(block.rows, bool)
        if from_us is not None:
            wanted &= block.end_us >= from_us
        if until_us is not None:
            wanted &= block.start_us < until_us
        if wanted.all():
            yield block
        elif wanted.any():
            yield block.take(wanted)
