"""Of whole tables what one network's dependence is read from: its prefixes, and those that lie in them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.ways import own_space
from duskwatch.signals.bgp.collector_part import CollectorPart
from duskwatch.signals.bgp.log import Op
from duskwatch.signals.bgp.start_table import HELD
from duskwatch.signals.bgp.vote_units import number_units


def of_network(parts: Sequence[CollectorPart], asn: int) -> tuple[tuple[CollectorPart, ...], npt.NDArray[np.bool_]]:
    """The parts with what an AS originates at any time of the window, and whatever lies within, whoever originates it.

    Also which of these prefixes it originates, bool[P], in the order in which votes have them.
    """
    units = number_units(parts)
    originated = np.zeros(len(units.afi), np.bool_)
    for part, number in zip(parts, units.numbers, strict=True):
        mine = part.paths.ends().origin == asn
        held = (part.start.cells[: len(number)] & HELD) != 0
        some = (held & mine[part.start.routes[: len(number)]]).any(axis=1)
        rows = (part.log.prefix >= 0) & ((part.log.op == Op.HOLD) | (part.log.op == Op.DUMPED_HOLD))
        some[part.log.prefix[rows & mine[part.log.route]]] = True
        originated[number[some & (number >= 0)]] = True
    wanted = originated.copy()
    for address_family in (1, 2):
        parent, net = np.empty(len(originated), np.int32), np.empty(len(originated), np.int64)
        own_space(units.afi, units.hi, units.lo, units.length, address_family, parent, net)
        # A prefix comes after the one that it lies in.
        for p in np.flatnonzero(parent >= 0).tolist() if wanted.any() else ():
            wanted[p] |= wanted[parent[p]]
    picked = tuple(
        part.of_prefixes(np.flatnonzero((number >= 0) & wanted[np.maximum(number, 0)]))
        for part, number in zip(parts, units.numbers, strict=True)
    )
    return picked, originated[wanted]
