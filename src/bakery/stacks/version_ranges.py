"""Which versions somebody is content with: “>=20 <23”, “^3.10”, “~> 3.2”, “8.1 || 8.2”, as many ecosystems write it."""

import re
from collections.abc import Sequence

Version = tuple[int, ...]
_PART = (
    r"(?P<sign>~=|~>|===?|!=|>=|<=|[\^~<>=])?\s*v?"
    r"(?P<version>[0-9]{1,4}(?:\.(?:[0-9]{1,4}|[xX*]))*|[xX*])(?:[-+@][\w.+-]*)?"
)
_BETWEEN = r"([0-9][\w.]*)\s+-\s+([0-9][\w.]*)"
_LONGEST = 100
_NEWEST = 9999  # of a series: what an image's tag of it leads to


def nearest_allowed(text: str, known: Sequence[str], *, usual: str) -> str | None:
    """Of the series that there are, such as “3.12” or “22”, oldest first: the usual one if it is allowed, else the next
    newer that is, else the next older. None where the text makes no sense, or allows none of them.
    """
    if not _is_range(text):
        return None
    newer = [one for one in known if _numbers(one) > _numbers(usual)]
    older = [one for one in reversed(known) if _numbers(one) < _numbers(usual)]
    return next((one for one in (usual, *newer, *older) if allows(text, one)), None)


def allows(text: str, series: str) -> bool:
    """Is the newest version of this series within the range?"""
    return any(_allows_all(part, _numbers(series)) for part in re.split(r"\|\|?", text[:_LONGEST]))


def _is_range(text: str) -> bool:
    return len(text) <= _LONGEST and re.search(_PART, text) is not None and not re.sub(rf"{_PART}|[\s,|-]", "", text)


def _allows_all(text: str, series: Version) -> bool:
    text = re.sub(_BETWEEN, r">=\1 <=\2", text)
    found = list(re.finditer(_PART, text))
    return bool(found) and all(_allows(one["sign"] or "", one["version"], series) for one in found)


def _allows(sign: str, written: str, series: Version) -> bool:  # noqa: PLR0911 - a sign a line
    limit, newest = _numbers(written), (*series, _NEWEST, _NEWEST)
    reaches = newest >= limit
    if not limit:
        return True
    if sign == ">":
        return newest[: len(limit)] > limit
    if sign == "<":
        return newest < limit  # the newest of 3.12 is not below 3.12.4
    if sign == "<=":
        return series <= limit[: len(series)]
    if sign == "!=":
        return "*" not in written or not _agree(series, limit)
    if sign in {"~=", "~>"}:
        return reaches and _agree(series, limit[:-1] if len(limit) > 1 else limit)
    if sign == "^":
        return reaches and _agree(series, limit[: 1 if limit[0] else 2])
    if sign == ">=":
        return reaches
    return _agree(series, limit)  # “=”, “~” and nothing: all of the series that is named


def _agree(one: Version, other: Version) -> bool:
    """As far as both say something."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _numbers(text: str) -> Version:
    """“20.x” is 20."""
    numbers: list[int] = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
