"""Collectors of feeds that send no tables: after a long break what they held is not known any more.

RIS Live says what changes and never what stands. A route that went while there was no connection would be taken to
stand until something is said of it: an outage would be hidden. So after a break of more than TRUST_US a collector is
known by another name, ``rrc00~2``, and learned from its updates as at the beginning; the old one is silent for good.
"""

from dataclasses import dataclass, field

from duskwatch.records.messages import Silence
from duskwatch.records.times import MINUTE

TRUST_US = 5 * MINUTE  # what changes in so short a time is soon said again, or was lost with few
LEARNED_ANEW = "its routes are not known since a break; they are learned anew"


@dataclass
class Breaks:
    """Which collectors had a break, and under which name each goes on. Picklable.

    names   by collector, the name under which it is folded now, where it is another
    silent  old names, each with the time up to which its silence was told
    ended   old names, each with the time at which it spoke last, or later
    """

    names: dict[str, str] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    _quiet: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # the last silence of each collector, from and until

    def name_of(self, collector: str) -> str:
        """Under which name a collector is folded."""
        return self.names.get(collector, collector)

    def silence(self, collector: str, message: Silence) -> None:
        """A collector was silent; pieces that touch are one."""
        before = self._quiet.get(collector)
        from_us = before[0] if before is not None and message.from_us <= before[1] else message.from_us
        self._quiet[collector] = from_us, message.until_us

    def heard(self, collector: str) -> bool:
        """A collector speaks; whether it goes on under a new name from now on."""
        from_us, until_us = self._quiet.pop(collector, (0, 0))
        if until_us - from_us <= TRUST_US:
            return False
        old = self.name_of(collector)
        self.silent[old] = self.ended[old] = until_us
        self.names[collector] = f"{collector}~{int(old.rpartition('~')[2]) + 1 if old != collector else 2}"
        return True
