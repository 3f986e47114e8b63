"""A point in time as a person reads it: how long ago, and exactly when."""

from dataclasses import dataclass
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Moment:
    """What `<time>` shows. times.js keeps the words true while the page stays open."""

    iso: str
    exact: str
    relative: str


def now() -> datetime:
    """Pages are rendered at a moment; what they compute is told it."""
    return datetime.now(UTC)


def moment(at: datetime, now: datetime) -> Moment:
    utc = at.astimezone(UTC)
    return Moment(
        iso=utc.isoformat(timespec="seconds"), exact=f"{utc:%Y-%m-%d %H:%M:%S} UTC", relative=_words(utc, now)
    )


def _words(at: datetime, now: datetime) -> str:
    seconds = round((now - at).total_seconds())
    distance = abs(seconds)
    if distance < _MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    if distance < _HOUR:
        text = f"{distance // _MINUTE} min"
    elif distance < _DAY:
        text = f"{distance // _HOUR} h"
    elif distance < 2 * _DAY:
        return "yesterday" if seconds > 0 else "tomorrow"
    elif distance < 30 * _DAY:
        days = distance // _DAY if seconds > 0 else round(distance / _DAY)  # a link that ends in a week says so
        text = f"{days} days"
    else:
        return f"{at:%Y-%m-%d}"
    return f"{text} ago" if seconds > 0 else f"in {text}"
