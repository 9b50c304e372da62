"""Lines against those of `bgpdump -m` (Debian's 1.6.2), on every real file that it reads without complaint.

Without complaint means: exit code 0, and nothing on stderr but the notice that it logs to syslog. On some of those
files bgpdump is wrong by the RFC, or reads less than there is; WRONG names each with the record and the section.
"""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.attributes import decode_attributes
from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.transports.files import open_pieces
from tests.conftest import ROOT

MRT = ROOT.parent / "shared" / "data" / "mrt"
LARGE_FOLDERS = ("route-views2-2008-02-19", "route-views2-2008-02-24", "rrc12-2021-01-01", "rrc06-2021-01-02")
EACH_OF_LARGE = 2
# Zebra cut messages of more than 4096 octets off in these; what stands before the cut counts.
ALWAYS = ("updates.20080219.0952.bz2", "updates.20080219.1024.bz2")

WRONG = {
    "updates.nlri_mask_trailing_bits.gz": "record 0: prints 11.13.0.0/13; RFC 4271 section 4.3: trailing bits do not "
    "matter. bgpdump's own test suite expects 11.8.0.0/13",
    "bird_bgp": "records 13 to 24: NLRI with path identifiers (RFC 7911 section 3) in subtype MESSAGE_AS4, which "
    "RFC 8050 section 3 has another subtype for; read as default routes",
    "bird6_bgp": "records 13 to 24: as in bird_bgp",
    "bview.20000111.0032.gz": "record 0 holds hundreds of entries (RFC 6396 section 4.2 allows one), and its header "
    "says four octets less than there are; bgpdump reads its first entry and nothing after",
    "openbgpd_rib_table-mp": "every record is a BGP4MP_ENTRY (RFC 6396 appendix B), which bgpdump does not read",
    "updates.20000325.0345.gz": "record 1 is damaged; bgpdump prints prefixes of length 0 to 255 out of it",
    "updates.19990903.1041.gz": "withdrawals of type BGP (RFC 6396 appendix B.2): prints the peer's address for "
    "every withdrawn prefix",
    "updates.19991214.1621.gz": "as updates.19990903.1041.gz",
    "updates.20000102.2014.gz": "as updates.19990903.1041.gz",
}


def real_files() -> list[Path]:
    """Every MRT file of the folder; of the large folders a few, unless DUSKWATCH_ALL_FILES is set."""
    files = [
        path
        for path in sorted(MRT.rglob("*"))
        if path.is_file() and path.suffix not in (".md", ".rst", ".conf") and "test_expect" not in path.parts
    ]
    if os.environ.get("DUSKWATCH_ALL_FILES"):
        return files
    few: list[Path] = [path for path in files if path.parent.name not in LARGE_FOLDERS]
    for folder in LARGE_FOLDERS:
        own = [path for path in files if path.parent.name == folder]
        few += own[:EACH_OF_LARGE] + [path for path in own[EACH_OF_LARGE:] if path.name in ALWAYS]
    return few


def ours(path: Path) -> list[str]:
    peers, text, lines = PeerTable(), BgpdumpText(), []
    for block in MrtReader(open_pieces(path), peers):
        lines += text.lines(block, peers, np.arange(len(block.time_us)))
    return lines


def theirs(path: Path) -> list[str]:
    done = subprocess.run(["bgpdump", "-m", str(path)], capture_output=True, timeout=300, check=False)
    complaints = [line for line in done.stderr.splitlines() if line and b"logging to syslog" not in line]
    if done.returncode or complaints:
        pytest.skip(f"bgpdump complains of {path.name}")
    return done.stdout.decode().splitlines(keepends=True)


needs_bgpdump = pytest.mark.skipif(shutil.which("bgpdump") is None, reason="bgpdump is not installed")


@needs_bgpdump
@pytest.mark.parametrize(
    "path", [p for p in real_files() if p.name not in WRONG], ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_lines_are_those_of_bgpdump(path):
    found, expected = ours(path), theirs(path)
    assert len(found) == len(expected)
    for line, wanted in zip(found, expected, strict=True):
        assert line == wanted


@pytest.mark.parametrize("name", sorted(p.name for p in (MRT / "bgpdump" / "test_data").glob("*")))
def test_lines_are_those_that_bgpdumps_own_tests_expect(name):
    expected = gzip.decompress((MRT / "bgpdump" / "test_expect" / f"{name}.bgp.gz").read_bytes()).decode()
    assert "".join(ours(MRT / "bgpdump" / "test_data" / name)) == expected


def test_real_files_are_here(shared_data):
    assert real_files()


@needs_bgpdump
@pytest.mark.parametrize("name", ["updates.19990903.1041.gz", "updates.19991214.1621.gz", "updates.20000102.2014.gz"])
def test_the_deprecated_type_differs_in_withdrawn_prefixes_only(shared_data, name):
    (path,) = shared_data.rglob(name)
    for line, other in zip(ours(path), theirs(path), strict=True):
        if "|W|" in line:
            assert line.rsplit("|", 1)[0] == other.rsplit("|", 1)[0]
            assert line.rsplit("/", 1)[1] == other.rsplit("/", 1)[1]
        else:
            assert line == other


@needs_bgpdump
@pytest.mark.parametrize("name", ["bird_bgp", "bird6_bgp"])
def test_undeclared_path_identifiers_are_read_and_the_rest_is_equal(shared_data, name):
    path = shared_data / "mrt" / "daemons" / name
    found, other = ours(path), theirs(path)
    assert [line for line in found if "|STATE|" in line] == [line for line in other if "|STATE|" in line]
    assert not any("|0.0.0.0/0|" in line or "|::/0|" in line for line in found)
    assert len([line for line in found if "|A|" in line]) == 14


def test_an_aggregator_of_openbgpd_is_bgpdumps_in_lines_and_its_own_in_attributes(shared_data):
    """openbgpd_rib_table, record 0: an AGGREGATOR of eight octets in a record of two-octet AS numbers.

    By RFC 7606 section 7.7 its length is wrong; the lines have what bgpdump makes of it.
    """
    path = shared_data / "mrt" / "daemons" / "openbgpd_rib_table"
    assert ours(path)[0].endswith("|NAG|0 253.232.192.168|\n")
    peers = PeerTable()
    block = next(iter(MrtReader(open_pieces(path), peers)))
    raw = block.data[block.attr_start[0] : block.attr_start[0] + block.attr_length[0]].tobytes()
    assert decode_attributes(raw, int(block.as_size[0])).aggregator == (65000, "192.168.0.15")


def test_all_entries_of_a_batched_dump_come_out(shared_data):
    """RIS's first table dumps: 452,018 entries, of which bgpdump reads one."""
    (path,) = shared_data.rglob("bview.20000111.0032.gz")
    lines = ours(path)
    assert len(lines) == 452018
    assert (
        lines[0] == "TABLE_DUMP|947550744|B|204.152.166.29|3549|3.0.0.0/8|3549 701 80|IGP|204.152.166.29|0|0||NAG||\n"
    )
    assert all(line.startswith("TABLE_DUMP|9475") for line in lines)
