"""Which changed files matter to an app: `*` within a folder, `**` across folders, and a folder with all in it."""

import re
from collections.abc import Iterable, Sequence

from bakery.model.errors import BadInput

MOST = 20
_LONGEST = 200
_MOST_STARS = 6  # more would let a long path take long to be looked at
_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")


def parse_globs(texts: Iterable[str], *, field: str = "paths") -> list[str]:
    globs = [text.strip().removeprefix("./") for text in texts if text.strip()]
    if len(globs) > MOST:
        raise BadInput(f"Use at most {MOST} of them.", field=field)
    for glob in globs:
        if len(glob) > _LONGEST or not glob.isprintable():
            raise BadInput(f"Use up to {_LONGEST} printable characters each.", field=field)
        if glob.startswith("/") or ".." in glob.split("/"):
            raise BadInput(f"“{glob}” is not below the top of the repository.", field=field, hint="Like packages/ui/**")
        if glob.count("*") > _MOST_STARS:
            raise BadInput(f"Use at most {_MOST_STARS} stars in one.", field=field)
    return globs


def parse_tag_glob(text: str, *, field: str = "tags") -> str:
    glob = text.strip()
    if len(glob) > _LONGEST or not glob.isprintable() or glob.count("*") > _MOST_STARS:
        raise BadInput("Use the name of a tag, with * for what differs.", field=field, hint="Like v*")
    return glob


def matches(glob: str, path: str) -> bool:
    """Without a star it is a file, or a folder with all in it."""
    if "*" not in glob and "?" not in glob:
        folder = glob.rstrip("/")
        return path == folder or path.startswith(f"{folder}/")
    return _pattern(f"{glob}**" if glob.endswith("/") else glob).fullmatch(path) is not None


def any_matches(globs: Sequence[str], paths: Iterable[str]) -> bool:
    return any(matches(glob, path) for path in paths for glob in globs)


def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in _PIECE.findall(glob)), re.DOTALL)
