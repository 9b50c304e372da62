"""What is refused of a datagram is counted by reason, the first ones with their place."""

from numba import njit

from duskwatch.kernels.flow_layout import DATAGRAM, REFUSALS, REFUSALS_KEPT, REFUSED, WHOSE
from duskwatch.kernels.flow_words import OPTIONS


@njit(**OPTIONS)
def refuse(cursor, reasons, refusals, exporters, at, reason):
    """Count a datagram, or what is left of it, as refused.

    at  octet of the datagram where it does not make sense
    """
    reasons[reason] += 1
    row = cursor[REFUSALS]
    if row < REFUSALS_KEPT:
        refusals[row, 0] = cursor[DATAGRAM]
        refusals[row, 1] = at
        refusals[row, 2] = reason
        cursor[REFUSALS] = row + 1
    if cursor[WHOSE] >= 0:
        exporters.counts[cursor[WHOSE], REFUSED] += 1
