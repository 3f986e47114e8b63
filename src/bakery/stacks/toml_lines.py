"""On which line of a TOML document a key stands. The document has been parsed before, so it is known to be sound."""

import re
from collections.abc import Iterator, Mapping

Path = tuple[str, ...]

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r]+ | \#[^\n]*)
    | (?P<text>\"\"\"(?:[^\\]|\\.)*?\"{3,5} | '''.*?'{3,5} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*')
    | (?P<mark>[\[\]{}=,.\n])
    | (?P<bare>[^\s\[\]{}=,.\"'\#]+)
    | (?P<rest>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def lines_of_keys(text: str) -> Mapping[Path, int]:
    """Of every table and key the first line, by its path from the top. Lists of tables have no numbers in it."""
    found: dict[Path, int] = {}
    for path, line in _Reading(text).run():
        for depth in range(1, len(path) + 1):
            found.setdefault(path[:depth], line)
    return found


class _Reading:
    """From left to right, with the table that is open and the brackets around."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._table: Path = ()
        self._key: list[str] = []
        self._open: list[tuple[str, Path]] = []  # brackets, and the path of what is inside
        self._in_value = False
        self._path: Path = ()

    def run(self) -> Iterator[tuple[Path, int]]:
        line, starts_line = 1, True
        in_header = False
        for token in _TOKEN.finditer(self._text):
            word = token[0]
            if token["blank"]:
                continue
            if in_header:
                if word == "\n":
                    in_header = False
                    self._table, self._key = tuple(self._key), []
                    yield self._table, line
                else:
                    self._add(token)
            elif word == "[" and starts_line and not self._open:
                in_header, self._key = True, []
            else:
                yield from ((path, line) for path in self._take(token))
            line += word.count("\n")
            starts_line = word == "\n"
        if in_header:
            yield tuple(self._key), line

    def _take(self, token: re.Match[str]) -> Iterator[Path]:
        word = token[0]
        if self._in_value:
            self._take_value(word)
        elif word == "=":
            around = self._open[-1][1] if self._open else self._table
            self._path, self._key, self._in_value = (*around, *self._key), [], True
            yield self._path
        elif word == "}":
            self._close()
        elif word not in {"\n", ","}:
            self._add(token)

    def _take_value(self, word: str) -> None:
        match word:
            case "[":
                self._open.append(("[", self._path))
            case "{":
                self._open.append(("{", self._path))
                self._in_value = False
            case "]" | "}":
                self._close()
            case ",":
                self._in_value = not self._is_in_table()
            case "\n":
                self._in_value = bool(self._open)

    def _close(self) -> None:
        if self._open:
            self._path = self._open.pop()[1]
        self._key, self._in_value = [], True

    def _is_in_table(self) -> bool:
        return bool(self._open) and self._open[-1][0] == "{"

    def _add(self, token: re.Match[str]) -> None:
        if token["bare"]:
            self._key.append(token["bare"])
        elif token["text"]:
            self._key.append(token["text"].strip("\"'"))
