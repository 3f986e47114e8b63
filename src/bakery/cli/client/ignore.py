"""Which files of a folder are not sent: the rules of .gitignore and .dockerignore, as far as folders use them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

ALWAYS = (".git/", ".hg/", ".svn/", "node_modules/", "__pycache__/", ".venv/", ".DS_Store")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    keeps: bool  # written with a “!”
    folders_only: bool


class IgnoreRules:
    """Rules in order; the last one that fits decides."""

    def __init__(self, lines: Iterable[str], *, from_root: bool) -> None:
        """`from_root`: a pattern without a slash means the top folder only, as in .dockerignore."""
        self._rules = [rule for line in lines if (rule := _parse(line, from_root=from_root))]

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        return self.verdict(path, is_folder=is_folder) is True

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Ignored or kept; None: no rule says. `path` is relative to the rules' folder, with “/” between its parts."""
        for rule in reversed(self._rules):
            if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(path):
                return not rule.keeps
        return None


def _parse(line: str, *, from_root: bool) -> _Rule | None:
    text = line.rstrip()
    if not text or text.startswith("#"):
        return None
    keeps = text.startswith("!")
    text = text.removeprefix("!").removeprefix("\\")
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    anywhere = not from_root and "/" not in text
    text = text.removeprefix("./").lstrip("/")
    if not text:
        return None
    return _Rule(re.compile(("(?:.*/)?" if anywhere else "") + _expression(text)), keeps, folders_only)


def _expression(pattern: str) -> str:
    """`*` and `?` stay within one folder; `**` crosses them."""
    parts = []
    for piece in re.split(r"(\*\*/|/\*\*|\*\*|\*|\?|\[[^\]/]+\])", pattern):
        match piece:
            case "**/":
                parts.append("(?:.*/)?")
            case "/**":
                parts.append("/.*")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if len(piece) > 2 and piece[0] == "[" and piece[-1] == "]":
                inside = piece[1:-1].replace("\\", "\\\\").replace("[", "\\[")
                parts.append(f"[^{inside[1:]}]" if inside[0] in "!^" and len(inside) > 1 else f"[{inside}]")
            case _:
                parts.append(re.escape(piece))
    return "".join(parts)
