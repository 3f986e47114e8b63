"""Durations as people write them."""

import re

from bakery.model.errors import BadInput


def parse_days(text: str) -> int:
    """`90d` or `90`."""
    found = re.fullmatch(r"([0-9]{1,5})d?", text.strip())
    if not found:
        raise BadInput(f"“{text}” is not a number of days like 90d.", field="--expires")
    return int(found[1])
