"""The reference page of MRT reading against the program: keys, columns, limits."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from duskwatch.kernels import mrt
from duskwatch.records.elems import Kind, PeerTable
from duskwatch.sources.bgp.formats.elem_columns import SCHEMA
from duskwatch.sources.bgp.formats.elem_json import ElemObjects
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files import pieces as files
from duskwatch.sources.files import unpackers
from tests.sources.bgp.formats.random_mrt import record, records

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "reference" / "mrt.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_json_has_the_keys_of_the_page_and_no_others():
    told: dict[str, set[str]] = {}
    for keys, of, _ in rows("`--format json` and `--format jsonl`"):
        for key in re.findall(r"`(\w+)`", keys):
            told[key] = {"rib", "announce", "withdraw", "state"} if of == "all" else set(re.findall(r"\w+", of))
            if of == "others":
                told[key] = {"rib", "announce", "withdraw"}
    seen: dict[str, set[str]] = {}
    broken = record(1, 12, 1, bytes(20) + struct.pack("!HH", 1, 2) + b"\x40\x01")  # an attribute without its length
    peers = PeerTable()
    for block in MrtReader([b"".join([*records(1, 400), broken])], peers):
        shown = np.flatnonzero(block.kind <= Kind.STATE)
        for elem in ElemObjects().objects(block, peers, shown):
            for key in elem:
                seen.setdefault(key, set()).add(elem["type"])
    assert set(seen) == set(told)
    assert all(kinds <= told[key] for key, kinds in seen.items())


def test_parquet_differs_from_json_as_the_page_says():
    keys = {key for cells in rows("`--format json` and `--format jsonl`") for key in re.findall(r"`(\w+)`", cells[0])}
    assert set(SCHEMA) == keys - {"aggregator"} | {"aggregator_asn", "aggregator_ip"}


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("octets of a record", mrt.RECORD_LIMIT),
        ("MRT type", mrt.HIGHEST_TYPE),
        ("different peers in a file", mrt.PEER_LIMIT),
        ("octets of a BGP message", mrt.MESSAGE_LIMIT),
        ("octets of path attributes", mrt.ATTRIBUTES_LIMIT),
        ("RIB entries of a record", mrt.ENTRIES_LIMIT),
        ("session states", mrt.STATE_LIMIT),
        ("memory that an xz stream may ask for", unpackers.XZ_MEMORY >> 20),
        ("window of a zstd frame", unpackers.ZSTD_WINDOW >> 20),
        ("compressed streams in a row that hold nothing", files.EMPTY_STREAMS),
    ],
)
def test_limits_are_those_of_the_page(what, value):
    told = {cells[0]: cells[1] for cells in rows("Limits")}
    assert int(told[what].split()[0].replace(",", "")) == value
