"""The text of a .env file: read as the tools that write such files mean it, and written so that any value comes back.

    text   = lines; a line ends with LF or CR LF, and a mark of byte order at the beginning is skipped
    line   = blank | "#" anything | ["export" | "declare -x"] NAME "=" value ["#" anything]
    value  = nothing | bare | quoted, and more of it without a space between, as in a shell: 'it'\\''s'
    bare   = up to the end of the line, or to a "#" with a space before it; spaces around it do not count
    quoted = '…'   as it stands, over several lines if need be
           | "…"   likewise, but \\n \\r \\t \\\\ \\" \\$ \\` mean what they mean in a shell or a program, and a
                   backslash at the end of a line joins it with the next; any other backslash stands for itself
           | $'…'  as bash writes line ends: \\n \\r \\t \\a \\b \\e \\f \\v \\\\ \\' \\" \\? \\xHH \\uHHHH \\NNN
    NAME   = a letter or underscore, then letters, digits and underscores

Nothing is expanded: a "$" stands for itself. Within quotes CR LF is a line end as LF is. A bare •••• means: keep what
is stored. Spaces are blanks and tabs. What is wrong is told by its line, never by what stands there, which may be a
secret.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bakery.model.errors import BadInput
from bakery.model.secret import Secret

KEPT = "••••"

_START = re.compile(r"[ \t]*(?:(?:export|declare[ \t]+-x)[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
_QUOTED = re.compile(r"[ \t]*(?=['\"]|\$')")
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_BARE = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"[ \t]+#.*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")  # between two quoted parts
_IN_DOUBLE = re.compile(r'\\([nrt\\"$`\n])')
_IN_ANSI = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|([0-7]{1,3})|([nrtabefv\\'\"?]))")
_MEANS: Mapping[str, str] = {
    "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "\n": "",
}  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment. `value` is None for what is to be kept as it is stored."""

    line: int
    name: str
    value: Secret | None


def read_dotenv(text: str, *, field: str = "text") -> tuple[Entry, ...]:
    """Every assignment, in order. Raises BadInput that tells each line that is wrong, up to a few."""
    reading = _Reading(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    reading.run()
    if reading.faults:
        told = [f"Line {line}: {what}" for line, what in reading.faults[:_MOST_FAULTS]]
        more = len(reading.faults) - _MOST_FAULTS
        raise BadInput(" ".join([*told, *([f"And {more} more."] if more > 0 else [])]), field=field)
    return tuple(reading.entries)


def write_dotenv(values: Iterable[tuple[str, Secret | None]]) -> Secret:
    """A line each, or more where a value has line ends. None is written as what is kept."""
    return Secret("".join(f"{name}={KEPT if value is None else _written(value.reveal())}\n" for name, value in values))


class _Reading:
    """From left to right. After a fault it goes on with the next line."""

    def __init__(self, text: str) -> None:
        self.entries: list[Entry] = []
        self.faults: list[tuple[int, str]] = []
        self._text = text
        self._at = 0
        self._lines: dict[str, int] = {}

    def run(self) -> None:
        line = 1
        while self._at < len(self._text):
            begin = self._at
            self._line(line)
            line += self._text.count("\n", begin, self._at)

    def _line(self, line: int) -> None:
        if blank := _BLANK.match(self._text, self._at):
            self._at = max(blank.end(), self._at + 1)
            return
        start = _START.match(self._text, self._at)
        if start is None:
            self._fault(line, "this is not NAME=value, with a name of letters, digits and underscores.")
            return
        self._at = start.end()
        name = start[1]
        if name in self._lines:
            self._fault(line, f"{name} is set on line {self._lines[name]} already.")
            return
        self._lines[name] = line
        if quoted := _QUOTED.match(self._text, self._at):
            self._at = quoted.end()
            self._quoted(line, name)
        else:
            self._bare(line, name)

    def _bare(self, line: int, name: str) -> None:
        found = _BARE.match(self._text, self._at)
        rest = found[0] if found else ""
        value = _COMMENT.sub("", rest, count=1).strip(" \t\r")
        self._at = min(self._at + len(rest) + 1, len(self._text))
        self.entries.append(Entry(line, name, None if value == KEPT else Secret(value)))

    def _quoted(self, line: int, name: str) -> None:
        parts: list[str] = []
        while True:
            if found := _SINGLE.match(self._text, self._at):
                parts.append(found[1])
            elif found := _DOUBLE.match(self._text, self._at):
                parts.append(_IN_DOUBLE.sub(lambda escape: _MEANS.get(escape[1], escape[1]), found[1]))
            elif found := _ANSI.match(self._text, self._at):
                parts.append(_IN_ANSI.sub(_ansi, found[1]))
            elif found := _ESCAPED.match(self._text, self._at):
                parts.append(found[1])
            else:
                break
            self._at = found.end()
        if _QUOTED.match(self._text, self._at):
            self._fault(line, "a quote is never closed.", skip_all=True)
        elif end := _BLANK.match(self._text, self._at):
            self._at = end.end()
            self.entries.append(Entry(line, name, Secret("".join(parts))))
        else:
            self._fault(line, "something follows the closing quote.")

    def _fault(self, line: int, what: str, *, skip_all: bool = False) -> None:
        self.faults.append((line, what))
        end = -1 if skip_all else self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1


def _ansi(escape: re.Match[str]) -> str:
    for digits, base in ((escape[1], 16), (escape[2], 16), (escape[3], 8)):
        if digits is not None:
            return chr(int(digits, base))
    return _MEANS.get(escape[4], escape[4])


def _written(value: str) -> str:
    """As plain as it can be, so that other tools read the same: bare, else in single quotes, else in double ones."""
    if not value or _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\r" not in value:
        return f"'{value}'"
    escaped = re.sub(r'([\\"$`])', r"\\\1", value).replace("\r", r"\r")
    return f'"{escaped}"'
