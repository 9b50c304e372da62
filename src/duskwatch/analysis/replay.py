"""The archive files of a window, folded collector by collector. No entity is looked at yet."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duskwatch.records.errors import InputError
from duskwatch.records.messages import InputDone, Message
from duskwatch.records.report import InputFile
from duskwatch.records.times import DAY, MINUTE, iso, span_text
from duskwatch.signals.bgp.artefacts.heard import Heard
from duskwatch.signals.bgp.collector_part import CollectorPart, strangers
from duskwatch.signals.bgp.fold import fold
from duskwatch.signals.bgp.full_feed import lacks
from duskwatch.signals.bgp.roll import close
from duskwatch.signals.bgp.state import JITTER_US, Watch, begin
from duskwatch.sources.bgp.archives.find import (
    ArchiveError,
    ArchiveFile,
    find_files,
    passed_over,
    select,
    touches,
    unusable_updates,
)
from duskwatch.sources.bgp.archives.read import messages, open_ahead
from duskwatch.sources.bgp.formats.reenactment import most_telling

BIN_US = 5 * MINUTE

Progress = Callable[[str, int, int], None]
"""Told the file being read, stored bytes done and stored bytes in all."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is analysed: [from_us, until_us), in bins. InputError where that is nothing."""

    from_us: int
    until_us: int
    bin_us: int = BIN_US

    def __post_init__(self) -> None:
        if not self.from_us < self.until_us:
            raise InputError(
                f"the window ends ({iso(self.until_us)}) before it begins ({iso(self.from_us)}); "
                "swap --from and --until"
            )
        if self.bin_us <= 0:
            raise InputError(f"bins of {self.bin_us} us: they are longer than nothing")


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read; it changes no result."""

    threads: int = 2  # 1, or one that folds and the others that unpack ahead
    memory: int = 0  # bytes that unpacking ahead may take; 0: as many files as threads
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """What reading the files of a window gave, before any entity is looked at.

    The parts begin at ``since_us``: with the window, or with the records that had to be read before it.
    """

    window: Window
    parts: tuple[CollectorPart, ...]
    inputs: tuple[InputFile, ...]
    warnings: tuple[str, ...]
    reenactment: str = ""  # what the files say of themselves, where any of them was generated
    lead_us: int = 0  # so long before the window the parts begin, whole bins
    earlier: bool = False  # there are files of the day before that were not read

    @property
    def from_us(self) -> int:
        """Start of the window."""
        return self.window.from_us

    @property
    def since_us(self) -> int:
        """Start of the parts."""
        return self.window.from_us - self.lead_us

    @property
    def until_us(self) -> int:
        """Its end."""
        return self.window.until_us

    @property
    def bin_us(self) -> int:
        """Length of its bins."""
        return self.window.bin_us

    @property
    def heard(self) -> tuple[Heard, ...]:
        """What was heard from each collector, as ``parts``."""
        return tuple(part.heard for part in self.parts)


def replay_archives(
    window: Window,
    mrt: Sequence[Path],
    *,
    watch: Watch,
    origins: npt.NDArray[np.uint32] | None = None,
    collectors: Sequence[str] = (),
    reading: Reading = Reading(),
    lead: bool = False,
    back_us: int = 0,
) -> Replay:
    """Fold the files of every collector that the window needs. The order of ``mrt`` does not matter.

    lead     what the files that are read anyway say of the day before the window is part of the result too
    back_us  read files from so long before the window on as if it began there, where there are any
    ArchiveError where there is no file for the window or for a collector that is asked for.
    """
    files, passed = find_files(list(mrt))
    by_collector: dict[str, list[ArchiveFile]] = {}
    for file in files:
        by_collector.setdefault(file.collector, []).append(file)
    if collectors:
        absent = sorted(set(collectors) - set(by_collector))
        if absent:
            raise ArchiveError(
                f"no file of collector {', '.join(absent)} among those given; "
                f"there are {', '.join(sorted(by_collector))}"
            )
        by_collector = {name: by_collector[name] for name in collectors}
    from_us = window.from_us - back_us
    chosen = {
        name: select(chosen_files, from_us, window.until_us) for name, chosen_files in sorted(by_collector.items())
    }
    chosen = {
        name: chosen_files
        for name, chosen_files in chosen.items()
        if touches(chosen_files, window.from_us, window.until_us)
    }
    if not chosen:
        first, last = min(file.start_us for file in files), max(file.start_us for file in files)
        raise ArchiveError(
            f"no MRT file covers {iso(window.from_us)} to {iso(window.until_us)}; "
            f"those given begin between {iso(first)} and {iso(last)}"
        )
    total = sum(file.size_bytes for chosen_files in chosen.values() for file in chosen_files)
    done = 0

    def show_progress(name: str, inside: int, _: int) -> None:
        if reading.progress:
            reading.progress(name, done + inside, total)

    lead_us = known_before(chosen.values(), window) if lead else 0
    wide = replace(window, from_us=window.from_us - lead_us)
    replays = []
    unusable = unusable_updates(passed)
    for name, chosen_files in chosen.items():
        how = Reading(reading.threads, reading.memory, show_progress)
        beside = unusable.get(name, ())
        replays.append(replay_collector(name, chosen_files, wide, watch, origins=origins, reading=how, unusable=beside))
        done += sum(file.size_bytes for file in chosen_files)
    if reading.progress:
        reading.progress("", total, total)
    mark = most_telling(file.reenactment for chosen_files in chosen.values() for file in chosen_files)
    further = {name: select(by_collector[name], window.from_us - DAY, window.until_us) for name in chosen}
    whole = join_replays(replays)
    warnings = (*whole.warnings, *passed_over(passed))
    return replace(
        whole, window=window, reenactment=mark, warnings=warnings, lead_us=lead_us, earlier=further != chosen
    )


def known_before(chosen: Iterable[Sequence[ArchiveFile]], window: Window) -> int:
    """How long before a window the first state is known, in whole bins, a day at most."""
    begins = []
    for files in chosen:
        dumps = [file.start_us for file in files if not file.is_update and file.start_us <= window.from_us]
        begins.append(min(dumps, default=min(file.start_us for file in files)))
    lead = max(0, min(DAY, window.from_us - min(begins)))
    return lead // window.bin_us * window.bin_us


def replay_collector(
    name: str,
    files: Sequence[ArchiveFile],
    window: Window,
    watch: Watch,
    *,
    origins: npt.NDArray[np.uint32] | None = None,
    reading: Reading = Reading(),
    unusable: Sequence[int] = (),
) -> Replay:
    """Fold one collector's files, those that ``select`` chose for the window, in the order that they sort by.

    unusable  when files begin, by their names, that are there and are no MRT
    """
    total = sum(file.size_bytes for file in files)
    opened = open_ahead(files, reading.threads, reading.memory)

    def show_progress(inputs: Sequence[InputFile]) -> None:
        if reading.progress and len(inputs) < len(files):
            done = sum(file.size_bytes for file in files[: len(inputs)])
            reading.progress(files[len(inputs)].path.name, done, total)

    try:
        said = messages(files, opened, window.from_us, window.until_us, unusable)
        replay = replay_messages(name, said, window, watch, origins=origins, after_input=show_progress)
        return replace(replay, reenactment=most_telling(file.reenactment for file in files))
    finally:
        opened.close()


def replay_messages(
    name: str,
    messages: Iterable[Message],
    window: Window,
    watch: Watch,
    *,
    origins: npt.NDArray[np.uint32] | None = None,
    after_input: Callable[[Sequence[InputFile]], None] = lambda inputs: None,
) -> Replay:
    """Fold what any source says of one collector in a window.

    after_input  called at the start and after each input, with the inputs that are done
    """
    state = begin(name, window.from_us, window.bin_us, watch, origins)
    inputs: list[InputFile] = []
    after_input(inputs)
    for message in messages:
        state, _ = fold(state, message, window.until_us)
        if isinstance(message, InputDone):
            inputs.append(message.input)
            after_input(inputs)
    part = close(state, window.until_us)
    return Replay(window, (part,), tuple(inputs), tuple(_warnings(part, inputs)))


def join_replays(replays: Sequence[Replay]) -> Replay:
    """Collectors of one window together; ValueError where there is none, or windows differ."""
    windows = {replay.window for replay in replays}
    if len(windows) != 1:
        raise ValueError("only replays of one window can be joined, and at least one")
    ordered = sorted(replays, key=lambda replay: replay.parts[0].collector)
    return Replay(
        windows.pop(),
        tuple(part for replay in ordered for part in replay.parts),
        tuple(file for replay in ordered for file in replay.inputs),
        tuple(text for replay in ordered for text in replay.warnings),
        most_telling(replay.reenactment for replay in ordered),
    )


def _warnings(part: CollectorPart, inputs: Sequence[InputFile]) -> list[str]:
    name = part.collector
    out = [f"{read.name} is damaged at {read.damage}; what came before was used" for read in inputs if read.damage]
    out += [f"{read.name} was given twice; it changed nothing" for read in inputs if read.kind == "doubled"]
    for note in dict.fromkeys(read.note for read in inputs if read.note):
        names = [read.name for read in inputs if read.note == note]
        which = names[0] if len(names) == 1 else f"each of {len(names)} files, {names[0]} first,"
        out.append(f"{name}: {which} {note}")
    bad = sum(read.bad_records for read in inputs)
    if bad:
        out.append(f"{name}: {bad:,} records do not follow the RFC and were left out")
    if not part.dumps:
        out.append(
            f"{name}: no table dump (RIB) at or before the start; the state was learned from updates, "
            "so that a route counts from its first mention on"
        )
    if part.left_out.too_late:
        worst, first = span_text(part.left_out.too_late_us), iso(part.left_out.too_late_from_us)
        out.append(
            f"{name}: {part.left_out.too_late:,} elems came more than 15 min out of order (up to {worst}, the first of "
            f"{first}) and were left out; what they told is not known until the next table dump"
        )
    if part.left_out.late and part.left_out.late_us > JITTER_US:
        out.append(
            f"{name}: {part.left_out.late:,} elems came up to {span_text(part.left_out.late_us)} late and were taken "
            "as of the latest of their peer; the interval of an onset or an end in that time is wider by as much"
        )
    if part.left_out.malformed:
        out.append(
            f"{name}: {part.left_out.malformed} announcements with malformed attributes were taken as withdrawals "
            "(RFC 7606)"
        )
    if part.left_out.readdressed:
        out.append(
            f"{name}: table dumps and updates name {part.left_out.readdressed} peers by different AS numbers; "
            "peers of one address were taken for one"
        )
    for family, (own, other) in enumerate((("IPv4", "IPv6"), ("IPv6", "IPv4"))):
        if lacks(part, family):
            out.append(
                f"{name}: the table dump holds routes of {other} alone, and updates tell of {own}; the state of {own} "
                "was learned from updates, so that a route counts from its first mention on"
            )
    if strangers(part):
        out.append(
            f"{name}: the table dump and the updates name no peer in common; are they of one collector? "
            "What the dump tells is not known to hold for the peers of the updates"
        )
    if part.left_out.beyond:
        out.append(f"{name}: {part.left_out.beyond} elems were left out, of more peers than any collector has")
    return out
