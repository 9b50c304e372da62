"""Alerts to whatever Apprise speaks to: mail, chat, pagers (https://github.com/caronc/apprise). An extra."""

from dataclasses import dataclass

from duskwatch.publication.alerts.channels.channel import Json, RefusedError, UndeliveredError

KINDS = {"closed": "success", "back-90": "success", "withdrawn": "info", "test": "info"}


@dataclass(frozen=True, slots=True)
class Apprise:
    """One Apprise URL, as ``mailto://`` or ``slack://``; it may hold a secret and is never shown."""

    name: str
    url: str

    async def send(self, alert: Json) -> None:
        """One notification."""
        try:
            import apprise
        except ImportError:
            raise UndeliveredError("Apprise is not installed: pip install 'duskwatch[alerts]'") from None
        told = apprise.Apprise()
        if not told.add(self.url):
            raise RefusedError("the URL is none that Apprise knows")
        entity = alert["entity"]
        taken = await told.async_notify(
            title=f"{entity['name'] or entity['code']}: {alert['stage']}",
            body=alert["text"],
            notify_type=KINDS.get(alert["stage"], "failure" if alert["severity"] == "critical" else "warning"),
        )
        if not taken:
            raise UndeliveredError("the service did not take it")
