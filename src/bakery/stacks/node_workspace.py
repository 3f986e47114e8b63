"""Workspaces of npm, pnpm, yarn and bun: several packages in a repository, installed together from the top."""

import re
from fnmatch import fnmatchcase

from msgspec import Struct

from bakery.model.repository_paths import RepositoryPath, joined
from bakery.stacks.nx import NX
from bakery.stacks.package_json import FILE, Package, read_package
from bakery.stacks.tree import Folder, is_plain_path

_MOST_MANIFESTS = 40
_DEEPEST = 3
TURBO = "turbo.json"


class Workspace(Struct, frozen=True):
    """The folder that holds the members, with its manifest; `path` is the member's, below it."""

    folder: Folder
    package: Package
    path: str


def find_workspace(folder: Folder) -> Workspace | None:
    """The nearest above that counts this folder among its members."""
    for above in list(folder.and_above)[1:]:
        package = read_package(above)
        path = folder.path.removeprefix(above.path).strip("/")
        if package and _is_member(path, package.members):
            return Workspace(above, package, path)
    return None


def manifests_of(top: Folder, package: Package) -> tuple[str, ...] | None:
    """Of all members of a workspace, from its top; None where they are too many, or a name would have to be quoted."""
    found = [
        name
        for name in top.below(FILE, deepest=_DEEPEST)
        if "/" in name and "node_modules" not in name and _is_member(name.rpartition("/")[0], package.members)
    ]
    return tuple(found) if len(found) <= _MOST_MANIFESTS and all(map(is_plain_path, found)) else None


def manifest_at(top: Folder, path: str) -> Package:
    """What a member's manifest says; nothing where it cannot be read."""
    where = RepositoryPath(joined(top.path, path.rpartition("/")[0]))
    return read_package(Folder(top.tree, where)) or Package(path)


def build_of_member(workspace: Workspace, package: Package, manager: str) -> tuple[tuple[str, ...], str] | None:
    """What builds a member with those that it needs, and the file that says so; None where nothing is known to."""
    name = package.name or ""
    if not re.fullmatch(r"(?:@[a-z0-9._-]{1,80}/)?[a-z0-9][a-z0-9._-]{0,80}", name) or "build" not in package.scripts:
        return None
    top = workspace.folder
    if top.has(TURBO) and "turbo" in workspace.package.all_needs:
        return ("turbo", "run", "build", f"--filter={name}"), top.shown(TURBO)
    if top.has(NX) and "nx" in workspace.package.all_needs:
        return ("nx", "run-many", "--target=build", f"--projects={name}"), top.shown(NX)
    if manager == "pnpm":
        return ("pnpm", "--filter", f"{name}...", "run", "build"), top.shown("pnpm-workspace.yaml")
    return None


def _is_member(path: str, patterns: tuple[str, ...]) -> bool:
    plain = [pattern.removeprefix("./").rstrip("/") for pattern in patterns]
    if any(pattern.startswith("!") and _fits(path, pattern[1:].removeprefix("./")) for pattern in plain):
        return False
    return any(_fits(path, pattern) for pattern in plain)


def _fits(path: str, pattern: str) -> bool:
    """“*” stays in its folder, “**” does not."""
    if len(pattern) > 200 or pattern.count("*") > 6:
        return False
    if pattern.endswith("/**"):
        return path.startswith(f"{pattern[:-3]}/") if "*" not in pattern[:-3] else False
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
