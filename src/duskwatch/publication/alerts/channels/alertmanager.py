"""Alerts to Prometheus Alertmanager (API v2, POST /api/v2/alerts): one alert for each outage, resolved when it ends.

Labels tell an alert from others, so that only what never changes of an outage is a label.
"""

import json
from dataclasses import dataclass

from duskwatch.publication.alerts.channels.channel import Json
from duskwatch.publication.alerts.channels.http import TIMEOUT_S, post

NAME = "DuskwatchOutage"


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One Alertmanager. ``url`` is its root, as http://127.0.0.1:9093."""

    name: str
    url: str
    labels: tuple[tuple[str, str], ...] = ()  # that are added
    timeout_s: float = TIMEOUT_S

    async def send(self, alert: Json) -> None:
        """POST the outage as it is now."""
        body = json.dumps([posted(alert, dict(self.labels))], ensure_ascii=False).encode()
        await post(f"{self.url.rstrip('/')}/api/v2/alerts", body, {}, timeout_s=self.timeout_s)


def posted(alert: Json, labels: dict[str, str]) -> Json:
    """One element of what is posted."""
    entity = alert["entity"]
    out: Json = {
        "labels": {
            "alertname": NAME, "entity": entity["code"], "entity_type": entity["type"], "outage": alert["outage"],
            **labels,
        },
        "annotations": {
            "summary": alert["text"], "stage": alert["stage"], "severity": alert["severity"], "phase": alert["phase"],
            "depth": f"{alert['depth']:.3f}", "name": entity["name"],
        },
        "startsAt": alert["onset"]["best"],
    }  # fmt: skip
    if alert["state"] != "open":
        out["endsAt"] = alert["end"] or alert["at"]
    return out
