"""The few lines of a YAML file that matter here. They are looked for as people write them, and nothing is unfolded."""

import re

_LONGEST = 200
_MOST_LINES = 5000


def yaml_value(text: str | None, *keys: str) -> str | None:
    """What stands behind a key, or behind one within another; None where it is no short text on the same line."""
    *around, last = keys
    return next((value for path, value in _pairs(text) if path == (*around, last) and value), None)


def yaml_keys(text: str | None, *keys: str) -> tuple[str, ...]:
    """The keys right below one, in their order."""
    return tuple(path[-1] for path, _ in _pairs(text) if path[:-1] == keys)


def _pairs(text: str | None) -> list[tuple[tuple[str, ...], str]]:
    """Every key with those it lies in, and what stands behind it."""
    found: list[tuple[tuple[str, ...], str]] = []
    open_keys: list[tuple[int, str]] = []
    for line in (text or "").splitlines()[:_MOST_LINES]:
        match = re.match(r"( *)([A-Za-z0-9_][\w./-]*|\"[^\"\n]*\"|'[^'\n]*')[ \t]*:(?:[ \t]+(.*))?$", line[:_LONGEST])
        if match is None:
            continue
        depth = len(match[1])
        while open_keys and open_keys[-1][0] >= depth:
            open_keys.pop()
        open_keys.append((depth, match[2].strip("\"'")))
        if len(open_keys) <= 6:
            found.append((tuple(key for _, key in open_keys), _plain(match[3] or "")))
    return found


def _plain(value: str) -> str:
    value = value.strip()
    if quoted := re.match(r"(['\"])(.*?)\1", value):
        return quoted[2]
    return value.partition(" #")[0].strip()
