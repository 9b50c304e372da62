"""Counts elems or records with somebody else's MRT reader, as a program of its own: `readers.py mrtparse FILE ...`."""

import sys


def bgpkit(path: str) -> int:
    """Elems of a file through pybgpkit-parser."""
    from pybgpkit_parser import Parser

    return sum(1 for _ in Parser(path))


def mrtparse(path: str) -> int:
    """Records of a file through mrtparse, each with its data decoded."""
    from mrtparse import Reader

    count = 0
    for entry in Reader(path):
        if entry.err is None and entry.data:
            count += 1
    return count


READERS = {"pybgpkit-parser": bgpkit, "mrtparse": mrtparse}

if __name__ == "__main__":
    print(sum(READERS[sys.argv[1]](path) for path in sys.argv[2:]))
