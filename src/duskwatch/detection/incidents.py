"""Outages of a country, its networks and prefixes into incidents, each with the smallest entity that explains it."""

from collections.abc import Mapping, Sequence

from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Incident, Member, Share
from duskwatch.records.outages import Outage
from duskwatch.records.times import HOUR, MINUTE

NEAR_US = 10 * MINUTE  # two parts of one whole that fall within this fell together
LATE_US = HOUR  # a part that fell so long after the whole, or longer, does not explain it
OVERLAP = 0.5  # of the shorter of two outages must lie in the other
EXPLAINS = 0.8  # of the loss must be made up
MOST = 3  # entities that may share the explanation


def incidents(outages: Mapping[Entity, Sequence[Outage]], shares: Mapping[Entity, Share]) -> tuple[Incident, ...]:
    """Outages grouped into incidents, in order of onset; each outage is in one.

    shares   of what larger entity each is a part, and how large a part; entities that are part of nothing are absent

    An outage of a part belongs to that of the whole where half of the shorter lies in the other. Outages of two parts
    of the same whole belong together where they began within ``NEAR_US`` of each other, also where the whole had none.
    Raises ValueError where an entity is a part of itself.
    """
    above = {entity: _above(entity, shares) for entity in sorted({*outages, *shares}, key=lambda e: (e.type, e.code))}
    all_ = [(e, k, o) for e, own in outages.items() for k, o in enumerate(own)]
    all_.sort(key=lambda item: (item[2].onset.best_us, len(above[item[0]]), item[0].type, item[0].code))
    group = list(range(len(all_)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    for a, (entity, _, outage) in enumerate(all_):
        for b in range(a + 1, len(all_)):
            other, _, later = all_[b]
            if outage.end is not None and later.onset.best_us > outage.end.best_us + NEAR_US:
                break  # and all that follow
            if _belongs(entity, outage, other, later, above):
                group[root(b)] = root(a)
    members: dict[int, list[tuple[Entity, int, Outage]]] = {}
    for at, item in enumerate(all_):
        members.setdefault(root(at), []).append(item)
    return tuple(_incident(own, above, shares) for own in members.values())


def _above(entity: Entity, shares: Mapping[Entity, Share]) -> tuple[tuple[Entity, float], ...]:
    """What an entity is part of, nearest first, and how large a part."""
    out: list[tuple[Entity, float]] = []
    part = 1.0
    at = entity
    while at in shares:
        part *= shares[at].part
        at = shares[at].parent
        if at == entity or any(at == known for known, _ in out):
            raise ValueError(f"{entity.code} is a part of itself")
        out.append((at, part))
    return tuple(out)


def _belongs(
    a: Entity, first: Outage, b: Entity, second: Outage, above: Mapping[Entity, tuple[tuple[Entity, float], ...]]
) -> bool:
    if a == b:
        return False
    over_a, over_b = [e for e, _ in above[a]], [e for e, _ in above[b]]
    if b in over_a or a in over_b:
        start, stop = max(first.onset.best_us, second.onset.best_us), min(_end(first), _end(second))
        shorter = min(_end(first) - first.onset.best_us, _end(second) - second.onset.best_us)
        return stop - start >= OVERLAP * shorter
    siblings = bool(over_a) and bool(over_b) and over_a[0] == over_b[0]
    return siblings and abs(first.onset.best_us - second.onset.best_us) <= NEAR_US


def _end(outage: Outage) -> int:
    """End of an outage; while it lasts, that of what is known of it."""
    return outage.end.best_us if outage.end is not None else outage.onset.best_us + outage.duration_us


def _incident(
    own: Sequence[tuple[Entity, int, Outage]],
    above: Mapping[Entity, tuple[tuple[Entity, float], ...]],
    shares: Mapping[Entity, Share],
) -> Incident:
    whole = _whole([entity for entity, _, _ in own], above)
    members = []
    for entity, number, outage in own:
        part = 1.0 if entity == whole else dict(above[entity])[whole]
        members.append(Member(entity, outage, number, part))
    ends = [outage.end for _, _, outage in own]
    known = [end.best_us for end in ends if end is not None]
    explained_by, explained = _explanation(whole, members, shares)
    return Incident(
        whole,
        min(outage.onset.best_us for _, _, outage in own),
        max(known) if len(known) == len(ends) else None,
        tuple(sorted(members, key=lambda m: (m.outage.onset.best_us, -m.part, m.entity.code))),
        explained_by,
        explained,
    )


def _whole(entities: Sequence[Entity], above: Mapping[Entity, tuple[tuple[Entity, float], ...]]) -> Entity:
    """The smallest entity that all are part of, or that is one of them and holds the others."""
    chains = [[entity, *(e for e, _ in above[entity])] for entity in entities]
    return next(entity for entity in chains[0] if all(entity in chain for chain in chains))


def _explanation(
    whole: Entity, members: Sequence[Member], shares: Mapping[Entity, Share]
) -> tuple[tuple[Member, ...], float]:
    """The smallest entities that make up the loss of the whole, and how much of it they do.

    From the whole downwards: the fewest parts (at most MOST, the largest losses first) whose share times depth adds
    up to EXPLAINS of what is to be explained; each of them is explained further by its own parts, where one alone
    does. Parts that fell more than LATE_US after the whole explain nothing. Where the whole itself had no outage, the
    loss is that of its parts together.
    """
    fallen = [m for m in members if m.entity == whole]
    start = min((m.outage.onset.best_us for m in fallen), default=None)
    parts = _parts(whole, members, shares, start)
    lost = max((m.outage.depth for m in fallen), default=sum(_lost(m, shares) for m in parts))
    if not parts or lost <= 0:
        return (), 0.0
    chosen: list[Member] = []
    made = 0.0
    for member in sorted(parts, key=lambda m: (-_lost(m, shares), m.entity.code))[:MOST]:
        chosen.append(member)
        made += _lost(member, shares)
        if made >= EXPLAINS * lost:
            break
    if made < EXPLAINS * lost:
        return (), 0.0
    told = [_down(member, members, shares) for member in chosen]
    return tuple(told), min(1.0, made / lost)


def _parts(
    whole: Entity, members: Sequence[Member], shares: Mapping[Entity, Share], start_us: int | None
) -> list[Member]:
    """Members that are parts of an entity, one level down, and fell with it: of each its worst outage."""
    worst: dict[Entity, Member] = {}
    for member in members:
        share = shares.get(member.entity)
        if share is None or share.parent != whole:
            continue
        if start_us is not None and member.outage.onset.best_us - start_us >= LATE_US:
            continue
        if member.entity not in worst or member.outage.depth > worst[member.entity].outage.depth:
            worst[member.entity] = member
    return list(worst.values())


def _lost(member: Member, shares: Mapping[Entity, Share]) -> float:
    """Share of its parent that was lost in a part."""
    return shares[member.entity].part * member.outage.depth


def _down(member: Member, members: Sequence[Member], shares: Mapping[Entity, Share]) -> Member:
    """The smallest entity inside a member that alone explains its loss; itself where there is none."""
    parts = _parts(member.entity, members, shares, member.outage.onset.best_us)
    best = max(parts, key=lambda m: _lost(m, shares), default=None)
    if best is None or _lost(best, shares) < EXPLAINS * member.outage.depth:
        return member
    return _down(best, members, shares)
