"""Mutated datagrams, captures, files and lines through all readers, in a process of its own.

6,000 inputs by default. With DUSKWATCH_FUZZ_RECORDS=1000000 a million, and the kernels are compiled anew with Numba's
bounds checks, which takes half a minute. Each run is seeded and bounded in time and memory.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CHECKED = "DUSKWATCH_FUZZ_RECORDS" in os.environ
INPUTS = int(os.environ.get("DUSKWATCH_FUZZ_RECORDS", "3000"))
SECONDS = 240 + INPUTS // 200

PROGRAM = """
import random, resource, struct, sys, time
import numpy as np
from numba import njit
from duskwatch.kernels.flow_words import OPTIONS, u32
from duskwatch.records.flows import Export
from duskwatch.signals.traffic.rates import RateBins
from duskwatch.signals.traffic.targets import TargetSums
from duskwatch.sources.flows.captures import CaptureReader
from duskwatch.sources.flows.collector import Collector, Settings
from duskwatch.sources.flows.nfdump_file import NfdumpReader
from duskwatch.sources.flows.text import TextReader
from tests.sources.flows.exports import *
from tests.sources.flows.test_captures import EXPORT, pcap, pcapng
from tests.sources.flows.test_collector import OPTIONS as TOLD, SAMPLED
from tests.sources.flows.test_nfdump_file import EXPORTER, FOUR, SAMPLER, SIX, generic, record, written
from tests.sources.flows.test_text_reader import CSV, GOFLOW1, GOFLOW2, lines
from tests.kernels.test_flow_sflow import PACKETS, PREFIXES, fields4, gateway, expanded

@njit(**OPTIONS | {"cache": False})
def past_the_end(data, at):
    return u32(data, at)

if sys.argv[2] == "1":
    try:
        past_the_end(np.zeros(10, np.uint8), 8)
    except IndexError:
        pass
    else:
        raise SystemExit("bounds are not checked")

wanted, chance = int(sys.argv[1]), random.Random(20141222)
fields = [(e, o) for _, e, o in PLAIN] + [(48, 1), (10, 4), (160, 8), (61, 1), (88, 2), (231, 4), (232, 4), (27, 16)]
odd = [(371, 65535), (315, 65535), (8, 4), (1, 8, 29305), (152, 8), (154, 8), (82, 20)]
value = bytes(sum(o for _, o in fields))
frames = [prefix + packet for prefix in PREFIXES for packet in PACKETS]
raw = [netflow5([record5()] * 30), netflow5([record5()], sampling=100)]
for version in (9, 10):
    make = (lambda sets: netflow9(sets, 40)) if version == 9 else ipfix
    kind = 0 if version == 9 else 2
    raw.append(make([set_of(kind, template(300, fields)), set_of(300, value * 20)]))
    raw.append(make([set_of(kind, plain_template()), set_of(256, plain_record(src=1, dst=2) * 30)]))
    raw.append(make([set_of(256, plain_record(src=1, dst=2) * 30)]))
    for told, scopes, of, body in TOLD.values():
        if told == version:
            raw.append(make([set_of(kind + 1, options_template(400, scopes, of, version)), set_of(400, body * 3)]))
long = bytes([3, 1, 2, 3]) + b"\\xff\\x00\\x40" + frames[0][:64].ljust(64, b"\\0") + bytes(48)
raw.append(ipfix([set_of(2, template(301, odd)), set_of(301, long * 4)]))
raw.append(sflow([flow_sample([raw_header(chance.choice(frames), 1500), gateway([1, 2])]) for _ in range(6)]))
raw.append(sflow([expanded([fields4(1, 2)]), struct.pack("!II", 2, 8) + bytes(8)]))
files = [written([EXPORTER, SAMPLER, record([generic(), FOUR], flags=2), record([SIX, generic()])])]
captures = [pcap([EXPORT] * 3), pcapng([EXPORT] * 3), pcap(frames[:6], link=1)]
captures.append(pcapng(frames[:4], order=">", simple=True))
texts = [lines(GOFLOW2, GOFLOW1), CSV]

def mutated(data):
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        what = chance.randrange(6)
        at = chance.randrange(max(1, len(data) - 4))
        if what == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif what == 1:                                     # a length that lies
            data[at : at + 2] = chance.choice([0, 1, 3, 4, 255, 256, 4096, 65535]).to_bytes(2, "big")
        elif what == 2:
            data[at : at + 4] = chance.choice([0, 1, 2**31, 2**32 - 1, 48]).to_bytes(4, "big")
        elif what == 3:
            del data[chance.randrange(len(data)) :]
        elif what == 4:
            other = chance.choice(raw)
            data[at:at] = other[chance.randrange(len(other)) :][:100]
        else:
            data += chance.randbytes(chance.randrange(40))
        if not data:
            data = bytearray(b"\\0")
    return bytes(data)

collectors = [Collector(), Collector(Settings(inner=True, hold=False))]
sums, bins, flows, slowest = TargetSums(limit=2000), RateBins(60_000_000), 0, 0.0

def take(blocks):
    global flows
    for block in blocks:
        flows += block.rows
        assert (block.start_us <= block.end_us).all() and (block.sampling_rate >= 1).all()
        assert np.isin(block.afi, (1, 2)).all()
        sums.add(block)
        bins.add(block)

begun, settled = time.monotonic(), 0
for done in range(0, wanted, 20):
    begin = time.monotonic()
    datagrams = [mutated(chance.choice(raw)) if chance.random() < 0.9 else chance.choice(raw) for _ in range(16)]
    collector = chance.choice(collectors)
    take(collector.decode(batch(datagrams, sender=chance.randrange(40), port=chance.randrange(5))))
    reader = CaptureReader([mutated(chance.choice(captures))])
    for one in reader.datagrams():
        take(collector.decode(one))
    take(CaptureReader([mutated(chance.choice(captures))]).packets(inner=chance.random() < 0.5))
    take(NfdumpReader([mutated(chance.choice(files))]))
    text = chance.choice(texts)
    take(TextReader([mutated(text)], Export.CSV if text is CSV else Export.JSON))
    if done > 200:
        slowest = max(slowest, time.monotonic() - begin)
    elif done == 200:  # what compiling took is not what decoding takes
        settled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
table, rates = sums.table(), bins.table()
assert table.flows.sum() == flows
assert np.isfinite(table.octets_high).all() and (table.octets_low <= table.octets).all()
for collector in collectors:
    counts = collector.counts()
    assert all(one.flows >= 0 and one.lost_share <= 1 and one.unknown_sets >= 0 for one in counts)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = sum(sum(collector.refused.values()) for collector in collectors)
assert slowest < 5, slowest
assert peak - settled < 700_000, (settled, peak)
print(flows, refused, round(slowest, 3), peak)
"""


def test_mutated_input_is_decoded_or_refused_within_bounds(tmp_path: Path):
    program = tmp_path / "fuzz.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(INPUTS), str(int(CHECKED))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
        | ({"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")} if CHECKED else {}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    flows, refused, _, _ = (float(word) for word in done.stdout.split())
    assert flows > INPUTS
    assert refused > INPUTS / 10
