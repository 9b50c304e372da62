"""Channels of alerts, by the kind that the configuration names; one more is a module here and a line below."""

from duskwatch.publication.alerts.channels.alertmanager import Alertmanager
from duskwatch.publication.alerts.channels.apprise import Apprise
from duskwatch.publication.alerts.channels.atom import AtomFile
from duskwatch.publication.alerts.channels.channel import Channel, RefusedError, UndeliveredError
from duskwatch.publication.alerts.channels.lines import Lines
from duskwatch.publication.alerts.channels.webhook import Webhook

CHANNELS = {"webhook": Webhook, "alertmanager": Alertmanager, "apprise": Apprise, "atom": AtomFile, "lines": Lines}

__all__ = [
    "CHANNELS",
    "Alertmanager",
    "Apprise",
    "AtomFile",
    "Channel",
    "Lines",
    "RefusedError",
    "UndeliveredError",
    "Webhook",
]
