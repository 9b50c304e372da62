"""Alerts by POST to a URL, signed where a secret is given.

The signature is that of the body and the time of sending: ``Duskwatch-Signature: t=SECONDS,v1=HEX``, where HEX is the
HMAC-SHA256 (RFC 2104) of ``SECONDS.BODY`` with the secret. ``Idempotency-Key`` is the alert's id.
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass

from duskwatch.publication.alerts.channels.channel import Json
from duskwatch.publication.alerts.channels.http import TIMEOUT_S, post

SIGNATURE = "Duskwatch-Signature"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver."""

    name: str
    url: str
    secret: str = ""
    timeout_s: float = TIMEOUT_S

    async def send(self, alert: Json) -> None:
        """POST the document."""
        body = json.dumps(alert, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": alert["id"].encode("ascii", "replace").decode()}
        if self.secret:
            headers[SIGNATURE] = signature(self.secret, body, int(time.time()))
        await post(self.url, body, headers, timeout_s=self.timeout_s)


def signature(secret: str, body: bytes, at_s: int) -> str:
    """The header's value."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={mac.hexdigest()}"


def verified(secret: str, body: bytes, header: str, now_s: int, *, tolerance_s: int = 300) -> bool:
    """Whether a body was signed with the secret, not long ago; what a receiver does."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    if not parts.get("t", "").isdecimal() or abs(now_s - int(parts["t"])) > tolerance_s:
        return False
    return hmac.compare_digest(signature(secret, body, int(parts["t"])), f"t={parts['t']},v1={parts.get('v1', '')}")
