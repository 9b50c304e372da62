"""Options that the commands of flows share, and what they say at their end."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duskwatch.cli.frames import plain_rows
from duskwatch.cli.options import byte_bars, fail

if TYPE_CHECKING:
    from duskwatch.records.flows import FlowBlock
    from duskwatch.records.prefix import Prefix
    from duskwatch.signals.traffic.sampling import RatePolicy
    from duskwatch.sources.flows.collector import Collector
    from duskwatch.sources.flows.read import FlowFiles

FilesArgument = Annotated[
    list[Path], typer.Argument(help="Files of flows of any kind, plain or compressed; - is standard input.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, csv, json, jsonl or parquet.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json: one document.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write to this file (parquet needs it); it appears once it is whole.")
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="File of templates and sampling rates: read at the start, written at the end."),
]
RateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rate",
        help="Sampling rate, whatever exporters say: 1000, or for an address or prefix: 192.0.2.1=1000. Repeatable.",
    ),
]
AssumeOption = Annotated[int, typer.Option("--assume-rate", help="Sampling rate of flows whose rate nobody says.")]
AllowOption = Annotated[
    list[str] | None, typer.Option("--allow", help="Only datagrams from this address or prefix. Repeatable.")
]
PortOption = Annotated[
    list[int] | None, typer.Option("--port", help="In captures: only datagrams to this UDP port. Repeatable.")
]
PacketsOption = Annotated[
    bool, typer.Option("--packets", help="Captures are of the traffic itself: each packet is a flow of one packet.")
]
InnerOption = Annotated[
    bool, typer.Option("--inner", help="Flows of what is in tunnels (IP in IP, SRv6, GRE, VXLAN), where records tell.")
]
TargetOption = Annotated[
    list[str] | None, typer.Option("--target", help="Only traffic to this address or prefix. Repeatable.")
]
BitsOption = Annotated[
    str, typer.Option("--by", help="Sum per host, or per prefix of so many bits: /24, or /24,/48 for IPv4, IPv6.")
]
TopOption = Annotated[int, typer.Option("--top", help="Only so many targets, those with the most bytes; 0 for all.")]
BinOption = Annotated[float, typer.Option("--bin", help="Seconds of a bin.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]
REFUSALS_SHOWN = 3
FAULTS_SHOWN = 3
DOUBTS_SHOWN = 5


def parse_prefixes(command: str, option: str, texts: list[str] | None) -> "tuple[Prefix, ...]":
    """Prefixes of an option, or one line and exit code 2."""
    from duskwatch.records.prefix import Prefix

    try:
        return tuple(Prefix.parse(text) for text in texts or [])
    except ValueError as error:
        fail(command, f"{option}: {error}")


def parse_bits(command: str, text: str) -> tuple[int, int]:
    """Bits of an IPv4 and of an IPv6 target, or one line and exit code 2."""
    if text == "host":
        return 32, 128
    parts = [part.strip().removeprefix("/") for part in text.split(",")]
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and part.isascii() for part in parts):
        fail(command, f"--by {text}: host, /24, or /24,/48 (IPv4, IPv6)")
    bits4 = int(parts[0])
    bits6 = int(parts[1]) if len(parts) == 2 else min(2 * bits4, 128)
    if bits4 > 32 or bits6 > 128:
        fail(command, f"--by {text}: at most /32 for IPv4 and /128 for IPv6")
    return bits4, bits6


def rate_policy(command: str, rates: list[str] | None, assumed: int) -> "RatePolicy":
    """What the options say of sampling rates, or one line and exit code 2."""
    from duskwatch.signals.traffic.sampling import RatePolicy

    overrides: list[tuple[Prefix | None, int]] = []
    for text in rates or []:
        whose, equals, number = text.rpartition("=")
        if not number.isdecimal() or not 1 <= int(number) < 1 << 32:
            fail(command, f"--rate {text}: write a rate such as 1000, or 192.0.2.1=1000")
        prefix = parse_prefixes(command, "--rate", [whose])[0] if equals else None
        overrides.append((prefix, int(number)))
    if not 1 <= assumed < 1 << 32:
        fail(command, f"--assume-rate {assumed}: at least 1")
    overrides.sort(key=lambda one: -1 if one[0] is None else one[0].length, reverse=True)  # the longest fits best
    return RatePolicy(assumed, tuple(overrides))


def new_collector(command: str, allow: list[str] | None, inner: bool, state: Path | None) -> "Collector":
    """A collector as the options want it, with what the state file has."""
    from duskwatch.sources.flows.collector import Collector, Settings
    from duskwatch.sources.flows.state_file import load_state

    collector = Collector(Settings(allowed=parse_prefixes(command, "--allow", allow), inner=inner))
    if state is not None and state.exists():
        load_state(collector, state)
    return collector


def open_files(
    command: str, paths: list[Path], collector: "Collector", packets: bool, ports: list[int] | None, quiet: bool
) -> "tuple[FlowFiles, Iterator[FlowBlock]]":
    """Files and their blocks, with a bar that shows how far reading has come."""
    from duskwatch.sources.flows.read import FlowFiles

    for path in paths:
        if path.is_dir():
            fail(command, f"{path}: a folder; name files")
        if str(path) != "-" and not path.exists():
            fail(command, f"{path}: no such file")
    for port in ports or []:
        if not 0 <= port < 1 << 16:
            fail(command, f"--port {port}: not a UDP port")
    read = [0]
    files = FlowFiles(
        paths,
        collector,
        packets=packets,
        ports=tuple(ports or ()),
        progress=lambda octets: read.__setitem__(0, read[0] + octets),
    )

    def blocks() -> "Iterator[FlowBlock]":
        with byte_bars(quiet) as bars:
            task = bars.add_task("reading flows", total=None) if bars is not None else None
            for block in files:
                if bars is not None and task is not None:
                    bars.update(task, completed=read[0])
                yield block

    return files, blocks()


def to_targets(blocks: "Iterator[FlowBlock]", targets: "tuple[Prefix, ...]") -> "Iterator[FlowBlock]":
    """Only flows to these targets; all where there are none."""
    import numpy as np

    from duskwatch.signals.traffic.rates import groups_of

    for block in blocks:
        if targets:
            wanted = np.flatnonzero(groups_of(block, targets) >= 0)
            if not len(wanted):
                continue
            yield block.take(wanted) if len(wanted) < block.rows else block
        else:
            yield block


def about(collector: "Collector", policy: "RatePolicy", files: "FlowFiles | None" = None) -> dict[str, Any]:
    """What a JSON document says beside its rows."""
    from duskwatch.cli.flow_frames import exporter_frame

    said: dict[str, Any] = {
        "exporters": plain_rows(exporter_frame(collector.counts(), policy)),
        "refused": dict(collector.refused),
        "refusals": [refusal._asdict() for refusal in collector.refusals],
    }
    if files is not None:
        said["inputs"] = [
            {
                "path": report.path,
                "kind": report.kind,
                "units": report.units,
                "flows": report.flows,
                "faults": report.faults,
                "passed": report.passed,
            }
            for report in files.reports
        ]
    return said


def say_faults(command: str, collector: "Collector", policy: "RatePolicy", files: "FlowFiles | None") -> bool:
    """Say on stderr what is wrong with the input and what makes volumes doubtful; whether anything is wrong."""
    from duskwatch.cli.flow_frames import exporter_text
    from duskwatch.signals.traffic.sampling import doubts

    wrong = False
    for report in files.reports if files is not None else []:
        for fault in report.faults[:FAULTS_SHOWN]:
            _say(command, f"{report.path}: {fault}")
        if len(report.faults) > FAULTS_SHOWN:
            _say(command, f"{report.path}: {len(report.faults) - FAULTS_SHOWN} more faults (--format json has them)")
        if not report.flows and report.passed:
            kinds = ", ".join(f"{count} {kind}" for kind, count in report.passed.items())
            hint = "" if report.kind != "capture" else "; --packets reads a capture of traffic itself"
            _say(command, f"{report.path}: no flows in it, but {kinds}{hint}")
        wrong |= bool(report.faults)
    for refusal in collector.refusals[:REFUSALS_SHOWN]:
        _say(command, str(refusal))
    if collector.refused:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in collector.refused.most_common())
        _say(command, f"refused datagrams, or parts of them: {reasons}")
        wrong = True
    doubtful = [(counts, found) for counts in collector.counts() if (found := doubts(counts, policy))]
    for counts, found in doubtful[:DOUBTS_SHOWN]:
        domain = f", domain {counts.exporter.domain}" if counts.exporter.domain else ""
        _say(command, f"exporter {exporter_text(counts.exporter)}{domain}: {'; '.join(found)}")
    if len(doubtful) > DOUBTS_SHOWN:
        _say(command, f"the same or the like of {len(doubtful) - DOUBTS_SHOWN} more exporters (see flows exporters)")
    return wrong


def say_limit(command: str, collector: "Collector", policy: "RatePolicy") -> None:
    """Say below what size a flood would not have been seen."""
    from duskwatch.cli.flow_frames import UNSEEN_SECONDS, largest_rate
    from duskwatch.signals.traffic.bounds import unseen_below

    rates = [rate for one in collector.counts() if (rate := largest_rate(one, policy)) is not None]
    if rates and max(rates) > 1:
        below = unseen_below(max(rates), UNSEEN_SECONDS)
        _say(
            command,
            f"at 1:{max(rates)} a flood of {UNSEEN_SECONDS} s below {below:.3g} packets/s may leave no trace here "
            "(chance above 5 %)",
        )


def _say(command: str, text: str) -> None:
    print(f"duskwatch {command}: {text}", file=sys.stderr)
