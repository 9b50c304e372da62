"""Articles joined into stories: by shared sentences, and by claims so alike that one must come from the other."""

from collections.abc import Mapping, Sequence

from duskwatch.records.claim import Article, Claim, Story

TELLING = ("duration", "onset", "end", "share", "attack")  # kinds whose values are rarely equal by chance
ALIKE = 3  # claims of equal kind, entity, value and speaker that join two articles


def stories(
    articles: Sequence[Article], claims: Sequence[Claim], shared: Mapping[tuple[int, int], Sequence[str]]
) -> tuple[Story, ...]:
    """Every article in one story, numbered from 1 in order of their first article.

    ``shared`` gives, for pairs of articles of one origin, the sentences that they share.
    """
    joined_by: dict[tuple[int, int], str] = dict.fromkeys(shared, "sentences")
    for pair in _alike(len(articles), claims):
        joined_by.setdefault(pair, "claims")
    parent = list(range(len(articles)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for low, high in joined_by:
        a, b = sorted((root(low), root(high)))
        parent[b] = a
    groups: dict[int, list[int]] = {}
    for number in range(len(articles)):
        groups.setdefault(root(number), []).append(number)
    out = []
    for count, members in enumerate(groups.values(), 1):
        inside = set(members)
        sentences = [text for pair, texts in shared.items() if inside.issuperset(pair) for text in texts]
        reasons = [reason for pair, reason in joined_by.items() if inside.issuperset(pair)]
        by = "" if len(members) == 1 else "sentences" if "sentences" in reasons else "claims"
        out.append(Story(count, tuple(members), _first(members, articles), tuple(dict.fromkeys(sentences)), by))
    return tuple(out)


def _first(members: Sequence[int], articles: Sequence[Article]) -> int:
    dated = [number for number in members if articles[number].published_us is not None]
    return min(dated, key=lambda number: (articles[number].published_us or 0, number)) if dated else members[0]


def _alike(count: int, claims: Sequence[Claim]) -> list[tuple[int, int]]:
    holders: dict[tuple[str, str, str, str], set[int]] = {}
    for claim in claims:
        if claim.kind in TELLING and claim.speaker:
            key = (claim.kind, claim.entity or "", repr(claim.value), claim.speaker.casefold())
            holders.setdefault(key, set()).add(claim.article)
    common: dict[tuple[int, int], int] = {}
    for numbers in holders.values():
        ordered = sorted(numbers)[:60]
        for k, low in enumerate(ordered):
            for high in ordered[k + 1 :]:
                common[low, high] = common.get((low, high), 0) + 1
    return [pair for pair, alike in common.items() if alike >= ALIKE]
