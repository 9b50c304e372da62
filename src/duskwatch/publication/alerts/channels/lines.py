"""Alerts as lines: of text for people, of JSON for programs; to standard output or to a file that grows."""

import json
from dataclasses import dataclass
from pathlib import Path

from duskwatch.publication.alerts.channels.channel import Json, UndeliveredError
from duskwatch.publication.terminal import clean

FORMATS = ("text", "jsonl")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines. ``path`` None: standard output."""

    name: str
    format: str = "text"
    path: Path | None = None

    async def send(self, alert: Json) -> None:
        """Write one line."""
        line = json.dumps(alert, ensure_ascii=False) if self.format == "jsonl" else alert_line(alert)
        try:
            if self.path is None:
                print(line, flush=True)
            else:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
        except (OSError, ValueError) as error:
            raise UndeliveredError(str(error)) from None


def alert_line(alert: Json) -> str:
    """Time, severity, stage and text; nothing that a terminal would obey."""
    return clean(f"{alert['at']}  {alert['severity']:<8}  {alert['stage']:<10}  {alert['text']}")
