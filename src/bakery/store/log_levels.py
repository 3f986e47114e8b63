"""Which lines of a log tell of an error or a warning: as loggers, compilers and package managers write it."""

import re
from enum import StrEnum

LOOKED_AT = 300  # characters of a line

# viewer.js has the same two; a test compares. `\w` and `\b` are of ASCII in both languages.
ERROR = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE|EMERG|ERR!)(?![\w-])|"
    r"\b(?:[Ee]rror|[Ff]atal|panic|\w*(?:Error|Exception))(?:\[\w+\])?:|"
    r'\blevel"?[=:] ?"?(?:error|fatal|critical|panic)\b|'
    r"[<\[](?:error|fatal|crit|alert|emerg)[>\]]",
    re.ASCII,
)
WARNING = re.compile(
    r"\b(?:WARN|WARNING)(?![\w-])|"
    r"\b(?:[Ww]arn|[Ww]arning|\w+Warning)(?:\[\w+\])?:|"
    r'\blevel"?[=:] ?"?warn(?:ing)?\b|'
    r"[<\[]warn(?:ing)?[>\]]|"
    r"\bnpm warn\b",
    re.ASCII,
)


class Level(StrEnum):
    """How grave a line is. `warning`, as a filter, finds errors too."""

    ERROR = "error"
    WARNING = "warning"


def level_of(line: str) -> Level | None:
    """`line` is what a person sees of it."""
    begin = line[:LOOKED_AT]
    if ERROR.search(begin):
        return Level.ERROR
    return Level.WARNING if WARNING.search(begin) else None


def is_at_least(line: str, level: Level) -> bool:
    found = level_of(line)
    return found is Level.ERROR or (found is not None and found is level)
