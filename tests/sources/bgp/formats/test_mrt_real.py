"""Rules that must cost nothing: real archives hold no announcement that they would take for a withdrawal or move."""

from pathlib import Path

import numpy as np

from duskwatch.records.elems import Kind, Mark, MessageType, PeerTable
from duskwatch.sources.bgp.archives.order import in_order
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.pieces import open_pieces

FOLDERS = (
    "route-views2-2008-02-24",
    "rrc12-2021-01-01",
    "rrc06-2021-01-02",
    "jinx-rrc06-2014-05-30",
    "small",
    "bgpdump/test_data",
    "historic-ris",
)
ESTABLISHED = 6


def test_no_real_announcement_is_malformed_or_out_of_order(shared_data: Path) -> None:
    announced = malformed = late = 0
    for path in (path for folder in FOLDERS for path in sorted((shared_data / "mrt" / folder).rglob("*.[gb]z*"))):
        for block in MrtReader(open_pieces(path), PeerTable()):
            announced += int(np.count_nonzero(block.kind == Kind.ANNOUNCE))
            malformed += int(np.count_nonzero(block.marks & Mark.MALFORMED))
            late += in_order(block)[1] if not (block.kind == Kind.RIB).any() else 0
    assert announced > 4_000_000
    assert (malformed, late) == (0, 0)


def test_a_real_open_comes_while_the_session_is_down(shared_data: Path) -> None:
    peers, state, opens = PeerTable(), {}, 0
    for path in sorted((shared_data / "mrt" / "rrc12-2021-01-01").rglob("*.gz")):
        for block in MrtReader(open_pieces(path), peers):
            rows = np.flatnonzero(
                (block.kind == Kind.STATE) | ((block.kind == Kind.ALIVE) & (block.state == MessageType.OPEN))
            )
            for row in rows.tolist():
                peer, told = int(block.peer[row]), int(block.state[row])
                if block.kind[row] == Kind.STATE:
                    state[peer] = told & 255
                else:
                    opens += 1
                    assert state.get(peer) != ESTABLISHED
    assert opens == 38
