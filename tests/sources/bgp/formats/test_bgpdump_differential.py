"""Lines against those of `bgpdump -m` (Debian's 1.6.2), on every real file of the shared folder.

The rule: where bgpdump reads a file without complaint, the lines are the same, but for what DIFFERENT names. Without
complaint means: exit code 0, and with -v (complaints go to stderr instead of syslog) no line on stderr but the notice
that says so. Where it complains (COMPLAINTS says of what), everything right that it prints is printed here as well.

Of the large folders and files a few are read; all of them with DUSKWATCH_ALL_FILES=1, which takes ten minutes.
"""

import gzip
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.attributes import decode_attributes
from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.pieces import open_pieces
from tests.conftest import ROOT

MRT = ROOT.parent / "shared" / "data" / "mrt"
LARGE_FOLDERS = ("route-views2-2008-02-19", "route-views2-2008-02-24", "rrc12-2021-01-01", "rrc06-2021-01-02")
EACH_OF_LARGE = 2
LARGE_FILES = ("route-views6-2015/rib.bz2",)  # bgpdump alone takes 18 s
# Zebra cut messages of more than 4096 octets off in these; what stands before the cut counts.
ALWAYS = ("updates.20080219.0952.bz2", "updates.20080219.1024.bz2")

# File to the record and the section of an RFC by which bgpdump is wrong, or reads less than there is.
DIFFERENT = {
    "updates.nlri_mask_trailing_bits.gz": "record 0: prints 11.13.0.0/13; RFC 4271 section 4.3: trailing bits do not "
    "matter. bgpdump's own test suite expects 11.8.0.0/13",
    "updates.19990903.1041.gz": "withdrawals of type BGP (RFC 6396 appendix B.2): prints the peer's address for "
    "every withdrawn prefix",
    "updates.19991214.1621.gz": "as updates.19990903.1041.gz",
    "updates.20000102.2014.gz": "as updates.19990903.1041.gz",
    # It complains of those below as well.
    "bird_bgp": "records 13 to 24: NLRI with path identifiers (RFC 7911 section 3) in subtype MESSAGE_AS4, which "
    "RFC 8050 section 3 has another subtype for; read as default routes",
    "bird6_bgp": "records 13 to 24: as in bird_bgp",
    "bview.20000111.0032.gz": "record 0 holds hundreds of entries (RFC 6396 section 4.2 allows one), and its header "
    "says four octets less than there are; bgpdump reads its first entry and nothing after",
    "updates.20000325.0345.gz": "record 4 is damaged; prints prefixes of length 0 to 255 out of it",
    "openbgpd_rib_table-mp": "all records: BGP4MP_ENTRY (RFC 6396 appendix B), which it does not read",
}

REFRESH = "bgp_message: MSG_ROUTE_REFRESH_01 not implemented yet"
OTHER_FAMILY = "process_mp_announce: unknown protocol(AFI=1, SAFI=128)!"
CUT_OFF = "bgpdump_read_next: incomplete dump record (N bytes read, expecting N)"
COMPLAINTS = {
    "bird-mrtdump_bgp": {REFRESH: 1},
    "bird6-mrtdump_bgp": {REFRESH: 1},
    "bird_bgp": {REFRESH: 1},
    "bird6_bgp": {REFRESH: 1},
    "openbgpd_bgp": {REFRESH: 4, OTHER_FAMILY: 6},
    "openbgpd_rib_table-mp": {"process_zebra_bgp_entry: record type not implemented yet": 31},
    "quagga_bgp": {REFRESH: 7, OTHER_FAMILY: 4, "process_mp_withdraw: unknown AFI,SAFI 1,128!": 2},
    "bview.20000111.0032.gz": {CUT_OFF: 1},
    "updates.20000325.0345.gz": {CUT_OFF: 1},
    "rib.20140523.0600_firstMB.bz2": {CUT_OFF: 1},
    "rib6.20151101.0600_firstMB.bz2": {CUT_OFF: 1},
}


def real_files() -> list[Path]:
    """Every MRT file of the folder; of the large ones a few, unless DUSKWATCH_ALL_FILES is set."""
    files = [
        path
        for path in sorted(MRT.rglob("*"))
        if path.is_file() and path.suffix not in (".md", ".rst", ".conf") and "test_expect" not in path.parts
    ]
    if os.environ.get("DUSKWATCH_ALL_FILES"):
        return files
    few = [path for path in files if path.parent.name not in LARGE_FOLDERS and not path.match("*/" + LARGE_FILES[0])]
    for folder in LARGE_FOLDERS:
        own = [path for path in files if path.parent.name == folder]
        few += own[:EACH_OF_LARGE] + [path for path in own[EACH_OF_LARGE:] if path.name in ALWAYS]
    return few


