"""How `duskwatch feed` prints: elems and events of feeds, and what there is to say about how they were read."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from duskwatch.records.elems import Damage
from duskwatch.sources.bgp.formats.bgpdump import BgpdumpText
from duskwatch.sources.bgp.formats.elem_json import ElemObjects
from duskwatch.sources.bgp.formats.feed_counts import FeedCounts
from duskwatch.sources.bgp.formats.feed_events import FeedEvent
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.live.bmp_station import BmpStation
from duskwatch.sources.bgp.live.messages import FeedSilence

BAD_SHOWN = 3
KINDS_SHOWN = 8
# Names of events as they are printed, by class.
NAMES = {
    "RouterInfo": "router", "RouterClosed": "router-closed", "SessionUp": "session-up", "SessionDown": "session-down",
    "EndOfRib": "end-of-rib", "StatisticsReport": "statistics", "FeedError": "feed-error", "FeedSilence": "silence",
}  # fmt: skip


class FeedOutput:
    """Prints what is wanted, until ``done``: ``count`` lines were printed."""

    def __init__(
        self, format_: str, events: bool, collectors: frozenset[str], wanted: Any, count: int | None = None
    ) -> None:
        self.done = False
        self._format, self._events, self._collectors, self._wanted = format_, events, collectors, wanted
        self._left = count
        self._text, self._objects = BgpdumpText(), ElemObjects()
        self._printed = 0

    def __enter__(self) -> Self:
        if self._format == "json":
            sys.stdout.write("[")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._format == "json" and kind is not BrokenPipeError:
            sys.stdout.write("\n]\n" if self._printed else "]\n")

    def add(self, blocks: Sequence[FeedBlock], events: Sequence[FeedEvent | FeedSilence]) -> None:
        """Print a batch."""
        if self._events:
            self._write(_event_line(event) for event in events if self._asked(getattr(event, "collector", "")))
            return
        for name, block in blocks:
            peers = block.peers
            if not self._asked(name) or peers is None:
                continue
            rows = self._wanted.rows(block, peers)
            if not len(rows):
                continue
            if self._format == "text":
                self._write(self._text.lines(block, peers, rows))
            else:
                begin = f'{{"collector":{json.dumps(name)},'
                self._write(begin + line[1:] for line in self._objects.lines(block, peers, rows))

    def message(self, message: FeedBlock | FeedEvent | FeedSilence) -> None:
        """Print one message of a live feed, at once."""
        if isinstance(message, FeedBlock):
            self.add([message], [])
        else:
            self.add([], [message])
        sys.stdout.flush()

    def _asked(self, collector: str) -> bool:
        return not self._collectors or collector in self._collectors

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            if self._left is not None:
                if self._left == 0:
                    self.done = True
                    return
                self._left -= 1
            if self._format == "json":
                line = (",\n" if self._printed else "\n") + line.rstrip("\n")
            sys.stdout.write(line)
            self._printed += 1
        self.done = self.done or self._left == 0


def _event_line(event: FeedEvent | FeedSilence) -> str:
    if isinstance(event, FeedSilence):
        fields = {"collector": event.collector, **dataclasses.asdict(event.message)}
    else:
        fields = dataclasses.asdict(event)
    out: dict[str, Any] = {"type": NAMES[type(event).__name__]}
    for name, value in fields.items():
        if name.endswith("_us"):
            out[name[:-3]] = value / 1e6
        elif isinstance(value, dict):
            out[name] = {"/".join(map(str, key)) if isinstance(key, tuple) else str(key): n for key, n in value.items()}
        else:
            out[name] = value
    return json.dumps(out, separators=(",", ":")) + "\n"


def say_counts(command: str, name: str, counts: FeedCounts, damage: Damage | None, unread: dict[str, int]) -> bool:
    """Say on stderr what was read of a feed and what was wrong with it; whether anything was."""
    about = f"duskwatch {command}: {'standard input' if name == '-' else name}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.kinds.most_common(KINDS_SHOWN) if kind != "none")
    print(
        f"{about}: {counts.messages} messages ({kinds or 'none that is known'}), {counts.elems} elems", file=sys.stderr
    )
    for place, reason in counts.first_bad[:BAD_SHOWN]:
        print(f"{about}: bad message at {counts.unit} {place}: {reason}", file=sys.stderr)
    if counts.bad > BAD_SHOWN:
        print(f"{about}: {counts.bad} bad messages in all", file=sys.stderr)
    for what, some in (("are not read here", counts.unsupported), ("were left out as asked", counts.left_out)):
        if some:
            shown = ", ".join(f"{count} {kind}" for kind, count in some.most_common(KINDS_SHOWN))
            print(f"{about}: messages that {what}: {shown}", file=sys.stderr)
    stamps = counts.stamps
    for count, what in (
        (stamps.missing, "have no time stamp"),
        (stamps.ahead, "are stamped in the future; the time of receipt is used"),
        (stamps.behind, "are stamped long ago; the time of receipt is used"),
        (stamps.early, "are stamped before their session began; its beginning is used"),
    ):
        if count:
            print(f"{about}: {count} messages {what}", file=sys.stderr)
    for what, count in unread.items():
        if count:
            print(f"{about}: {count} {what}", file=sys.stderr)
    if damage is not None:
        print(f"{about}: damaged at {damage}", file=sys.stderr)
    return bool(counts.bad or damage is not None)


def say_station(command: str, station: BmpStation) -> None:
    """Say on stderr which routers were heard and which were refused."""
    for router in station.routers.values():
        say_counts(command, router.name, router.reader.counts, None, {})
        if router.ended:
            print(f"duskwatch {command}: {router.name}: the connection ended: {router.ended}", file=sys.stderr)
    for address, count in station.refused.most_common(KINDS_SHOWN):
        print(f"duskwatch {command}: {address}: refused {count} times; --allow names networks", file=sys.stderr)
