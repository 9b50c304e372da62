"""Attack captures replayed through softflowd at several sampling rates: nothing is lost, and the error bars hold."""

import shutil
import subprocess
from pathlib import Path

import pytest

from duskwatch.records.flows import RateSource
from duskwatch.signals.traffic.targets import TargetSums, TargetTable
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.flows.captures import CaptureReader
from duskwatch.sources.flows.collector import Collector
from duskwatch.sources.flows.listen import Bind, Listener

pytestmark = pytest.mark.skipif(not shutil.which("softflowd"), reason="softflowd is not installed")
VICTIM = 0x0A0A0A0A << 32
SMALL, LARGE = "amp.UDP.isakmp.pcap", "pkt.TCP.synflood.spoofed.pcap"


def replayed(path: Path, version: int, rate: int) -> tuple[Collector, TargetTable]:
    """What a collector hears when softflowd exports the flows of a capture."""
    collector, sums = Collector(), TargetSums()
    with Listener([Bind("127.0.0.1", 0)]) as listener:
        where = f"127.0.0.1:{listener.sockets[0].bind.port}"
        sampling = ["-s", str(rate)] if rate > 1 else []
        subprocess.run(
            ["softflowd", "-r", str(path), "-n", where, "-v", str(version), "-d", "-m", "100000", *sampling],
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        for batch in listener.drain():
            for block in collector.decode(batch):
                sums.add(block)
        if listener.sockets[0].dropped:
            pytest.skip("the system's buffer is too small for the burst")
    return collector, sums.table(1)


def packets_of(path: Path) -> int:
    """Packets to the victim in the capture itself."""
    sums = TargetSums()
    for block in CaptureReader(open_pieces(path)).packets():
        sums.add(block)
    table = sums.table(1)
    assert table.hi[0] == VICTIM
    return int(table.packets[0])


@pytest.mark.parametrize("rate", [1, 100, 1000])
@pytest.mark.parametrize(("name", "version"), [(SMALL, 5), (SMALL, 9), (SMALL, 10), (LARGE, 9)])
def test_a_replayed_attack_is_sized_within_its_error_bars(name, version, rate, shared_data):
    path = shared_data / "flows" / "attacks" / name
    true = packets_of(path)
    collector, table = replayed(path, version, rate)
    assert table.hi[0] == VICTIM
    assert table.packets_low[0] <= true <= table.packets_high[0]
    (counts,) = collector.counts()
    assert not collector.refused
    assert (counts.lost_datagrams, counts.lost_records, counts.unknown_sets) == (0, 0, 0)
    if rate == 1:
        assert table.packets_low[0] == table.packets_high[0] == true
    else:
        source = RateSource.DECLARED if version == 5 else RateSource.LEARNED
        assert [(sampler.rate, sampler.source) for sampler in counts.samplers] == [(rate, source)]
        assert counts.by_source[source] == counts.flows
