"""How long something took, in as many digits as matter."""

from datetime import timedelta

_MINUTE, _HOUR = 60, 3600


def duration(length: timedelta) -> str:
    """“0.4 s”, “38 s”, “2:10”, “1:02:10”. From a minute on as a running clock shows it."""
    exact = max(length.total_seconds(), 0)
    if exact < 10:
        return f"{exact:.1f} s"
    seconds = round(exact)
    if seconds < _MINUTE:
        return f"{seconds} s"
    hours, minutes = seconds // _HOUR, seconds % _HOUR // _MINUTE
    rest = f"{seconds % _MINUTE:02}"
    return f"{hours}:{minutes:02}:{rest}" if hours else f"{minutes}:{rest}"
