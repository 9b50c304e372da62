"""Names by which an outage of a report can be cited; the store gives a new outage the same one."""

from collections.abc import Sequence

from duskwatch.records.entity import Entity
from duskwatch.records.outages import Outage
from duskwatch.records.times import to_datetime


def outage_ids(entity: Entity, outages: Sequence[Outage]) -> tuple[str, ...]:
    """``KP-20141222T161455Z``: the entity and the best onset; ``-2`` and so on where two have the same."""
    found: list[str] = []
    for outage in outages:
        base = f"{entity.code.replace('/', '_')}-{to_datetime(outage.onset.best_us):%Y%m%dT%H%M%SZ}"
        again = sum(1 for other in found if other == base or other.startswith(f"{base}-"))
        found.append(f"{base}-{again + 1}" if again else base)
    return tuple(found)
