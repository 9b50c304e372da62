"""Work to be timed, as a program of its own that prints what it took: `work.py unpack FILE ...`, `work.py fold ...`,
`work.py everything ...`.

The time printed leaves out starting Python, imports and loading compiled kernels; `unpack` and `fold` get their bytes
from the same function with the same arguments.
"""

import argparse
import json
import time
from collections import deque
from pathlib import Path

from duskwatch.sources.files.ahead import read_ahead
from duskwatch.sources.files.pieces import open_pieces

THREADS = 2


def unpack(paths: list[Path]) -> tuple[float, int]:
    """Seconds and bytes of unpacking alone, as the pipeline does it."""
    from duskwatch.sources.bgp.archives.read import PIECE_BYTES

    began, total = time.perf_counter(), 0
    files = (open_pieces(path, piece_bytes=PIECE_BYTES, threads=THREADS) for path in paths)
    for pieces in read_ahead(files, threads=THREADS - 1, ahead=THREADS):
        for piece in pieces:
            total += len(piece)
    return time.perf_counter() - began, total


def fold(mrt: Path, geo: Path, country: str, from_s: int, until_s: int, warm_up: Path | None) -> tuple[float, int]:
    """Seconds and records from files to series, levels and change log of one country, without its single networks."""
    from duskwatch.analysis.entity import analyze
    from duskwatch.records.entity import Entity

    entity = Entity("country", country)
    if warm_up:
        # The same on a small file first: kernels are loaded from their cache, or compiled where there is none.
        deque(_history(analyze, entity, warm_up, geo, from_s, until_s), 0)
    began = time.perf_counter()
    records = sum(_history(analyze, entity, mrt, geo, from_s, until_s))
    return time.perf_counter() - began, records


def _history(analyze, entity, mrt, geo, from_s, until_s):  # type: ignore[no-untyped-def]
    window = from_s * 1_000_000, until_s * 1_000_000
    report = analyze(entity, *window, [mrt], geo=[geo], threads=THREADS, networks=False)
    yield from (file.records for file in report.inputs)


def everything(mrt: Path, from_s: int, until_s: int, warm_up: Path | None) -> tuple[float, dict[str, float]]:
    """Seconds from files to the series of every network, and those of its three steps."""
    from duskwatch.analysis import whole_tables as whole
    from duskwatch.analysis.replay import Reading, Window, replay_archives

    def once(folder: Path) -> dict[str, float]:
        marks = [time.perf_counter()]
        window = Window(from_s * 1_000_000, until_s * 1_000_000)
        replay = replay_archives(window, [folder], watch=whole.watch_all, reading=Reading(THREADS))
        marks.append(time.perf_counter())
        votes = whole.count_all(replay, threads=THREADS)
        marks.append(time.perf_counter())
        count = sum(1 for _ in whole.measure_all(votes, None, replay.bin_us))
        marks.append(time.perf_counter())
        names = ("folding_s", "counting_s", "measuring_s")
        steps = {name: b - a for name, a, b in zip(names, marks, marks[1:], strict=False)}
        return {**steps, "entities": count}

    if warm_up:
        once(warm_up)
    found = once(mrt)
    return sum(found[name] for name in found if name.endswith("_s")), found


def main() -> None:
    """Do the work that the command line names and print seconds and amount as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("unpack").add_argument("paths", nargs="+", type=Path)
    for name in ("fold", "everything"):
        folding = kinds.add_parser(name)
        folding.add_argument("mrt", type=Path)
        folding.add_argument("--from", dest="from_s", type=int, required=True)
        folding.add_argument("--until", dest="until_s", type=int, required=True)
        folding.add_argument("--warm-up", type=Path)
        if name == "fold":
            folding.add_argument("--geo", type=Path, required=True)
            folding.add_argument("--country", required=True)
    options = parser.parse_args()
    amount: object
    if options.kind == "unpack":
        seconds, amount = unpack(options.paths)
    elif options.kind == "everything":
        seconds, amount = everything(options.mrt, options.from_s, options.until_s, options.warm_up)
    else:
        seconds, amount = fold(
            options.mrt, options.geo, options.country, options.from_s, options.until_s, options.warm_up
        )
    print(json.dumps({"seconds": seconds, "amount": amount}))


if __name__ == "__main__":
    main()
