"""`duskwatch flows listen`: flows as exporters send them."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.flow_options import (
    AllowOption,
    AssumeOption,
    BinOption,
    BitsOption,
    FormatOption,
    InnerOption,
    JsonOption,
    OutOption,
    QuietOption,
    RateOption,
    StateOption,
    TargetOption,
    TopOption,
    about,
    new_collector,
    parse_bits,
    parse_prefixes,
    rate_policy,
    say_faults,
    say_limit,
    to_targets,
)
from duskwatch.cli.frames import check_format, write_frames
from duskwatch.cli.options import fail, unusable_input
from duskwatch.records.times import SECOND

if TYPE_CHECKING:
    from duskwatch.records.flows import FlowBlock
    from duskwatch.sources.flows.collector import Collector
    from duskwatch.sources.flows.listen import Listener

SHOWN = ("targets", "rates", "exporters", "list")
BindOption = Annotated[
    list[str] | None, typer.Option("--bind", help="Address and UDP port to listen on: 127.0.0.1:2055. Repeatable.")
]
WAIT = 0.5  # seconds between looks at the clock while nothing comes
SAVE_EVERY = 60.0  # seconds between writes of the state file


def listen(
    bind: BindOption = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="Stop after so long.")] = None,
    count: Annotated[int | None, typer.Option("--count", help="Stop after so many datagrams.")] = None,
    show: Annotated[
        str, typer.Option("--show", help="targets, rates, exporters, or list (as flows come).")
    ] = "targets",
    by: BitsOption = "host",
    top: TopOption = 20,
    bin_: BinOption = 60,
    target: TargetOption = None,
    rate: RateOption = None,
    assume_rate: AssumeOption = 1,
    format_: FormatOption = "table",
    as_json: JsonOption = False,
    out: OutOption = None,
    state: StateOption = None,
    allow: AllowOption = None,
    inner: InnerOption = False,
    buffer: Annotated[int, typer.Option("--buffer", help="MB of each socket's buffer.")] = 32,
    quiet: QuietOption = False,
) -> None:
    """Listen to exporters, then show what they sent. Ctrl-C ends it as --seconds does.

    Without --bind it listens on 127.0.0.1:2055, which only this machine reaches. Anybody who reaches a port can send
    flows that never were: name the exporters with --allow. What was lost on the way is counted by the exporters'
    sequence numbers, what this machine had to drop by the system.

    Example: duskwatch flows listen --bind 192.0.2.10:2055 --allow 192.0.2.1 --seconds 300 --state exporters.json
    """
    command = "flows listen"
    with unusable_input(command):
        from duskwatch.signals.traffic.sampling import Rates
        from duskwatch.sources.flows.listen import Listener, parse_bind

        if show not in SHOWN:
            fail(command, f"--show {show}: one of {', '.join(SHOWN)}")
        if seconds is not None and not 0 < seconds <= 1e9:
            fail(command, f"--seconds {seconds:g}: more than 0")
        if count is not None and count < 1:
            fail(command, f"--count {count}: at least 1")
        if not 1 <= buffer <= 1024:
            fail(command, f"--buffer {buffer}: from 1 to 1024 MB")
        format_ = check_format(command, format_, as_json, out)
        bits, prefixes = parse_bits(command, by), parse_prefixes(command, "--target", target)
        policy = rate_policy(command, rate, assume_rate)
        collector = new_collector(command, allow, inner, state)
        binds = [parse_bind(text) for text in bind or ["127.0.0.1"]]
        with Listener(binds, buffer=buffer << 20) as listener, _ended_by_signals() as ended:
            _say_sockets(listener, bool(allow), quiet)
            rates = Rates(policy, collector.exporters)
            blocks = (
                rates.apply(block) for block in _received(listener, collector, seconds, count, state, quiet, ended)
            )
            frames, schema = _frames(show, to_targets(blocks, prefixes), collector, policy, bits, top, bin_, prefixes)
            try:
                write_frames(frames, format_, out, lambda: _about(collector, policy, listener), schema)
                sys.stdout.flush()
            except BrokenPipeError:  # whoever reads has enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(0)
            dropped = _say_dropped(listener)
        if state is not None:
            from duskwatch.sources.flows.state_file import save_state

            save_state(collector, state)
        say_limit(command, collector, policy)
        if say_faults(command, collector, policy, None) or dropped:
            raise typer.Exit(1)


@contextmanager
def _ended_by_signals() -> "Iterator[list[bool]]":
    """Ctrl-C and a request to end set the item, so that what has come is still counted. A second one ends at once."""
    ended = [False]

    def end(number: int, frame: object) -> None:
        if ended[0]:
            raise KeyboardInterrupt
        ended[0] = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _received(
    listener: "Listener",
    collector: "Collector",
    seconds: float | None,
    count: int | None,
    state: Path | None,
    quiet: bool,
    ended: list[bool],
) -> "Iterator[FlowBlock]":
    """Blocks as they come, until the time is over, enough has come, or somebody presses Ctrl-C."""
    from duskwatch.sources.flows.datagrams import first_of
    from duskwatch.sources.flows.state_file import save_state

    begin = saved = shown = time.monotonic()
    telling = not quiet and sys.stderr.isatty()
    taken = 0
    while True:
        now = time.monotonic()
        left = WAIT if seconds is None else seconds - (now - begin)
        last = left <= 0 or ended[0]
        for batch in listener.drain() if last else listener.receive(min(left, WAIT)):
            wanted = len(batch.start) if count is None else min(len(batch.start), count - taken)
            yield from collector.decode(first_of(batch, wanted), "UDP", taken + 1)
            taken += wanted
            if taken == count:
                last = True
                break
        if state is not None and now - saved >= SAVE_EVERY:
            save_state(collector, state)
            saved = now
        if telling and (last or now - shown >= 1):
            text = "" if last else f"{taken} datagrams, {collector.table.flows} flows, {now - begin:.0f} s"
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            shown = now
        if last:
            return


def _frames(
    show: str, blocks: "Iterator[FlowBlock]", collector: "Collector", policy: Any, bits: tuple[int, int], top: int,
    bin_: float, prefixes: tuple[Any, ...],
) -> tuple[Iterator[Any], str]:  # fmt: skip
    from duskwatch.cli.flow_frames import exporter_frame, flow_frames, rate_frame, target_frame
    from duskwatch.signals.traffic.rates import EVERYTHING, RateBins
    from duskwatch.signals.traffic.targets import TargetSums

    def at_the_end() -> Iterator[Any]:
        sums, bins = TargetSums(bits4=bits[0], bits6=bits[1]), RateBins(round(bin_ * SECOND), prefixes or (EVERYTHING,))
        for block in blocks:
            if show == "targets":
                sums.add(block)
            elif show == "rates":
                bins.add(block)
        if show == "targets":
            yield target_frame(sums.table(top or None))
        elif show == "rates":
            yield rate_frame(bins.table())
        else:
            yield exporter_frame(collector.counts(), policy)

    frames = flow_frames(blocks, collector.exporters, at_once=True) if show == "list" else at_the_end()
    return frames, f"duskwatch.flows.{show}/1"


def _about(collector: "Collector", policy: Any, listener: "Listener") -> dict[str, Any]:
    sockets = [
        {"bind": str(one.bind), "datagrams": one.datagrams, "dropped": one.dropped, "buffer": one.buffer}
        for one in listener.sockets
    ]
    return about(collector, policy) | {"sockets": sockets}


def _say_sockets(listener: "Listener", allowed: bool, quiet: bool) -> None:
    for one in listener.sockets:
        if not quiet:
            print(f"duskwatch flows listen: listening on {one.bind}", file=sys.stderr, flush=True)
        if not one.bind.is_loopback and not allowed:
            print(
                f"duskwatch flows listen: {one.bind} takes flows from whoever reaches it; name exporters with --allow",
                file=sys.stderr,
            )
        if one.buffer < one.asked:
            print(
                f"duskwatch flows listen: the system gives a buffer of {one.buffer / 1e6:.1f} MB, not "
                f"{one.asked / 1e6:.0f}; raise net.core.rmem_max, else bursts are lost",
                file=sys.stderr,
            )


def _say_dropped(listener: "Listener") -> bool:
    dropped = [one for one in listener.sockets if one.dropped]
    for one in dropped:
        print(
            f"duskwatch flows listen: {one.bind}: {one.dropped} datagrams came faster than they were read and were "
            "dropped by the system",
            file=sys.stderr,
        )
    return bool(dropped)
