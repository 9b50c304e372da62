"""Which articles share sentences word for word: forty copies of one agency's story are one story.

Sentences are compared, not whole articles: a copy keeps the agency's sentences and adds its own. A sentence of seven
words or more counts as shared where the words are equal; where an editor changed a word, the runs of five words that
both have are counted (containment, Broder 1997). Look-ups go through hashes, so a thousand articles cost little.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from duskwatch.records.claim import Article

FEWEST_WORDS = 7  # shorter sentences are shared by chance
RUN = 5  # words in a shingle
CONTAINED = 0.8  # share of a sentence's shingles that the other must hold
MOST_SENTENCES = 400  # of an article
MOST_HOLDERS = 200  # articles that share one shingle; beyond it is a stock phrase
ENOUGH = 2  # shared sentences that make one origin
ENOUGH_SHARE = 0.5  # or this share of the shorter article
_STOP = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|\n+")
_WORD = re.compile(r"[^\W_]+")


def shared_sentences(articles: Sequence[Article]) -> dict[tuple[int, int], tuple[str, ...]]:
    """Sentences that two articles share, by the pair of their indices (lower first), as the lower one has them."""
    exact: dict[int, list[tuple[int, int]]] = defaultdict(list)
    runs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    texts: list[list[str]] = []
    shingles: list[list[frozenset[int]]] = []
    for number, article in enumerate(articles):
        listed: list[str] = []
        sets: list[frozenset[int]] = []
        for sentence in _STOP.split(article.text[article.body :])[:MOST_SENTENCES]:
            words = _WORD.findall(sentence.casefold())
            if len(words) < FEWEST_WORDS:
                continue
            at = len(listed)
            listed.append(" ".join(sentence.split())[:600])
            words = words[:120]
            exact[hash(tuple(words))].append((number, at))
            found = frozenset(hash(tuple(words[k : k + RUN])) for k in range(len(words) - RUN + 1))
            sets.append(found)
            for run in found:
                if len(runs[run]) < MOST_HOLDERS:
                    runs[run].append((number, at))
        texts.append(listed)
        shingles.append(sets)
    pairs: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    for holders in exact.values():
        _pair(holders, texts, pairs)
    _near(runs, texts, shingles, pairs)
    return {key: tuple(found[at] for at in sorted(found)) for key, found in sorted(pairs.items())}


def _pair(holders: list[tuple[int, int]], texts: list[list[str]], pairs: dict[tuple[int, int], dict[int, str]]) -> None:
    first: dict[int, int] = {}
    for number, at in holders[:MOST_HOLDERS]:
        first.setdefault(number, at)
    numbers = sorted(first)
    anchor = numbers[0]
    # A chain, not all pairs: each copy is tied to the first, which joins them all.
    for number in numbers[1:]:
        pairs[anchor, number][first[anchor]] = texts[anchor][first[anchor]]


def _near(runs: dict[int, list[tuple[int, int]]], texts: list[list[str]], shingles: list[list[frozenset[int]]],
          pairs: dict[tuple[int, int], dict[int, str]]) -> None:  # fmt: skip
    common: dict[tuple[int, int, int, int], int] = defaultdict(int)
    for holders in runs.values():
        if not 1 < len(holders) < 20:
            continue
        for k, (number, at) in enumerate(holders):
            for other, place in holders[k + 1 :]:
                if number != other:
                    common[number, at, other, place] += 1
    for (number, at, other, place), count in common.items():
        shorter = min(len(shingles[number][at]), len(shingles[other][place]))
        if shorter and count / shorter >= CONTAINED:
            key, mine = ((number, other), at) if number < other else ((other, number), place)
            pairs[key].setdefault(mine, texts[key[0]][mine])


def one_origin(shared: Sequence[str], articles: Sequence[Article], pair: tuple[int, int]) -> bool:
    """Whether what two articles share makes them one story: two sentences, or half of the shorter one."""
    if len(shared) >= ENOUGH:
        return True
    shortest = min(len(_WORD.findall(articles[number].text[articles[number].body :][:20000])) for number in pair)
    words = sum(len(_WORD.findall(sentence)) for sentence in shared)
    return bool(shared) and words >= ENOUGH_SHARE * max(1, shortest)
