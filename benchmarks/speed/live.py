"""How many messages of feeds a live run reads and folds in a second of one core, its judgements left out.

    python -m benchmarks.speed.live [--rounds N]

Frames of RIS Live and BMP messages of ``benchmarks.speed.feeds`` (40,000 in a round, each round later than the one
before), decoded and folded into a watch of one prefix. Processor time, the best round.
"""

import argparse
import itertools
import time

from benchmarks.speed.feeds import MESSAGES, TAKE_OCTETS, bmp, frame, messages
from duskwatch.analysis.rolling import begin_rolling, roll_to, take, watched_lots
from duskwatch.records.entity import parse_entity
from duskwatch.records.times import HOUR, MINUTE
from duskwatch.sources.bgp.formats.bmp import BmpOptions, BmpReader
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.ris_live import RisLiveReader


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    rounds = parser.parse_args().rounds
    made = list(itertools.islice(messages(), MESSAGES))
    start, length = made[0][0], made[-1][0] - made[0][0] + MINUTE
    for name in ("RIS Live", "BMP"):
        (lot,) = watched_lots([parse_entity("175.45.176.0/22")], None)
        rolling = begin_rolling(lot, start // HOUR * HOUR)
        ris, router = RisLiveReader(ClockRules(old_is_now=False)), BmpReader("r", BmpOptions(clock=ClockRules()))
        best = 0.0
        for number in range(rounds):
            later = number * length
            now = start + later + length
            if name == "BMP":
                data = [bmp(at + later, asn, address, body) for at, asn, address, body, _ in made]
            else:
                data = [frame(at + later, asn, address, fields, body) for at, asn, address, body, fields in made]
            begun, waiting = time.process_time(), 0
            for each in [*data, b""]:
                if each:
                    ris.frame(each, now) if name == "RIS Live" else router.feed(each, now)
                waiting += len(each)
                if waiting > TAKE_OCTETS or not each:
                    for block in (ris if name == "RIS Live" else router).take().blocks:
                        take(rolling, block.collector, block.message, now + 5 * MINUTE)
                    waiting = 0
            roll_to(rolling, now - MINUTE)
            best = max(best, len(made) / (time.process_time() - begun))
        print(
            f"{name:10} {best:10,.0f} messages/s read and folded; {rolling.elems / rounds / len(made):.2f} elems each"
        )


if __name__ == "__main__":
    main()
