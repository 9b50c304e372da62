"""The archive files of a window, folded collector by collector. No entity is looked at yet."""

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duskwatch.records.errors import InputError
from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap
from duskwatch.records.times import MINUTE, iso
from duskwatch.signals.bgp.artefacts.heard import FileSpan, Heard, as_of, begin_file, dump_time, end_file, hear, hearing
from duskwatch.signals.bgp.dumps import begin_dump, end_dump, fold_dump, reload_peers
from duskwatch.signals.bgp.state import RoutingLog, RoutingState, Watch, fold
from duskwatch.signals.bgp.votes import CollectorPart, close_part
from duskwatch.sources.bgp.archives.find import ArchiveError, ArchiveFile, find_files, named_time, period_of, select
from duskwatch.sources.bgp.archives.gaps import missing_files
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.files.ahead import read_ahead
from duskwatch.sources.files.digest import ThreadedSha256
from duskwatch.sources.files.pieces import open_pieces

PIECE_BYTES = 4 << 20
# What a file that is unpacked ahead takes: pieces that wait, the one being made, and its stored bytes.
FILE_AHEAD_BYTES = 8 * PIECE_BYTES
BIN_US = 5 * MINUTE

Progress = Callable[[str, int, int], None]
"""Told the file being read, stored bytes done and stored bytes in all."""

Opened = tuple[Iterator[bytes], "hashlib._Hash | ThreadedSha256"]
"""A file's unpacked pieces, and the SHA-256 that is fed with its stored bytes as they are read."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What reading the files of a window gave, before any entity is looked at."""

    from_us: int
    until_us: int
    bin_us: int
    parts: tuple[CollectorPart, ...]
    inputs: tuple[InputFile, ...]
    warnings: tuple[str, ...]
    heard: tuple[Heard, ...] = ()  # by collector, as ``parts``; empty: not counted


def replay_archives(
    from_us: int,
    until_us: int,
    mrt: Sequence[Path],
    *,
    watch: Watch,
    origins: npt.NDArray[np.uint32] | None = None,
    collectors: Sequence[str] = (),
    bin_us: int = BIN_US,
    threads: int = 2,
    memory: int = 0,
    progress: Progress | None = None,
) -> Replay:
    """Fold the files of every collector that the window needs. The order of ``mrt`` does not matter."""
    if not from_us < until_us:
        raise InputError(
            f"the window ends ({iso(until_us)}) before it begins ({iso(from_us)}); swap --from and --until"
        )
    files, _ = find_files(list(mrt))
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
    chosen = {name: select(own, from_us, until_us) for name, own in sorted(by_collector.items())}
    chosen = {name: own for name, own in chosen.items() if any(_touches(file, from_us, until_us) for file in own)}
    if not chosen:
        first, last = min(file.start_us for file in files), max(file.start_us for file in files)
        raise ArchiveError(
            f"no MRT file covers {iso(from_us)} to {iso(until_us)}; "
            f"those given begin between {iso(first)} and {iso(last)}"
        )
    total = sum(file.size_bytes for own in chosen.values() for file in own)
    done = 0

    def told(name: str, inside: int, _: int) -> None:
        if progress:
            progress(name, done + inside, total)

    replays = []
    for name, own in chosen.items():
        replays.append(
            replay_collector(
                name,
                own,
                from_us,
                until_us,
                watch,
                origins=origins,
                bin_us=bin_us,
                threads=threads,
                memory=memory,
                progress=told,
            )
        )
        done += sum(file.size_bytes for file in own)
    if progress:
        progress("", total, total)
    return join_replays(replays)


def replay_collector(
    name: str,
    files: Sequence[ArchiveFile],
    from_us: int,
    until_us: int,
    watch: Watch,
    *,
    origins: npt.NDArray[np.uint32] | None = None,
    bin_us: int = BIN_US,
    threads: int = 2,
    memory: int = 0,
    progress: Progress | None = None,
) -> Replay:
    """Fold one collector's files, those that ``select`` chose for the window, in the order that they sort by.

    threads  1, or one to fold and the others to unpack ahead: several files at once where there are more than two
    memory   bytes that unpacking ahead may take; 0: as many files as threads
    """
    total = sum(file.size_bytes for file in files)
    done = 0
    folded = start_fold(name, from_us, until_us, bin_us)
    ahead = _ahead(files, threads, memory)
    try:
        for file, opened in zip(files, ahead, strict=True):
            if progress:
                progress(file.path.name, done, total)
            folded = fold_file(folded, file, watch, origins, opened)
            done += file.size_bytes
    finally:
        ahead.close()
    part = close_fold(folded)
    return Replay(
        from_us,
        until_us,
        bin_us,
        (part,),
        tuple(folded.inputs),
        tuple(_fold_warnings(folded)),
        (folded.heard,),
    )


