"""What it costs to see that a fetched file is whole: gzip unpacked to its end, bzip2 by its end mark and unpacked.

    python -m benchmarks.speed.integrity [--scale X]

prints one line for each packing of the table dump of a seeded workload: stored bytes, processor seconds of the check
that fetching makes, and of unpacking it whole with the standard library.
"""

import argparse
import bz2
import gzip
import time
from pathlib import Path

from benchmarks.workloads import workload
from duskwatch.sources.downloads.integrity import damage


def seconds(path: Path) -> tuple[float, float]:
    """Processor seconds of the check, and of unpacking."""
    begun = time.process_time()
    assert damage(path, path.name) is None
    checked = time.process_time() - begun
    opener = gzip.open if path.suffix == ".gz" else bz2.open
    begun = time.process_time()
    with opener(path) as stream:
        while stream.read(1 << 20):
            pass
    return checked, time.process_time() - begun


def main() -> None:
    """Measure both packings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.05)
    scale = parser.parse_args().scale
    for packing in ("gz", "bz2"):
        path = workload(packing, scale, 1).of("rib")[0]
        checked, unpacked = seconds(path)
        print(f"{packing:4} {path.stat().st_size / 1e6:.1f} MB: check {checked:.3f} s, unpacking {unpacked:.3f} s")


if __name__ == "__main__":
    main()
