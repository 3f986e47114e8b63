"""Durations as people write them: `30s`, `500ms`, `5m`, `1h`, or a number of seconds."""

import re

from bakery.model.errors import BadInput

_DURATION = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,3}))?(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_seconds(value: str | float, *, field: str, at_least: float = 0.0, at_most: float = 86_400.0) -> float:
    text = value.strip() if isinstance(value, str) else f"{value:.3f}"
    found = _DURATION.fullmatch(text) if text.isascii() else None
    if found is None:
        raise BadInput("This is no duration.", field=field, hint="Like 30s, 500ms, 5m or 1h.")
    seconds = round(float(f"{found[1]}.{found[2] or 0}") * _SECONDS[found[3] or "s"], 3)
    if not at_least <= seconds <= at_most:
        raise BadInput(f"Use a duration from {at_least:g} to {at_most:g} seconds.", field=field)
    return seconds
