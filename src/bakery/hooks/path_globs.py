"""Which changed files matter to an app: `*` within a folder, `**` across folders, and a folder with all in it."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bakery.model.errors import BadInput

MOST = 20
_LONGEST = 200
_MOST_STARS = 6
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
        return is_below(glob.rstrip("/"), path)
    return _pattern(f"{glob}**" if glob.endswith("/") else glob).matches(path)


def is_below(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def any_matches(globs: Sequence[str], paths: Iterable[str]) -> bool:
    return any(matches(glob, path) for path in paths for glob in globs)


class _Pattern:
    """All places in the glob that a path may have come to, as bits of a number. The time grows with the path alone: a
    regular expression, which tries one place after the other, would take hours for what a stranger could write.
    """

    def __init__(self, glob: str) -> None:
        self._steps: dict[str, int] = {}  # by character: from where it leads on
        self._step_by_any = self._stay_by_any = self._stay_in_folder = 0
        self._skip = self._skip_two = 0  # from where it goes on without a character
        place = 1
        for piece in _PIECE.findall(glob):
            if piece == "**/":  # nothing, or anything up to a slash
                self._skip |= place
                self._skip_two |= place
                self._stay_by_any |= place << 1
                self._steps["/"] = self._steps.get("/", 0) | place << 1
                place <<= 2
                continue
            for one in [piece] if piece in {"*", "**"} else piece:
                if one == "?":
                    self._step_by_any |= place
                elif one in {"*", "**"}:
                    self._skip |= place
                    self._stay_by_any |= place if one == "**" else 0
                    self._stay_in_folder |= place
                else:
                    self._steps[one] = self._steps.get(one, 0) | place
                place <<= 1
        self._end = place

    def matches(self, path: str) -> bool:
        places = self._all_from(1)
        for one in path:
            leads, stays = self._steps.get(one, 0), self._stay_by_any
            if one != "/":
                leads |= self._step_by_any
                stays |= self._stay_in_folder
            places = self._all_from((places & leads) << 1 | places & stays)
            if not places:
                return False
        return bool(places & self._end)

    def _all_from(self, places: int) -> int:
        while True:
            more = places | (places & self._skip) << 1 | (places & self._skip_two) << 2
            if more == places:
                return places
            places = more


@lru_cache(maxsize=256)
def _pattern(glob: str) -> _Pattern:
    return _Pattern(glob)
