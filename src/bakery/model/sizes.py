"""Amounts of bytes as people read them: `80 MB`, `1.2 GB`; and of memory as they write them: `512M`, `1G`, `1.5GiB`.
Units are powers of 1024, as for Docker."""

import re

from bakery.model.errors import BadInput

SMALLEST_MEMORY = 8 * 1024**2
LARGEST_MEMORY = 1024**5
MOST_CPUS = 1000
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?(?:([kmgt])(?:i?b)?|b)?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


def parse_memory(value: str | int, *, field: str = "memory") -> int:
    """In bytes."""
    text = value.strip() if isinstance(value, str) else str(value)[:20]
    found = _SIZE.fullmatch(text) if text.isascii() else None
    if found is None:
        raise BadInput("This is no amount of memory.", field=field, hint="Like 512M or 1G.")
    amount = int(float(f"{found[1]}.{found[2] or 0}") * 1024 ** _POWERS.get((found[3] or "").lower(), 0))
    if amount < SMALLEST_MEMORY:
        raise BadInput("Use at least 8M of memory.", field=field, hint="Like 512M or 1G.")
    if amount > LARGEST_MEMORY:
        raise BadInput("That is more memory than there is.", field=field, hint="Like 512M or 1G.")
    return amount


def shown_bytes(count: int) -> str:
    """About so much: two digits that count."""
    megabytes = count / 1024**2
    if megabytes < 1:
        return f"{max(0, round(count / 1024))} KB"
    if megabytes < 1000:
        return f"{megabytes:.0f} MB"
    gigabytes = megabytes / 1024
    amount, unit = (gigabytes, "GB") if gigabytes < 1000 else (gigabytes / 1024, "TB")
    return f"{amount:.0f} {unit}" if amount >= 10 else f"{amount:.1f} {unit}"


def shown_megabytes(count: int) -> str:
    """Exactly, as a limit is set."""
    return f"{count // 1024**2} MB"


def shown_cpus(percent: int) -> str:
    return "1 CPU" if percent == 100 else f"{percent / 100:g} CPUs"
