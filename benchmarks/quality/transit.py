"""AS hegemony of countries beside published values: `python -m benchmarks.quality.transit DATA` prints a table.

DATA is the folder of real files. Published: transit influence (CTI) and IHR's AS hegemony of March 2020
(CAIDA/mapkit-cti-code). Ours: paths that some 200 peers of rrc12 told in 40 minutes of updates on 1 January 2021, so
that only part of each network is known, and ten months later. The published files leave out the country of a pair of
values: the pair is found again through the AS and its influence.
"""

import argparse
from pathlib import Path

import numpy as np

from duskwatch.analysis.replay import Reading, Window, replay_archives
from duskwatch.analysis.whole_tables import watch_all
from duskwatch.records.times import parse_time
from duskwatch.signals.bgp.tables import routes_at
from duskwatch.signals.bgp.transit.hegemony import score_origins, weigh_country

LEAST_INFLUENCE = 0.05


def number(text: str) -> int:
    """The AS number in front of a name."""
    return int(text.split("-", 1)[0])


def published(folder: Path) -> dict[tuple[int, float], float]:
    """IHR's hegemony by AS and influence, where the pair is there once."""
    pairs: dict[tuple[int, float], list[float]] = {}
    for line in (folder / "combined_joint_cti_hegemony.csv").read_text().splitlines()[1:]:
        name, influence, value = line.rsplit(",", 2)
        pairs.setdefault((number(name), float(influence)), []).append(float(value))
    return {pair: values[0] for pair, values in pairs.items() if len(values) == 1}


def compared(data: Path) -> list[tuple[str, int, float, float, float, float]]:
    """(country, AS, influence, published hegemony, ours, share of the country's /24s that is known) by country."""
    folder = data / "reference" / "cti-2020"
    at = parse_time("2021-01-01T23:00Z")
    files = sorted((data / "mrt" / "rrc12-2021-01-01").iterdir())
    run = replay_archives(Window(at, at + 1_000_000), files, watch=watch_all, reading=Reading(2))
    routes = routes_at(run.parts, at)
    routes.voting[:] = True  # what each of them told, whatever it did not tell
    known = published(folder)
    out = []
    for file in sorted((folder / "origin").glob("*.csv")):
        top = folder / "top" / f"top.{file.stem}.cti.csv"
        if not top.is_file():
            continue
        weights: dict[int, float] = {}
        for line in file.read_text().splitlines()[1:]:
            name, slash24, _ = line.rsplit(",", 2)
            weights[number(name)] = weights.get(number(name), 0.0) + float(slash24)
        scores = score_origins(routes, list(weights), sparse=True)
        ours = weigh_country(scores, weights)
        seen = sum(weights[asn] for asn in scores.scopes.tolist()) / sum(weights.values())
        for line in top.read_text().splitlines()[1:]:
            name, influence = line.rsplit(",", 1)
            pair = number(name), float(influence)
            if float(influence) >= LEAST_INFLUENCE and pair in known:
                out.append((file.stem, pair[0], pair[1], known[pair], ours.get(pair[0], 0.0), seen))
    return out


def main() -> None:
    """Compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    rows = compared(parser.parse_args().data)
    print("country,asn,influence,published,ours,known")
    for row in rows:
        print(",".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row))
    for least in (0.0, 0.45):
        some = [row for row in rows if row[5] >= least]
        theirs, ours = (np.array([row[k] for row in some]) for k in (3, 4))
        print(f"{len(some)} pairs of countries of which {least:.0%} and more is known: ", end="")
        print(f"mean difference {np.abs(theirs - ours).mean():.3f}, correlation {np.corrcoef(theirs, ours)[0, 1]:.2f}")


if __name__ == "__main__":
    main()
