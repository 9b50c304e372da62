"""Mutated records through reader, path tails and routing state, with Numba's bounds checks on.

The kernels are compiled anew with bounds checks in a process of its own. 20,000 records by default;
DUSKWATCH_FUZZ_RECORDS=1000000 for a million. Each run is seeded and bounded in time.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

RECORDS = int(os.environ.get("DUSKWATCH_FUZZ_RECORDS", "20000"))
SECONDS = 60 + RECORDS // 500

PROGRAM = """
import random, sys, time
import numpy as np
from numba import njit
from duskwatch.kernels.aspath import path_tails
from duskwatch.kernels.mrt import OPTIONS, _u32
from duskwatch.records.elems import PeerTable, RibBlock
from duskwatch.records.messages import DumpBegin, DumpEnd
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.roll import close, roll
from duskwatch.signals.bgp.state import begin
from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.mrt import MrtReader
from tests.kernels.test_mrt import INDEX, RECORDS

@njit(**OPTIONS | {"cache": False})
def past_the_end(data, at):
    return _u32(data, at)

try:
    past_the_end(np.zeros(10, np.uint8), 8)
except IndexError:
    pass
else:
    raise SystemExit("bounds are not checked")

FAR = 4000 * 10**6

def everything(afi, hi, lo, length):
    return np.ones(len(afi), np.uint8)

wanted, chance, done, bad, elems, together = int(sys.argv[1]), random.Random(20141222), 0, 0, 0, 0
raw = [INDEX, *RECORDS.values()] + 4 * [INDEX, RECORDS["rib subtype 2"], RECORDS["rib subtype 4"]]
slowest = 0.0
while done < wanted:
    records = [bytearray(chance.choice(raw)) for _ in range(40)]
    for record in records:
        kind = chance.randrange(6)
        if kind == 0:                                       # bits turned over
            for _ in range(chance.randint(1, 8)):
                record[chance.randrange(len(record))] ^= 1 << chance.randrange(8)
        elif kind == 1:                                     # a length that lies
            at = chance.randrange(max(1, len(record) - 2))
            record[at : at + 2] = chance.choice([0, 1, 255, 256, 4096, 65535]).to_bytes(2, "big")
        elif kind == 2:                                     # cut off, its header corrected or not
            del record[chance.randrange(12, len(record) + 1) :]
            if chance.random() < 0.8:
                record[8:12] = (len(record) - 12).to_bytes(4, "big")
        elif kind == 3:                                     # a piece of another record in the middle
            other = chance.choice(raw)
            at, start = chance.randrange(12, len(record) + 1), chance.randrange(len(other))
            record[at:at] = other[start : start + chance.randrange(40)]
            record[8:12] = (len(record) - 12).to_bytes(4, "big")
        elif kind == 4:                                     # a random body
            record[12:] = chance.randbytes(len(record) - 12)
        # and some as they are
    data = b"".join(map(bytes, records))
    began = time.perf_counter()
    size = chance.choice([7, 100, 1 << 20])
    peers = PeerTable()
    reader = MrtReader([data[at : at + size] for at in range(0, len(data), size)], peers)
    state, _ = fold(begin("fuzz", 0, 300 * 10**6, everything), DumpBegin("fuzz", 0), FAR)
    text = BgpdumpText()
    for block in reader:
        rows = np.arange(len(block.time_us), dtype=np.int64)
        tails = np.zeros((3, len(rows)), np.uint32)
        path_tails(block.data, block.attr_start, block.attr_length, block.as_size, rows, *tails)
        state, log = fold(state, block, FAR)
        for _ in text.lines(block, peers, rows):
            pass
        elems += len(rows)
    state, log = fold(state, DumpEnd(reader.damage is None))
    assert (state.sizes >= 0).all()
    for block in MrtReader([data], peers):                  # and outside of a dump, with a roll
        state, log = fold(state, block, FAR)
    part, state = roll(state, 2000 * 10**6)
    assert len(part.log) == 0 or part.log.time_us.max() < 2000 * 10**6
    close(state, FAR)
    routes = MrtReader([data], PeerTable())                 # the same with records of a dump in one
    state, _ = fold(begin("fuzz", 0, 300 * 10**6, everything), DumpBegin("fuzz", 0), FAR)
    for block in routes.routes():
        state, log = fold(state, block, FAR)
        together += isinstance(block, RibBlock) and len(block.time_us)
    fold(state, DumpEnd(routes.damage is None))
    assert (routes.records, routes.bad_records) == (reader.records, reader.bad_records)
    if done > 1000:                                         # by then everything is compiled
        slowest = max(slowest, time.perf_counter() - began)
    bad += reader.bad_records
    done += reader.records  # what stands behind a broken header is not counted
print(done, "records", bad, "bad", elems, "elems", together, "of dumps; slowest 40 records", round(slowest, 3), "s")
assert bad > done // 20 and elems > done // 4 and together > done // 200, "the mutations miss their mark"
assert slowest < 5
"""


def test_mutated_records_crash_nothing_and_are_never_read_past_their_end(tmp_path: Path):
    environment = os.environ | {
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
    }
    command = [sys.executable, "-X", "faulthandler", "-c", PROGRAM, str(RECORDS)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS + 240, check=False, env=environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    print(done.stdout)
