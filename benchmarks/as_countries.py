"""How much of an AS's /24s is in the country that holds the most of them, and how much of a country that leaves out.

python -m benchmarks.as_countries DAY PREFIX-TO-AS.gz DELEGATED ...: a table of that day, lines of prefix and AS number.
Decision 0013 rests on it.
"""

import gzip
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np

from duskwatch.records.prefix import Prefix
from duskwatch.sources.reference.geo import load_geo

WIDEST = 8  # a default route in disguise is nobody's


def main(day: str, table: str, delegated: list[str]) -> None:
    """Print the shares of ASes in their country, and of countries from their ASes."""
    with gzip.open(table, "rt") as lines:
        rows = [line.split() for line in lines if line[:1].isdigit()]
    told = [(Prefix.parse(prefix), asn) for prefix, asn in rows if asn.isdigit()]
    ranges = load_geo([Path(path) for path in delegated], date.fromisoformat(day))
    kinds = (("afi", np.uint8), ("hi", np.uint64), ("lo", np.uint64), ("length", np.uint8))
    columns = [np.array([getattr(prefix, name) for prefix, _ in told], kind) for name, kind in kinds]
    have: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for (prefix, asn), country in zip(told, ranges.countries_of(*columns).tolist(), strict=True):
        if country >= 0 and prefix.length >= WIDEST:
            first = prefix.hi >> 40
            have[asn][country].update(range(first, first + (1 << max(0, 24 - prefix.length))))
    shares: list[float] = []
    whole: dict[int, set[int]] = defaultdict(set)
    from_own: dict[int, set[int]] = defaultdict(set)
    for held in have.values():
        top = max(held, key=lambda country: len(held[country]))
        shares.append(len(held[top]) / sum(len(units) for units in held.values()))
        from_own[top] |= held[top]
        for country, units in held.items():
            whole[country] |= units
    share = np.array(shares)
    part = {ranges.countries[country]: len(from_own[country]) / len(units) for country, units in whole.items()}
    print(f"{len(share):,} ASes: {(share == 1).mean():.1%} all in one country, {(share >= 0.9).mean():.1%} nine tenths")
    print(
        f"{len(part)} countries: {sum(p >= 0.9 for p in part.values())} have nine tenths from ASes that belong to them"
    )
    print(f"median {np.median(list(part.values())):.1%}; least:")
    for code in sorted(part, key=lambda code: part[code])[:8]:
        print(f"  {code} {part[code]:.0%} of {len(whole[ranges.countries.index(code)]):,} /24s")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
