"""What a feed's reader counts, and when what it read happened."""

from collections import Counter
from dataclasses import dataclass, field

from duskwatch.records.times import MINUTE, SECOND

BAD_KEPT = 100
KINDS_KEPT = 1000  # names in a counter; hostile bytes can name more
OTHER = "others"
LATEST_US = (1 << 32) * SECOND  # time stamps have 32 bits of seconds
LAG_CLASSES = 32


@dataclass(frozen=True, slots=True)
class ClockRules:
    """How far a sender's clock is believed beside ours.

    A stamp more than ``ahead_us`` in the future is replaced by the time of receipt. One more than ``behind_us`` old is
    replaced too where ``old_is_now``: routers stamp a route of their first dump with the time at which they learned
    it, and many have no right clock; collectors of routing archives do have one, and what they send late is late.
    """

    ahead_us: int = 60 * SECOND
    behind_us: int = 15 * MINUTE
    old_is_now: bool = True


@dataclass(slots=True)
class StampCounts:
    """Messages whose stamp was not taken as it stood, or was odd."""

    missing: int = 0  # no stamp: the time of receipt is taken, or that of the message before
    ahead: int = 0  # in our future: the time of receipt is taken
    behind: int = 0  # old by the rules
    early: int = 0  # before the session that it belongs to: the session's start is taken


class Lag:
    """How long after an event it was received: a histogram of powers of two, in milliseconds."""

    __slots__ = ("classes", "count", "last_us", "most_us")

    def __init__(self) -> None:
        self.classes = [0] * LAG_CLASSES  # class k: less than 2**k ms, and not less than the class before
        self.count = 0
        self.last_us = 0
        self.most_us = 0

    def note(self, lag_us: int) -> None:
        """Count one message."""
        self.last_us = lag_us
        if lag_us > self.most_us:
            self.most_us = lag_us
        self.count += 1
        self.classes[min((max(lag_us, 0) // 1000).bit_length(), LAG_CLASSES - 1)] += 1

    def quantile_ms(self, share: float) -> int:
        """A bound that this share of all messages kept, in milliseconds (a power of two); 0 where there are none."""
        left = share * self.count
        for k, count in enumerate(self.classes):
            left -= count
            if left <= 0:
                return (1 << k) if self.count else 0
        return 1 << LAG_CLASSES


@dataclass(slots=True)
class FeedCounts:
    """Everything that a feed's reader took, and what became of it.

    ``unit`` says what a place counts: the byte at which a message begins, or the number of a frame.
    """

    unit: str = "byte"
    messages: int = 0
    octets: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # messages by type
    elems: int = 0
    bad: int = 0  # messages that do not follow their RFC or form
    first_bad: list[tuple[int, str]] = field(default_factory=list)  # place and reason, of the first BAD_KEPT
    unsupported: Counter[str] = field(default_factory=Counter)  # what says nothing that is read here
    left_out: Counter[str] = field(default_factory=Counter)  # what the reader was told not to read
    stamps: StampCounts = field(default_factory=StampCounts)
    lag: Lag = field(default_factory=Lag)

    def note_bad(self, place: int, reason: str) -> None:
        """Count a bad message."""
        self.bad += 1
        if len(self.first_bad) < BAD_KEPT:
            self.first_bad.append((place, reason))

    def note_unsupported(self, name: str, count: int = 1) -> None:
        """Count what is not read here."""
        bump(self.unsupported, name, count)

    def event_us(
        self, stamp_us: int, received_us: int | None, floor_us: int, last_us: int, rules: ClockRules | None
    ) -> int:
        """When the event was, by the sender's stamp (0: none) and the time of receipt (None: unknown).

        No earlier than ``floor_us``; ``last_us`` stands in where nothing else is known. Without rules stamps are taken
        as they are, as for a recorded file whose time of receipt says nothing.
        """
        stamps = self.stamps
        if not 0 < stamp_us < LATEST_US:
            stamps.missing += 1
            return max(last_us if received_us is None else received_us, floor_us)
        if received_us is not None:
            self.lag.note(received_us - stamp_us)
            if rules is not None:
                if stamp_us > received_us + rules.ahead_us:
                    stamps.ahead += 1
                    stamp_us = received_us
                elif stamp_us < received_us - rules.behind_us:
                    stamps.behind += 1
                    if rules.old_is_now:
                        stamp_us = received_us
        if stamp_us < floor_us:
            stamps.early += 1
            return floor_us
        return stamp_us


def bump(counter: Counter[str], name: str, count: int = 1) -> None:
    """Count under a name; past KINDS_KEPT names under OTHER."""
    if name not in counter and len(counter) >= KINDS_KEPT:
        name = OTHER
    counter[name] += count
