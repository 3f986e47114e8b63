"""Where in a repository apps may lie: the top, or the folders that look like an app of their own."""

from itertools import pairwise

from bakery.model.errors import BadInput
from bakery.model.repository_paths import RepositoryPath, parse_repository_path
from bakery.stacks.tree import FileTree

MOST_PLACES = 20
_DEEPEST = 4
# What lies here belongs to something else.
_NO_APPS = frozenset(
    {
        *("node_modules", "vendor", "third_party", "templates", "test", "tests", "fixtures"),
        *("public", "htdocs", "webroot", "wp-admin", "wp-content", "wp-includes"),
        *("doc", "docs", "example", "examples", "scripts", "docker", "deploy", "deployment", "ci", "infra"),
    }
)


def places_below(base: RepositoryPath, tree: FileTree, marks: frozenset[str]) -> tuple[RepositoryPath, ...]:
    """The folders below `base` that hold one of these files; the upper ones first, and none within another."""
    prefix = f"{base}/" if base else ""
    found = {
        folder
        for folder, listing in tree.listings.items()
        if not marks.isdisjoint(listing.marks) and folder.startswith(prefix) and folder not in ("", base)
    }
    places: list[RepositoryPath] = []
    for folder in sorted(found, key=lambda path: (path.count("/"), path)):
        if len(places) == MOST_PLACES:
            break
        if _may_hold_an_app(folder.removeprefix(prefix)) and not any(folder.startswith(f"{one}/") for one in places):
            places.append(RepositoryPath(folder))
    return tuple(places)


def _may_hold_an_app(folder: str) -> bool:
    parts = folder.split("/")
    if len(parts) > _DEEPEST or any(part.startswith(".") for part in parts):
        return False
    # Below “apps” each is one: those of Turborepo are called web and docs.
    if any(part in _NO_APPS and above != "apps" for above, part in pairwise(["", *parts])):
        return False
    try:
        return parse_repository_path(folder) == folder
    except BadInput:
        return False
