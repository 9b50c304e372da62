"""A slow twin of the majority vote: bgpdump reads the archives, dictionaries fold what it prints."""

import bz2
import gzip
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest


def archive_bytes(path: Path) -> bytes:
    return (gzip if path.suffix == ".gz" else bz2).decompress(path.read_bytes())


def files_of(collector: Path) -> tuple[list[Path], list[Path]]:
    """Table dumps and update files, in order of time."""
    dumps = sorted([*collector.rglob("bview.*"), *collector.rglob("rib.*")], key=lambda path: path.name)
    return dumps, sorted(collector.rglob("updates.*"), key=lambda path: path.name)


def bgpdump_lines(data: bytes, folder: Path) -> list[str]:
    """What `bgpdump -m` prints; it must have nothing to complain about. Skips where it is not installed."""
    if not (program := shutil.which("bgpdump")):
        pytest.skip("bgpdump is not installed")
    file = folder / "all.mrt"
    file.write_bytes(data)
    done = subprocess.run([program, "-m", str(file)], capture_output=True, text=True, check=True)
    file.unlink()
    complaints = [line for line in done.stderr.splitlines() if "[info]" not in line]
    assert not complaints
    return done.stdout.splitlines()


@dataclass
class Fold:
    """Who holds what, and every change of majority. A voter is a full-feed session."""

    voters: set[tuple[str, str]] = field(default_factory=set)
    holders: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    table: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    lost: dict[str, list[list[int]]] = field(default_factory=lambda: defaultdict(list))

    def visible(self, prefix: str) -> bool:
        return 2 * len(self.holders[prefix]) > len(self.voters)

    def note(self, prefix: str, second: int) -> None:
        """Write down a majority that went or came. A loss within one second is none."""
        spans = self.lost[prefix]
        open_now = bool(spans) and len(spans[-1]) == 1
        if self.visible(prefix) and open_now:
            spans[-1].append(second)
            if spans[-1][0] == second:
                spans.pop()
        elif not self.visible(prefix) and not open_now:
            spans.append([second])

    def hold(self, voter: tuple[str, str], prefix: str, second: int) -> None:
        self.holders[prefix].add(voter)
        self.table[voter].add(prefix)
        self.note(prefix, second)

    def lose(self, voter: tuple[str, str], prefix: str, second: int) -> None:
        self.holders[prefix].discard(voter)
        self.table[voter].discard(prefix)
        self.note(prefix, second)


def fold_case(out: Path, voters: set[tuple[str, str]], folder: Path, settle_s: int) -> dict[str, list[list[int]]]:
    """Seconds without a majority, by prefix: [from, until] or [from] where it lasts to the end.

    A session that went down votes again ``settle_s`` seconds after it came up, when its table is there again.
    """
    rows = []
    fold = Fold()
    for collector in sorted((out / "mrt").iterdir()):
        dumps, updates = files_of(collector)
        data = b"".join(archive_bytes(path) for path in (dumps[0], *updates))
        for line in bgpdump_lines(data, folder):
            fields = line.split("|")
            voter = (collector.name, fields[3])
            if voter not in voters:
                continue
            if fields[2] == "B":
                fold.holders[fields[5]].add(voter)
                fold.table[voter].add(fields[5])
            elif fields[2] == "STATE" and fields[6] == "6":
                rows.append((int(fields[1]) + settle_s, 0, voter, "BACK", ""))
            elif fields[2] == "STATE" and fields[5] == "6":
                rows.append((int(fields[1]), 1, voter, "DOWN", ""))
            elif fields[2] in ("A", "W"):
                rows.append((int(fields[1]), 2, voter, fields[2], fields[5]))
    fold.voters = set(voters)
    waiting: dict[tuple[str, str], set[str]] = {}
    for second, _, voter, what, prefix in sorted(rows, key=lambda row: row[:2]):
        if what == "DOWN":
            fold.voters.discard(voter)
            waiting[voter] = set()
            gone = fold.table.pop(voter)
            for held in gone:
                fold.holders[held].discard(voter)
        elif what == "BACK":
            fold.voters.add(voter)
            for held in waiting.pop(voter):
                fold.hold(voter, held, second)
        elif voter in waiting:
            (waiting[voter].add if what == "A" else waiting[voter].discard)(prefix)
        elif what == "A":
            fold.hold(voter, prefix, second)
        else:
            fold.lose(voter, prefix, second)
    return fold.lost
