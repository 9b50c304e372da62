"""Outages of a country, its networks and prefixes into incidents, each with the smallest entity that explains it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member, Share
from duskwatch.records.outages import Outage
from duskwatch.records.times import HOUR, MINUTE

NEAR_US = 10 * MINUTE  # parts of one whole that fall within this fell together,
TOGETHER = 0.1  # if they make up so much of it: in a large country some network or other falls every few minutes
LATE_US = HOUR  # a part that fell so long after the whole, or longer, does not explain it
OVERLAP = 0.5  # of the shorter of two outages must lie in the other; of the whole's, in that of a part that explains it
EXPLAINS = 0.8  # of the loss must be made up
ALL = 0.9995  # a part from which on it is no smaller than the whole
MOST = 3  # entities that may share the explanation

Above = Mapping[Entity, tuple[tuple[Entity, float], ...]]
"""What each entity is part of, nearest first, and how large a part of it what is below is."""


@dataclass(frozen=True, slots=True)
class _Item:
    entity: Entity
    number: int
    outage: Outage


def incidents(outages: Mapping[Entity, Sequence[Outage]], shares: Mapping[Entity, Share]) -> tuple[Incident, ...]:
    """Outages grouped into incidents, in order of onset; each outage is in one.

    shares   of what larger entity each is a part, and how large a part; entities that are part of nothing are absent

    An outage of a part belongs to that of the whole where half of the shorter lies in the other. Outages of parts of
    the same whole that began within ``NEAR_US`` belong together where they make up ``TOGETHER`` of it, also where the
    whole had none. The cost grows with the number of outages and with that of pairs that belong together.
    Raises ValueError where an entity is a part of itself.
    """
    above = {entity: _above(entity, shares) for entity in sorted({*outages, *shares}, key=_name)}
    items = [_Item(entity, k, outage) for entity, found in outages.items() for k, outage in enumerate(found)]
    items.sort(key=lambda item: (item.outage.onset.best_us, len(above[item.entity]), *_name(item.entity), item.number))
    group = list(range(len(items)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    for a, b in (*_wholes_and_parts(items, above), *_together(items, above, shares)):
        first, second = sorted((root(a), root(b)))
        group[second] = first
    members: dict[int, list[_Item]] = {}
    for at, item in enumerate(items):
        members.setdefault(root(at), []).append(item)
    return tuple(_incident(joined, above, shares) for joined in members.values())


def _name(entity: Entity) -> tuple[str, str]:
    return entity.type, entity.code


def _above(entity: Entity, shares: Mapping[Entity, Share]) -> tuple[tuple[Entity, float], ...]:
    out: list[tuple[Entity, float]] = []
    at, part = entity, 1.0
    while at in shares:
        parent = shares[at].parent
        if parent == entity or any(parent == larger for larger, _ in out):
            raise ValueError(f"{entity.code} is a part of itself")
        out.append((parent, part))
        part *= shares[parent].part if parent in shares else 1.0
        at = parent
    return tuple(out)


def _wholes_and_parts(items: Sequence[_Item], above: Above) -> Iterator[tuple[int, int]]:
    """Outages of a whole and of a part of it that belong together, as pairs of places in ``items``."""
    wholes = {whole for chain in above.values() for whole, _ in chain}
    places: dict[Entity, list[int]] = {}
    for at, item in enumerate(items):
        if item.entity in wholes:
            places.setdefault(item.entity, []).append(at)
    begins = {entity: [items[at].outage.onset.best_us for at in at_items] for entity, at_items in places.items()}
    ends = {
        entity: list(accumulate((_end(items[at].outage) for at in at_items), max))
        for entity, at_items in places.items()
    }
    for b, item in enumerate(items):
        for whole, _ in above[item.entity]:
            if whole not in places:
                continue
            first = bisect_left(ends[whole], item.outage.onset.best_us)
            last = bisect_right(begins[whole], _end(item.outage))
            for a in places[whole][first:last]:
                if _overlap(items[a].outage, item.outage) >= OVERLAP * min(
                    _length(items[a].outage), _length(item.outage)
                ):
                    yield a, b


def _together(items: Sequence[_Item], above: Above, shares: Mapping[Entity, Share]) -> Iterator[tuple[int, int]]:
    """Outages of parts of one whole that began together and matter to it."""
    parts: dict[Entity, list[int]] = {}
    for at, item in enumerate(items):
        if above[item.entity]:
            parts.setdefault(above[item.entity][0][0], []).append(at)
    for siblings in parts.values():
        begins = [items[at].outage.onset.best_us for at in siblings]
        first = 0
        while first < len(siblings):
            after = bisect_right(begins, begins[first] + NEAR_US)
            lost: dict[Entity, float] = {}
            for at in siblings[first:after]:
                item = items[at]
                part = shares[item.entity].at(item.number) * item.outage.depth
                lost[item.entity] = max(part, lost.get(item.entity, 0.0))
            if sum(lost.values()) >= TOGETHER and len(lost) > 1:
                for at in siblings[first + 1 : after]:
                    yield siblings[first], at
            first = after


def _end(outage: Outage) -> int:
    """End of an outage; while it lasts, that of what is known of it."""
    return outage.end.best_us if outage.end is not None else outage.onset.best_us + outage.duration_us


def _length(outage: Outage) -> int:
    return _end(outage) - outage.onset.best_us


def _overlap(one: Outage, other: Outage) -> int:
    """How long both lasted at once; below 0 where one was over before the other."""
    return min(_end(one), _end(other)) - max(one.onset.best_us, other.onset.best_us)


def _incident(items: Sequence[_Item], above: Above, shares: Mapping[Entity, Share]) -> Incident:
    whole = _whole([item.entity for item in items], above)
    members = []
    for item in items:
        part = 1.0
        if item.entity != whole:
            part = dict(above[item.entity])[whole] * shares[item.entity].at(item.number)
        members.append(Member(item.entity, item.outage, item.number, part))
    ends = [item.outage.end for item in items]
    ended = [end.best_us for end in ends if end is not None]
    fallen = [member for member in members if member.entity == whole]
    main = max(fallen, key=lambda member: (member.outage.depth, member.outage.duration_us), default=None)
    start = min((member.outage.onset.best_us for member in fallen), default=None)
    parts = _parts(whole, members, shares, start, main.outage if main is not None else None)
    lost = main.outage.depth if main is not None else min(1.0, sum(member.lost for member in parts))
    explained_by, explained = _explanation(parts, lost, members, shares)
    return Incident(
        whole,
        min(item.outage.onset.best_us for item in items),
        max(ended) if len(ended) == len(ends) else None,
        lost,
        tuple(sorted(members, key=lambda m: (m.outage.onset.best_us, len(above[m.entity]), -m.part, *_name(m.entity)))),
        explained_by,
        explained,
    )


def _whole(entities: Sequence[Entity], above: Above) -> Entity:
    """The smallest entity that all are part of, or that is one of them and holds the others."""
    chains = [[entity, *(e for e, _ in above[entity])] for entity in entities]
    return next(entity for entity in chains[0] if all(entity in chain for chain in chains))


def _explanation(
    parts: Sequence[Member], lost: float, members: Sequence[Member], shares: Mapping[Entity, Share]
) -> tuple[tuple[Member, ...], float]:
    """The smallest entities that make up the loss of the whole, and how much of it they do.

    From the whole downwards: the fewest parts (at most MOST, the largest losses first) whose share times depth adds
    up to EXPLAINS of what is to be explained; each of them is explained further by its own parts, where one alone
    does.
    """
    if not parts or lost <= 0:
        return (), 0.0
    chosen: list[Member] = []
    made = 0.0
    for member in sorted(parts, key=lambda m: (-m.lost, *_name(m.entity)))[:MOST]:
        chosen.append(member)
        made += member.lost
        if made >= EXPLAINS * lost:
            return tuple(_down(member, members, shares) for member in chosen), min(1.0, made / lost)
    return (), 0.0


def _parts(
    whole: Entity,
    members: Sequence[Member],
    shares: Mapping[Entity, Share],
    start_us: int | None,
    outage: Outage | None,
) -> list[Member]:
    """Members that are parts of an entity, one level down, and may explain its outage: of each its worst.

    Those that fell ``LATE_US`` after the start or later do not, nor those that were out for less than half of it.
    """
    worst: dict[Entity, Member] = {}
    covered: dict[Entity, int] = {}
    for member in members:
        share = shares.get(member.entity)
        if share is None or share.parent != whole:
            continue
        if outage is not None:
            shared = max(0, _overlap(member.outage, outage))
            covered[member.entity] = covered.get(member.entity, 0) + shared
        if start_us is not None and member.outage.onset.best_us - start_us >= LATE_US:
            continue
        if member.entity not in worst or member.lost > worst[member.entity].lost:
            worst[member.entity] = member
    if outage is None:
        return list(worst.values())
    return [member for entity, member in worst.items() if covered[entity] >= OVERLAP * _length(outage)]


def _down(member: Member, members: Sequence[Member], shares: Mapping[Entity, Share]) -> Member:
    """The smallest entity inside a member that alone explains its loss; itself where there is none.

    A prefix that is all of a network is not smaller: the network has a name.
    """
    parts = _parts(member.entity, members, shares, member.outage.onset.best_us, member.outage)
    best = max(parts, key=lambda m: m.lost, default=None)
    if best is None or best.lost < EXPLAINS * member.lost or best.part >= ALL * member.part:
        return member
    return _down(best, members, shares)
