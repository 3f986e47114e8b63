"""What bears a name that decides, and does not count: a link, a folder, a Dockerfile without a word."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from bakery.stacks.dockerfile import FILE as DOCKERFILE
from bakery.stacks.dockerfile import says_nothing
from bakery.stacks.tree import Folder

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_MOST = 5


def left_out(folder: Folder, here: frozenset[str], above: frozenset[str]) -> Iterator[str]:
    """A sentence for each. `here`: the names and patterns that are looked for in this folder; `above`: in all above."""
    if folder.has(DOCKERFILE) and says_nothing(folder, DOCKERFILE):
        yield f"{folder.shown(DOCKERFILE)} is empty, or no text, so it does not count."
    for name in sorted(here.intersection(folder.folders)):
        yield f"{folder.shown(name)} is a folder, so it does not count."
    for place in folder.and_above:
        for name in place.links:
            if _is_looked_for(name, above if place.path != folder.path else here | above):
                yield f"{place.shown(name)} is a link, which is not followed, so it does not count."


def nearly(folder: Folder) -> Iterator[str]:
    """What people may have meant, where nothing else says anything."""
    for name in [one for one in folder.below("*ockerfile*", deepest=2) if _is_a_dockerfile(one)][:_MOST]:
        yield f"{folder.shown(name)} may be its Dockerfile: name it as [build] dockerfile in bakery.toml."
    for name in folder.present("Containerfile"):
        yield f"{folder.shown(name)} does not count by itself: name it as [build] dockerfile in bakery.toml."
    for name in folder.present(*_COMPOSE):
        yield f"{folder.shown(name)} is Compose's, which is not read: each app is told by a Dockerfile or by its files."


def _is_a_dockerfile(path: str) -> bool:
    name = path.rpartition("/")[2]
    if path == DOCKERFILE or name.endswith(".dockerignore"):
        return False
    return re.fullmatch(r"(?:Dockerfile(?:[.-][\w.-]+)?|[\w.-]+\.[Dd]ockerfile)", name) is not None


def _is_looked_for(name: str, patterns: frozenset[str]) -> bool:
    return name in patterns or any(
        "*" in one and one.count("/") == name.count("/") and fnmatchcase(name, one) for one in patterns
    )
