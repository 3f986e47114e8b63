"""What the helper is told, and what it answers."""

from __future__ import annotations

import errno
import json
import os
import sys

LONGEST_INPUT = 8 * 1024 * 1024
HINT = "Hint: "
NO_SUCH_VERB = "There is no such verb."
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def say(what: dict[str, object]) -> None:
    write_all(1, (json.dumps(what) + "\n").encode())


def sentence(error: BaseException) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror or str(error)


def hinted(sentence: str, hint: str) -> str:
    """A refusal with what to do next, for `sys.exit`."""
    return f"{sentence}\n{HINT}{hint}"


def refusal(error: OSError) -> str:
    """What a verb ends with that the machine did not let do its work."""
    if error.errno not in NO_ROOM:
        return sentence(error)
    return hinted(
        f"A disk of this node is full: {sentence(error)}.",
        "Make room there, and try again. What Bakery can take away itself, the tab Disk of the node's page says.",
    )


def told_object(fields: set[str], *, what: str, may: frozenset[str] = frozenset()) -> dict[str, object]:
    """The line of input, which has to be a JSON object with exactly these fields; those of `may` may be left out."""
    try:
        told = json.loads(sys.stdin.buffer.readline(LONGEST_INPUT))
    except (ValueError, RecursionError):
        sys.exit(f"{what} is not described in JSON.")
    if not isinstance(told, dict) or set(told) - may != fields:
        sys.exit(f"{what} is described by exactly these: {', '.join(sorted(fields))}.")
    return told


def is_text(value: object, *, may_hold_nul: bool = False) -> bool:
    """JSON has room for texts that are none, with half of a surrogate pair."""
    if not isinstance(value, str) or ("\0" in value and not may_hold_nul):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole_number(told: dict[str, object], name: str, least: int, most: int) -> int:
    value = told[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        sys.exit(f"{name} has to be a whole number from {least} to {most}.")
    return value


def write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