def ours(path: Path) -> list[str]:
    peers, text, lines = PeerTable(), BgpdumpText(), []
    for block in MrtReader(open_pieces(path), peers):
        lines += text.lines(block, peers, np.arange(len(block.time_us)))
    return lines


def theirs(path: Path) -> tuple[list[str], Counter[str]]:
    """Lines, and how often it complained of what."""
    done = subprocess.run(["bgpdump", "-v", "-m", str(path)], capture_output=True, text=True, timeout=300, check=True)
    complaints = Counter(
        re.sub(r"\(-?\d+ bytes read, expecting -?\d+\)", "(N bytes read, expecting N)", line.split("] ", 1)[-1])
        for line in done.stderr.splitlines()
        if line and "logging to" not in line
    )
    return done.stdout.splitlines(keepends=True), complaints


needs_bgpdump = pytest.mark.skipif(shutil.which("bgpdump") is None, reason="bgpdump is not installed")
named = {"ids": lambda path: f"{path.parent.name}/{path.name}"}


@needs_bgpdump
@pytest.mark.parametrize("path", [path for path in real_files() if path.name not in DIFFERENT], **named)
def test_lines_are_those_of_bgpdump(path):
    found = ours(path)
    expected, complaints = theirs(path)
    assert complaints == COMPLAINTS.get(path.name, {})
    for line, wanted in zip(found, expected, strict=False):
        assert line == wanted
    assert len(found) == len(expected)


@needs_bgpdump
@pytest.mark.parametrize("path", [path for path in real_files() if path.name in DIFFERENT], **named)
def test_where_lines_differ_bgpdump_still_does_what_is_said_of_it(path):
    expected, complaints = theirs(path)
    assert complaints == COMPLAINTS.get(path.name, {})
    assert ours(path) != expected, f"no difference any more: {DIFFERENT[path.name]}"


@pytest.mark.parametrize("path", sorted((MRT / "bgpdump" / "test_data").glob("*")), **named)
def test_lines_are_those_that_bgpdumps_own_tests_expect(path):
    expected = gzip.decompress((MRT / "bgpdump" / "test_expect" / f"{path.name}.bgp.gz").read_bytes()).decode()
    assert "".join(ours(path)) == expected


def test_real_files_are_here(shared_data):
    assert real_files()


@needs_bgpdump
@pytest.mark.parametrize("name", ["updates.19990903.1041.gz", "updates.19991214.1621.gz", "updates.20000102.2014.gz"])
def test_the_deprecated_type_differs_in_withdrawn_prefixes_only(shared_data, name):
    (path,) = shared_data.rglob(name)
    for line, other in zip(ours(path), theirs(path)[0], strict=True):
        if "|W|" in line:
            assert line.rsplit("|", 1)[0] == other.rsplit("|", 1)[0]
            assert line.rsplit("/", 1)[1] == other.rsplit("/", 1)[1]
        else:
            assert line == other


@needs_bgpdump
@pytest.mark.parametrize("name", ["bird_bgp", "bird6_bgp"])
def test_undeclared_path_identifiers_are_read_and_the_rest_is_equal(shared_data, name):
    path = shared_data / "mrt" / "daemons" / name
    found, other = ours(path), theirs(path)[0]
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


@needs_bgpdump
def test_of_a_damaged_record_come_the_announcements_before_it_and_nothing_made_up(shared_data):
    (path,) = shared_data.rglob("updates.20000325.0345.gz")
    found, other = ours(path), theirs(path)[0]
    assert found[2:] == other[2:4]  # the two withdrawals before them differ as in all records of type BGP
    assert [line.rsplit("|", 1)[1] for line in found[:2]] == ["24.216.16.0/24\n", "203.18.151.0/24\n"]
    assert {line.split("|")[3] for line in other[4:]} == {"0.5.0.3"}  # the type and length of a header in its middle


def test_entries_of_openbgpd_come_out(shared_data):
    lines = ours(shared_data / "mrt" / "daemons" / "openbgpd_rib_table-mp")
    assert len(lines) == 31
    assert all(line.startswith("BGP4MP|1444843446|B|") for line in lines)
