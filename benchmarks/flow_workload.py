"""Datagrams of NetFlow 9 for the races of flows: seeded, shaped like those of a border router.

Four exporters, a template of 19 fields (52 octets a record, 26 records a datagram) that comes again every 500
datagrams, targets by Zipf's law out of a million: half of all flows go to some hundred of them.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.workloads import DATA

# Element and octets: addresses, next hop, interfaces, counts, times, ports, type of service, flags, protocol, masks.
FIELDS = (
    (8, 4), (12, 4), (15, 4), (10, 4), (14, 4), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2), (5, 1), (6, 1),
    (4, 1), (9, 1), (13, 1), (61, 1), (16, 4), (17, 4),
)  # fmt: skip
RECORD = np.dtype([(f"f{k}", f">u{octets}") for k, (_, octets) in enumerate(FIELDS)])
RECORDS = 26  # of one datagram
TEMPLATE_EVERY = 500
EXPORTERS = 4
TARGETS = 1_000_000
SECONDS = 1_700_000_000


def datagrams(flows: int, seed: int = 1, *, spread: bool = False) -> Iterator[tuple[int, bytes]]:
    """Exporter and datagram, one after the other. ``spread``: each target equally often, so that all are met."""
    chance = np.random.default_rng(seed)
    body = struct.pack("!HH", 256, len(FIELDS)) + b"".join(struct.pack("!HH", *field) for field in FIELDS)
    template = struct.pack("!HH", 0, 4 + len(body)) + body
    pad = bytes(-RECORDS * RECORD.itemsize % 4)
    head = struct.pack("!HH", 256, 4 + RECORDS * RECORD.itemsize + len(pad))
    sequences = [0] * EXPORTERS
    count = -(-flows // RECORDS)
    for first in range(0, count, 4096):
        many = min(4096, count - first)
        records = _records(chance, many * RECORDS, spread, first * RECORDS).reshape(many, RECORDS)
        for k in range(many):
            number = first + k
            exporter = number % EXPORTERS
            sets = head + records[k].tobytes() + pad
            with_template = sequences[exporter] % TEMPLATE_EVERY == 0
            if with_template:
                sets = template + sets
            uptime = 100_000_000 + number
            header = struct.pack(
                "!HHIIII", 9, RECORDS + with_template, uptime, SECONDS + number // 5000, sequences[exporter], 1
            )
            sequences[exporter] += 1
            yield exporter, header + sets


def _records(chance: np.random.Generator, count: int, spread: bool, first: int) -> np.ndarray:
    out = np.zeros(count, RECORD)
    rank = np.arange(first, first + count) % TARGETS if spread else chance.zipf(1.2, count) % TARGETS
    out["f0"] = chance.integers(1 << 24, 224 << 24, count)
    out["f1"] = (rank * 2_654_435_761 + (10 << 24)) % (1 << 32)
    out["f3"], out["f4"] = chance.integers(1, 64, count), chance.integers(1, 64, count)
    packets = chance.geometric(0.2, count)
    out["f5"], out["f6"] = packets, packets * chance.integers(40, 1500, count)
    end = 100_000_000 - chance.integers(0, 15_000, count)
    out["f7"], out["f8"] = end - chance.integers(0, 60_000, count), end
    out["f9"], out["f10"] = chance.integers(1024, 65536, count), chance.choice([53, 80, 443, 123, 22], count)
    out["f12"], out["f13"] = 24, chance.choice([6, 6, 6, 17], count)
    out["f17"], out["f18"] = chance.integers(1, 400_000, count), 64500
    return out


def capture(flows: int, *, spread: bool = False) -> Path:
    """A pcap file of the datagrams, made once."""
    path = DATA / f"flows-{flows}{'-spread' if spread else ''}.pcap"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(".part")
    with waiting.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for k, (exporter, datagram) in enumerate(datagrams(flows, spread=spread)):
            udp = struct.pack("!HHHH", 40000, 2055, 8 + len(datagram), 0) + datagram
            packet = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, 0xC0000201 + exporter, 9) + udp
            stamp = SECONDS + k // 5000, k % 5000 * 200
            file.write(struct.pack("<IIII", *stamp, len(packet), len(packet)) + packet)
    waiting.replace(path)
    return path
