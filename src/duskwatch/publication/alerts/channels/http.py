"""One POST, and what its answer says of the delivery."""

import httpx

from duskwatch.publication.alerts.channels.channel import RefusedError, UndeliveredError

TIMEOUT_S = 10.0
# 408, 425, 429: later may be better. All other answers of 400 and more below 500 are about what was sent.
PASSING = (408, 425, 429)


async def post(url: str, body: bytes, headers: dict[str, str], *, timeout_s: float = TIMEOUT_S) -> None:
    """POST JSON; redirects are not followed. UndeliveredError or RefusedError where it was not taken."""
    sent = {"Content-Type": "application/json", "User-Agent": "duskwatch", **headers}
    try:
        async with httpx.AsyncClient(timeout=timeout_s, follow_redirects=False) as client:
            answer = await client.post(url, content=body, headers=sent)
    except (httpx.HTTPError, OSError) as error:
        raise UndeliveredError(f"{type(error).__name__}: {error}"[:300]) from None
    if 200 <= answer.status_code < 300:
        return
    text = f"answer {answer.status_code}"
    if 400 <= answer.status_code < 500 and answer.status_code not in PASSING:
        raise RefusedError(text)
    raise UndeliveredError(text)
