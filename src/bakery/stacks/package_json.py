"""package.json: what Node's and Bun's projects say about themselves. Any value in it may have any type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bakery.stacks.documents import read_json, table_in, text_in, value_in
from bakery.stacks.tree import Folder, is_plain_path

FILE = "package.json"
_PLACEHOLDER = "no test specified"  # npm init writes a test that fails
_BEFORE_SOURCES = ("preinstall", "install", "postinstall", "prepare")


@dataclass(frozen=True, slots=True)
class Package:
    """`scripts`: by name, as they stand; they are run by their names only. `needs`: the packages at run time."""

    shown: str
    scripts: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    needs_to_build: frozenset[str] = frozenset()
    main: str | None = None
    manager: str | None = None  # as written in “packageManager”: pnpm@9.1.0
    node: str | None = None  # as written in “engines”
    has_workspaces: bool = False
    is_broken: bool = False

    @property
    def all_needs(self) -> frozenset[str]:
        return self.needs | self.needs_to_build

    @property
    def test(self) -> str | None:
        script = self.scripts.get("test", "")
        return None if not script or _PLACEHOLDER in script else script

    @property
    def runs_scripts_on_install(self) -> bool:
        """Then installing may need the sources."""
        return any(name in self.scripts for name in _BEFORE_SOURCES)

    @property
    def starts_with_build_tool(self) -> bool:
        """Does the start script call what is installed for the build only?"""
        words = set(re.findall(r"[@A-Za-z0-9_./-]+", self.scripts.get("start", "")[:1000]))
        return bool(words & self.needs_to_build)


def read_package(folder: Folder) -> Package | None:
    """None when there is no package.json; a broken one is a package that says nothing."""
    if not folder.has(FILE):
        return None
    shown = folder.shown(FILE)
    document = read_json(folder.text(FILE))
    if document is None:
        return Package(shown, is_broken=True)
    main = text_in(document, "module") or text_in(document, "main")
    return Package(
        shown=shown,
        scripts={name: text for name, text in table_in(document, "scripts").items() if _is_script(text)},
        needs=frozenset(table_in(document, "dependencies")),
        needs_to_build=frozenset(table_in(document, "devDependencies")),
        main=_program(folder, main),
        manager=text_in(document, "packageManager"),
        node=text_in(document, "engines", "node"),
        has_workspaces=bool(value_in(document, "workspaces")) or folder.has("pnpm-workspace.yaml"),
    )


def _is_script(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _program(folder: Folder, main: str | None) -> str | None:
    path = (main or "").removeprefix("./")
    return path if is_plain_path(path) and folder.has(path) else None
