"""Races flow records decoded and summed per target: beside nfcapd (Debian) and netflow (PyPI), in the same run.

`python -m benchmarks.external.flows [--quick] [--json FILE]`. nfcapd reads from the network alone, so the datagrams of
one workload are sent over loopback to it and to `duskwatch flows listen`, no faster than both can take them; what is
compared is flows received per second of processor time, of the whole process. netflow (PyPI) decodes a slice from
memory and sums in a dictionary. A capture of the same datagrams is read as well, and one with a million targets.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.flow_workload import TARGETS, capture, datagrams
from benchmarks.measure import ROOT, best_of, duskwatch, machine, run, table, warm

AIMS = {"nfcapd": 0.5, "netflow (PyPI)": 5.0}  # times their flows per processor second
PACE = 25_000  # datagrams a second: with 26 flows each, what both take without loss beside the sender
SETTLE = 1.0


class Measured(NamedTuple):
    """One program: flows it got, processor seconds, peak of its memory."""

    program: str
    flows: int
    cpu_s: float
    peak_bytes: int

    @property
    def rate(self) -> float:
        """Flows per second of processor time."""
        return self.flows / self.cpu_s


def listener(flows: int) -> Measured:
    """`duskwatch flows listen`, all of it: start, decoding, sums, the table."""
    command = [duskwatch(), "flows", "listen", "--bind", "127.0.0.1:0", "--json", "--top", "10"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment())
    assert process.stderr is not None
    port = int(process.stderr.readline().rpartition(b":")[2])
    _send(flows, port)
    process.send_signal(2)
    output = _finish(process)
    got = sum(exporter["flows"] for exporter in json.loads(output[0])["exporters"])
    return Measured("duskwatch flows listen", got, *output[1:])


def nfcapd(flows: int) -> Measured:
    """nfcapd, writing its file; what it got is what nfdump finds in it."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = ["nfcapd", "-w", folder, "-b", "127.0.0.1", "-p", str(port), "-t", "3600", "-B", str(64 << 20)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(SETTLE)
        _send(flows, port)
        process.terminate()
        _, cpu_s, peak = _finish(process)
        said = subprocess.run(["nfdump", "-R", folder, "-I"], capture_output=True, text=True, check=True).stdout
        got = sum(int(line.split()[1]) for line in said.splitlines() if line.startswith("Flows:"))
        return Measured("nfcapd", got, cpu_s, peak)


def _finish(process: subprocess.Popen[bytes]) -> tuple[bytes, float, int]:
    """What a process printed, its processor time and the peak of its memory."""
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _send(flows: int, port: int) -> None:
    """Send the workload at an even pace, each exporter from a port of its own."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
    begun = time.monotonic()
    for k, (exporter, datagram) in enumerate(datagrams(flows)):
        if k % 64 == 0:
            ahead = k / PACE - (time.monotonic() - begun)
            if ahead > 0:
                time.sleep(ahead)
        sockets[exporter].sendto(datagram, ("127.0.0.1", port))
    time.sleep(SETTLE)
    for sock in sockets:
        sock.close()


PYPI = """
import resource, sys, time
from benchmarks.flow_workload import datagrams
from netflow import parse_packet
made = [datagram for _, datagram in datagrams(int(sys.argv[1]))]
templates, sums, flows = {"netflow": {}, "ipfix": {}}, {}, 0
begun = time.process_time()
for datagram in made:
    for flow in parse_packet(datagram, templates).flows:
        data = flow.data
        target = data["IPV4_DST_ADDR"]
        sums[target] = sums.get(target, 0) + data["IN_BYTES"]
        flows += 1
print(flows, time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def pypi(flows: int) -> Measured:
    """netflow of PyPI: decoding and a dictionary of sums alone, without its start."""
    said = run([sys.executable, "-c", PYPI, str(flows)], capture=True).output.split()
    return Measured("netflow (PyPI)", int(said[0]), float(said[1]), int(said[2]))


def files(flows: int, rounds: int) -> list[Measured]:
    """Captures, read by the whole program: as the race has it, and with a million targets."""
    found = []
    for spread, name in ((False, "duskwatch flows targets, a capture"), (True, f"the same, {TARGETS:,} targets")):
        path = capture(max(flows, TARGETS + 26) if spread else flows, spread=spread)
        warm([path])
        count = max(flows, TARGETS + 26) if spread else flows
        command = [duskwatch(), "flows", "targets", str(path), "--top", "10", "--quiet"]
        best = best_of(rounds, {"it": lambda command=command: run(command)})["it"]
        found.append(Measured(name, -(-count // 26) * 26, best.cpu_s, best.peak_bytes))
    return found


def race(flows: int, slice_: int, rounds: int) -> list[Measured]:
    """All programs; of those that listen the best of some rounds, in turns."""
    run([duskwatch(), "flows", "targets", str(capture(26_000))])  # kernels are compiled once, at the first start
    heard: dict[str, Measured] = {}
    for _ in range(rounds):
        for once in (listener, nfcapd) if shutil.which("nfcapd") else (listener,):
            measured = once(flows)
            if measured.program not in heard or measured.rate > heard[measured.program].rate:
                heard[measured.program] = measured
    return [*heard.values(), pypi(slice_), *files(flows, rounds)]


def markdown(found: list[Measured]) -> str:
    """The race as a table."""
    ours = found[0]
    rows = []
    for one in found:
        factor = "" if one is ours else f"{ours.rate / one.rate:.2f}"
        aim = f" (aim {AIMS[one.program]:g})" if one.program in AIMS else ""
        rows.append(
            [one.program, f"{one.flows / 1e6:.2f}", f"{one.cpu_s:.2f}", f"{one.rate / 1e6:.2f}",
             f"{one.peak_bytes / 1e6:.0f}", factor + aim]
        )  # fmt: skip
    head = ["program", "M flows", "processor s", "M flows per processor s", "peak MB", "`flows listen` is faster by"]
    return table(head, rows)


def main() -> None:
    """Run the race, print it, and keep it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small workload, one round")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    found = race(520_000, 26_000, 1) if options.quick else race(13_000_000, 260_000, 3)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "rows": [one._asdict() for one in found]}, indent=1))
    print(markdown(found))


if __name__ == "__main__":
    main()
