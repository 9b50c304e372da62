"""Times: microseconds since 1970-01-01 UTC inside, ISO 8601 at the edges."""

from datetime import UTC, datetime, timedelta

from duskwatch.records.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def parse_time(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 time; UTC where it names no offset.

    A date alone is its midnight; digits alone are seconds since the epoch. Raises ValueError naming the text.
    """
    stripped = text.strip()
    if stripped.isdigit() and len(stripped) >= 9:
        return int(stripped) * SECOND
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        raise InputError(f"'{text}' is not a time; write it like 2014-12-22T16:15Z or 2014-12-22") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_datetime(time_us: int) -> datetime:
    """The moment as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=int(time_us))


def iso(time_us: int) -> str:
    """ISO 8601 with Z; microseconds only where there are any."""
    moment = to_datetime(time_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06d}" if moment.microsecond else "") + "Z"


def span_text(duration_us: int) -> str:
    """A duration in words a person reads: ``9 h 31 min``, ``2 d 3 h``, ``45 s``."""
    seconds = round(duration_us / SECOND)
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        parts = [(days, "d"), (hours, "h")]
    elif hours:
        parts = [(hours, "h"), (minutes, "min")]
    elif minutes:
        parts = [(minutes, "min"), (seconds, "s")]
    else:
        return f"{seconds} s"
    return " ".join(f"{n} {unit}" for i, (n, unit) in enumerate(parts) if n or i == 0)
