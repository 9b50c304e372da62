"""Every signal that duskwatch measures: a new one is declared by its measure and is a line here."""

from duskwatch.records.signals import SignalSpec
from duskwatch.signals.bgp import measures as bgp

SIGNALS: tuple[SignalSpec, ...] = (*bgp.SPECS,)
