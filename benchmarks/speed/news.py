"""How many articles a minute are read and checked on one core: `python -m benchmarks.speed.news`.

The articles are the two of `tests/data/news/wire`-like length written here, varied by seed, so that no two are equal.
"""

import random
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from duskwatch.analysis.news import check_news
from duskwatch.sources.news.read import read_articles

SENTENCES = [
    "Internet service in {place} went down at {hour}:15 local time on Monday, the monitoring group {firm} said.",
    "All four networks of the country vanished from the global routing table within minutes.",
    "“We saw a steady degradation until nothing was left,” said an engineer of {firm}.",
    "Service was restored early on Tuesday after {n} hours and {m} minutes, according to {firm}.",
    "The ministry of communications denied having ordered a shutdown.",
    "Officials would not comment on reports of a cyber-attack.",
    "Power was cut in two districts of the capital on Sunday, and flights were delayed.",
    "The operator blamed a damaged submarine cable, but experts said a router failure was just as likely.",
    "Almost all of the traffic of {place} passes through one provider in a neighbouring country.",
    "About {k} per cent of the networks were still unreachable on Tuesday evening.",
    "The web site of the national news agency was back online, while others remained inaccessible.",
    "In 2019 the country was offline for a week during an election.",
    "The home team won the football match two to nil on Saturday in front of a large crowd.",
    "Some {k},000 customers were without access, a spokeswoman for the operator told reporters.",
    "The stock exchange opened as usual, and trading volumes were close to their average of the last month.",
    "Will the network hold this time? Nobody would say, and the regulator did not return calls.",
]
PLACES = ["Gabon", "Chad", "Tonga", "Kenya", "Nepal", "Cuba", "Togo", "Malta", "Oman", "Laos"]
FIRMS = ["Netgauge", "Quillnet Research", "Lodestar Metrics", "Pathwatch"]


def article(dice: random.Random, sentences: int) -> str:
    """One article of so many sentences."""
    words = {"place": dice.choice(PLACES), "firm": dice.choice(FIRMS)}
    lines = []
    for _ in range(sentences):
        text = dice.choice(SENTENCES)
        lines.append(
            text.format(
                **words, hour=dice.randint(1, 12), n=dice.randint(2, 20), m=dice.randint(1, 59), k=dice.randint(5, 95)
            )
        )
    return (
        f"title: Internet outage in {words['place']}\ndate: 2023-05-{dice.randint(10, 28)}\n\n"
        + "\n\n".join(lines)
        + "\n"
    )


def main(count: int = 1000, sentences: int = 25) -> None:
    """Print the rate of reading, extraction and joining into stories, and the memory it took."""
    dice = random.Random(1)
    with TemporaryDirectory() as folder:
        paths = []
        for number in range(count):
            path = Path(folder) / f"{number}.txt"
            path.write_text(article(dice, sentences), encoding="utf-8")
            paths.append(path)
        begin = time.process_time()
        articles = [found for path in paths for found in read_articles(path)]
        read = time.process_time()
        said = check_news(articles, None)
        done = time.process_time()
    words = sum(len(one.text.split()) for one in articles) // count
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count} articles of {words} words: read {read - begin:.1f} s, claims and stories {done - read:.1f} s")
    print(
        f"{count / (done - begin) * 60:,.0f} articles a minute of processor time;"
        f" {len(said.claims):,} claims; {memory} MB"
    )


if __name__ == "__main__":
    main()
