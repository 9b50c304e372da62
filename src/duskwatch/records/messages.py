"""What a source of routes tells of one collector, message by message: archives, feeds and monitored routers alike.

A source is an iterator of messages of one collector. The fold of routes takes them one after the other and knows of no
file, no name and no socket. Order and promises:

- **Blocks** (``ElemBlock``, ``RibBlock``) come in the order in which the collector recorded them. Elems of one peer are
  in the order in which the peer said them, give or take some minutes; peers may interleave in any way.
- ``DumpBegin``, blocks, ``DumpEnd`` are one table dump. Between the two come blocks of that dump and nothing else. A
  ``RibBlock`` comes nowhere else. A source that fails in a dump sends ``DumpEnd(complete=False)``.
- ``FileSpan`` says which time the blocks up to the next ``InputDone`` should lie in, where the source has other
  knowledge of it than the records themselves, such as the name of a file. Without it times are believed. One more of
  the same name and beginning sets the end anew: the records go on behind the first one without a break.
- ``Silence`` is sent as soon as a stretch is known of which nothing usable was recorded, ahead of what was recorded
  after it, and ahead of a table dump taken after it. A silence that goes on comes piece by piece; pieces that touch
  are one.
- ``InputDone`` ends an input (a file, a connection) and tells what was in it. Every input that was opened has one.

A source makes no promise that times are right, that elems are new, or that there is any message at all.
"""

from dataclasses import dataclass

from duskwatch.records.elems import ElemBlock, RibBlock
from duskwatch.records.report import InputFile
from duskwatch.records.times import iso


@dataclass(frozen=True, slots=True)
class DumpBegin:
    """The blocks that follow, up to DumpEnd, are a table dump. Sent once its first record was read."""

    name: str  # of the file or feed, for people
    time_us: int  # the time in its first record
    named_us: int | None = (
        None  # the time at which it was taken by other knowledge, such as its name; None: there is none
    )


@dataclass(frozen=True, slots=True)
class DumpEnd:
    """The table dump is over. ``complete`` False: it was cut off, and nothing follows from what it lacks."""

    complete: bool


@dataclass(frozen=True, slots=True)
class FileSpan:
    """Which time the input that begins covers, as its name says; ``until_us`` None where that is not known."""

    name: str
    from_us: int
    until_us: int | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing usable was recorded in [from_us, until_us): a missing file, a damaged one, a feed that was down."""

    from_us: int
    until_us: int
    reason: str  # as gaps tell it: "missing file"

    def __post_init__(self) -> None:
        if not self.from_us < self.until_us:
            raise ValueError(f"a silence ends ({iso(self.until_us)}) after it begins ({iso(self.from_us)})")


@dataclass(frozen=True, slots=True)
class InputDone:
    """One input was read to its end, or as far as it could be."""

    input: InputFile


Message = ElemBlock | RibBlock | DumpBegin | DumpEnd | FileSpan | Silence | InputDone