def join_replays(replays: Sequence[Replay]) -> Replay:
    """Collectors of one window together; ValueError where there is none, or windows differ."""
    windows = {(replay.from_us, replay.until_us, replay.bin_us) for replay in replays}
    if len(windows) != 1:
        raise ValueError("only replays of one window can be joined, and at least one")
    ordered = sorted(replays, key=lambda replay: replay.parts[0].collector)
    return Replay(
        *windows.pop(),
        *(
            tuple(each for replay in ordered for each in getattr(replay, name))
            for name in ("parts", "inputs", "warnings", "heard")
        ),
    )


def open_file(file: ArchiveFile, threads: int = 1, hashing: Executor | None = None) -> Opened:
    """Open a file to be folded; OSError, at the first piece, where it cannot be read. ``hashing``: does the digest."""
    digest = hashlib.sha256() if hashing is None else ThreadedSha256(hashing)
    return open_pieces(file.path, piece_bytes=PIECE_BYTES, threads=threads, digest=digest), digest


def _ahead(files: Sequence[ArchiveFile], threads: int, memory: int) -> Generator[Opened, None, None]:
    """Each file opened, with ``threads`` above 1 unpacked ahead by the others, as far as ``memory`` allows."""
    if threads <= 1:
        for file in files:
            yield open_file(file)
        return
    with ThreadPoolExecutor(1, "sha256") as hashing:
        sources = [open_file(file, threads, hashing) for file in files]
        room = max(1, memory // FILE_AHEAD_BYTES) if memory else threads
        pieces = read_ahead((source for source, _ in sources), threads=threads - 1, ahead=min(room, 2 * threads))
        try:
            yield from zip(pieces, (digest for _, digest in sources), strict=True)
        finally:
            pieces.close()


@dataclass
class Fold:
    """One collector, folded as far as its files were given. Picklable: a long window can be folded in several runs."""

    state: RoutingState
    logs: list[RoutingLog]
    files: list[ArchiveFile]
    inputs: list[InputFile]
    damaged: list[Gap]
    heard: Heard


def start_fold(collector: str, from_us: int, until_us: int, bin_us: int = BIN_US) -> Fold:
    """A collector of which no file was read yet."""
    heard = hearing(collector, from_us, until_us, bin_us)
    return Fold(RoutingState(collector, from_us, until_us, bin_us), [], [], [], [], heard)


def fold_file(
    folded: Fold,
    file: ArchiveFile,
    watch: Watch,
    origins: npt.NDArray[np.uint32] | None = None,
    opened: Opened | None = None,
) -> Fold:
    """Fold the next file, in the order that ArchiveFile sorts by; the Fold given is used up.

    opened  its pieces and the digest that they feed, where somebody reads ahead
    """
    state = folded.state
    pieces, digest = opened or open_file(file)
    reader = MrtReader(pieces, state.peers)
    if file.is_update:
        heard = begin_file(folded.heard, _named_span(folded, file))
        for block in reader:
            heard, block = hear(heard, block, len(state.peers))
            state, log = fold(state, block, watch, origins)
            folded.logs.append(log)
        folded.heard = end_file(heard)
    else:
        state, logs = _fold_dump(state, folded.heard, file, reader, watch, origins, trusted=_unbroken(folded, file))
        folded.logs += logs
    sha256 = digest.hexdigest()
    folded.state = state
    folded.files.append(file)
    folded.inputs.append(
        InputFile(
            file.path.name,
            sha256,
            "doubled" if sha256 in {other.sha256 for other in folded.inputs} else "mrt",
            reader.first_us,
            reader.last_us,
            reader.records,
            reader.bad_records,
            str(reader.damage) if reader.damage else "",
            file.collector,
            file.size_bytes,
        )
    )
    return folded


def close_fold(folded: Fold) -> CollectorPart:
    """What a folded collector hands on to the votes."""
    state = folded.state
    gaps = missing_files(folded.files, state.from_us, state.until_us)
    gaps += _damaged_stretches(folded)
    return close_part(state, RoutingLog.join(folded.logs), tuple(sorted(gaps, key=lambda gap: gap.from_us)))


def _unbroken(folded: Fold, dump: ArchiveFile) -> bool:
    """Whether updates were seen without a break from the last table dump to this one."""
    before = [file.start_us for file in folded.files if not file.is_update]
    if not before:
        return False
    since = max(before)
    gaps = missing_files([*folded.files, dump], since, dump.start_us) + _damaged_stretches(folded)
    return not any(gap.until_us > since for gap in gaps)


def _named_span(folded: Fold, file: ArchiveFile) -> FileSpan | None:
    """Which time a file of updates says by its name that it covers; None where it says none."""
    start = named_time(file.path.name, file.collector)
    if start is None:
        return None
    updates = [other for other in (*folded.files[-50:], file) if other.is_update]
    if len(updates) > 2:
        return FileSpan(file.path.name, start, start + period_of(file.collector, updates))
    known = file.collector.startswith(("rrc", "route-views"))
    return FileSpan(file.path.name, start, start + 15 * MINUTE if known else None)


def _damaged_stretches(folded: Fold) -> list[Gap]:
    """What damaged update files leave unseen, from their last good record to the next file, and wrong times."""
    out = [gap for gap in folded.heard.gaps if gap.until_us > folded.state.from_us]
    for file, read in zip(folded.files, folded.inputs, strict=True):
        if not (file.is_update and read.damage):
            continue
        start = read.until_us if read.until_us is not None else file.start_us
        later = [other.start_us for other in folded.files if other.is_update and other.start_us > file.start_us]
        end = min([*later, folded.state.until_us])
        start = max(start, folded.state.from_us)
        if start < end:
            out.append(Gap(file.collector, start, end, "damaged file"))
    return out


def _fold_warnings(folded: Fold) -> list[str]:
    state, name = folded.state, folded.state.collector
    out = [
        f"{read.name} is damaged at {read.damage}; what came before was used" for read in folded.inputs if read.damage
    ]
    out += [f"{read.name} was given twice; it changed nothing" for read in folded.inputs if read.kind == "doubled"]
    bad = sum(read.bad_records for read in folded.inputs)
    if bad:
        out.append(f"{name}: {bad} records do not follow the RFC and were left out")
    if not state.dumps:
        out.append(
            f"{name}: no table dump (RIB) at or before the start; the state was learned from updates, "
            "so that a route counts from its first mention on"
        )
    if state.left_out:
        out.append(f"{name}: {state.left_out} elems came more than 15 min out of order and were left out")
    if state.beyond:
        out.append(f"{name}: {state.beyond} elems were left out, of more peers than any collector has")
    return out


def _touches(file: ArchiveFile, from_us: int, until_us: int) -> bool:
    """Whether a file may say something about the window: updates from a day before on, or any dump before its end."""
    return file.start_us < until_us and (file.start_us >= from_us - 24 * 60 * MINUTE)


def _fold_dump(
    state: RoutingState,
    heard: Heard,
    file: ArchiveFile,
    blocks: MrtReader,
    watch: Watch,
    origins: npt.NDArray[np.uint32] | None,
    trusted: bool,
) -> tuple[RoutingState, list[RoutingLog]]:
    logs: list[RoutingLog] = []
    begun = False
    for block in blocks.routes():
        if not begun:
            said_us = int(block.time_us[0]) if len(block.time_us) else file.start_us
            time_us = dump_time(heard, file.path.name, named_time(file.path.name, file.collector), said_us)
            state = begin_dump(state, time_us, trusted)
            state, log = reload_peers(state, time_us)
            logs.append(log)
            begun = True
        state, log = fold_dump(state, block if time_us == said_us else as_of(block, time_us), watch, origins)
        logs.append(log)
    if begun:
        state, log = end_dump(state, complete=blocks.damage is None)
        logs.append(log)
    return state, logs
