"""Logs of a live run: a JSON object a line, or a line for people."""

import json
import logging
import sys
from typing import Any

from duskwatch.records.text import printable
from duskwatch.records.times import iso

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """``{"time": ..., "level": ..., "event": ..., fields}``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told: dict[str, Any] = {
            "time": iso(int(record.created * 1e6)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        told |= {key: value for key, value in record.__dict__.items() if key not in STANDARD}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = " ".join(f"{key}={value}" for key, value in record.__dict__.items() if key not in STANDARD)
        stamp = iso(int(record.created * 1e6))
        return printable(f"{stamp} {record.levelname.lower():<7} {record.getMessage()} {fields}".rstrip())


def log_to_stderr(form: str, level: str = "info") -> None:
    """Send the logs of the live driver to stderr, as ``json`` or ``text``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    logger = logging.getLogger("duskwatch.live")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def no_logs() -> None:
    """Keep the logs of the live driver from stderr."""
    logger = logging.getLogger("duskwatch.live")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False
