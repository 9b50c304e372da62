"""Which collectors of a feed are silent, since when, and what of that was reported."""

from collections.abc import Iterator

from duskwatch.records.messages import Silence
from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.live.messages import FeedSilence

PIECE_US = 10 * SECOND


class Silences:
    """Silences that go on. Each is reported in pieces of at least ``PIECE_US``; the last one may be shorter."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}  # collector to the time up to which its silence was reported
        self._reasons: dict[str, str] = {}
        self._reported: dict[str, int] = {}  # collector to the end of the last piece

    def __contains__(self, collector: str) -> bool:
        return collector in self._since

    def begin(self, collector: str, from_us: int, reason: str) -> None:
        """Nothing was received of a collector from this time on; one that is silent already stays so."""
        self._since.setdefault(collector, max(from_us, self._reported.get(collector, 0)))
        self._reasons[collector] = reason

    def tell(self, until_us: int, *, all_of_it: bool = False) -> Iterator[FeedSilence]:
        """The pieces of all silences up to a time; also short ones where it is asked for."""
        for collector, since in self._since.items():
            if until_us - since >= (1 if all_of_it else PIECE_US):
                self._since[collector] = self._reported[collector] = until_us
                yield FeedSilence(collector, Silence(since, until_us, self._reasons[collector]))

    def end(self, collector: str, until_us: int) -> Iterator[FeedSilence]:
        """A collector is heard again; its last piece."""
        since = self._since.pop(collector, None)
        if since is not None and since < until_us:
            self._reported[collector] = until_us
            yield FeedSilence(collector, Silence(since, until_us, self._reasons[collector]))

    def end_all(self, until_us: int) -> Iterator[FeedSilence]:
        """All collectors are heard again."""
        for collector in list(self._since):
            yield from self.end(collector, until_us)
