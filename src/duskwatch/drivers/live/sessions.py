"""Sessions that are not taken to last: what a state knew of them is told to be over."""

from collections.abc import Iterator

from duskwatch.records.elems import ElemBlock, PeerTable
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_table import ESTABLISHED, IDLE, FeedTable, PeerHead


def sessions_down(collector: str, peers: PeerTable, at_us: int) -> Iterator[ElemBlock]:
    """Blocks that take all sessions of a collector down at a time."""
    table = FeedTable(collector)
    for place, (asn, high, low, afi) in enumerate(peers.rows()):
        address = (high << 64 | low).to_bytes(16, "big")
        table.add_state(at_us, PeerHead(asn, address[:4] if afi == 1 else address), ESTABLISHED, IDLE, place)
    for block in table.blocks(FeedCounts()):
        yield block.message
