"""The headline of a command that failed: which it was, and the last line that it said."""

import re
import shlex

from bakery.store import logs
from bakery.store.store import Store

_LONGEST = 160
_END = 16 * 1024  # bytes of a log in which its last line is looked for
_OF_OURS = ("$ ", "▸ ")
_NOTE_OF_OURS = "[Bakery: "  # as the helper ends the log of a build
_NOT_TEXT = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]")


def headline(what: str, how: str, argv: tuple[str, ...], said: str) -> str:
    """`how` it ended. Without an argv it is Bakery's own command, which tells nobody anything."""
    command = f"`{_cut(shlex.join(argv))}`" if argv else "it"
    if not said:
        return f"{what} {how}: {command} said nothing." if argv else f"{what} {how}."
    return f"{what} {how}: {command} last said “{said}”."


async def last_line(store: Store, stream: int) -> str:
    """Of what was masked and stored; empty when the command wrote nothing."""
    extent = await logs.extent(store, stream)
    piece = await logs.read(store, stream, max(0, extent.bytes - _END)) if extent else None
    return last_line_of(piece.bytes.decode(errors="replace")) if piece else ""


def last_line_of(log: str) -> str:
    lines = log.splitlines()
    begun = [at for at, line in enumerate(lines) if line.startswith(_OF_OURS)]
    of_command = [_NOT_TEXT.sub("", line).strip() for line in lines[begun[-1] + 1 if begun else 0 :]]
    return next((_cut(line) for line in reversed(of_command) if line and not line.startswith(_NOTE_OF_OURS)), "")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
