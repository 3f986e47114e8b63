"""package.json: what Node's and Bun's projects say about themselves. Any value in it may have any type."""

import re
from collections.abc import Mapping

from msgspec import Struct, field

from bakery.stacks.documents import Document, read_json, table_in, text_in, texts_in, value_in
from bakery.stacks.tree import Folder, is_plain_path

FILE = "package.json"
PNPM_WORKSPACE = "pnpm-workspace.yaml"
_PLACEHOLDER = "no test specified"  # npm init writes a test that fails
_BEFORE_SOURCES = ("preinstall", "install", "postinstall", "prepare")
_HOOKS_OF_GIT = r"(?:is-ci \|\| )?(?:npx )?(?:husky(?: install)?|simple-git-hooks|lefthook install)(?: \|\| true)?"
_RUNS_ANOTHER = r"(?:npm run|yarn(?: run)?|pnpm(?: run)?|bun run)\s+([\w:.-]{1,60})"
_MOST_MEMBERS = 60
_MOST_LINES = 200


class Package(Struct, frozen=True):
    """`scripts`: by name, as they stand; they are run by their names only. `needs`: the packages at run time.

    `asks`: of all packages, the versions as they are written. `members`: the patterns of its workspaces.
    """

    shown: str
    name: str | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    needs_to_build: frozenset[str] = frozenset()
    asks: Mapping[str, str] = field(default_factory=dict)
    main: str | None = None
    made_main: str | None = None  # likewise, but not there before the build
    source: str | None = None  # what Parcel begins with
    manager: str | None = None  # as written in “packageManager”: pnpm@9.1.0
    engines: Mapping[str, str] = field(default_factory=dict)
    volta: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    is_library: bool = False  # for other packages to use
    is_broken: bool = False
    is_absent: bool = False  # what is there needs none

    @property
    def all_needs(self) -> frozenset[str]:
        return self.needs | self.needs_to_build

    @property
    def has_workspaces(self) -> bool:
        return bool(self.members)

    @property
    def test(self) -> str | None:
        script = self.scripts.get("test", "")
        return None if not script or _PLACEHOLDER in script else script

    @property
    def runs_scripts_on_install(self) -> bool:
        """Then installing may need the sources. Hooks for Git are the repository's own matter, and do without."""
        found = (self.scripts.get(name, "").strip() for name in _BEFORE_SOURCES)
        return any(script and not re.fullmatch(_HOOKS_OF_GIT, script[:100]) for script in found)

    @property
    def starts_with_build_tool(self) -> bool:
        """Does the start script call what is installed for the build only?"""
        words = set(re.findall(r"[@A-Za-z0-9_./-]+", self.script("start")[:1000]))
        return bool(words & self.needs_to_build)

    @property
    def starts_with_bun(self) -> bool:
        return re.match(r"bunx?\s", self.scripts.get("start", "")) is not None

    @property
    def is_developed_with_bun(self) -> bool:
        return re.match(r"bunx?\s", self.scripts.get("dev", "")) is not None

    @property
    def every_script(self) -> str:
        return "\n".join(self.scripts.values())[:5000]

    def script(self, name: str) -> str:
        """What it runs at last: “npm run x” is what x is. Empty when there is none."""
        text = self.scripts.get(name, "").strip()
        for _ in range(3):
            found = re.fullmatch(_RUNS_ANOTHER, text[:100])
            if not found or found[1] not in self.scripts:
                break
            text = self.scripts[found[1]].strip()
        return text


def read_package(folder: Folder) -> Package | None:
    """None when there is no package.json; a broken one is a package that says nothing."""
    if not folder.has(FILE):
        return None
    shown = folder.shown(FILE)
    document = read_json(folder.text(FILE))
    if document is None:
        return Package(shown, is_broken=shown in folder.tree.contents)
    # Bun's own begin with “module”; in other packages that is for those who bundle them.
    mains = [one.removeprefix("./") for key in ("main", "module") if (one := text_in(document, key))]
    needs, to_build = table_in(document, "dependencies"), table_in(document, "devDependencies")
    return Package(
        shown=shown,
        name=text_in(document, "name"),
        scripts={name: text for name, text in _texts(table_in(document, "scripts")).items() if text.strip()},
        needs=frozenset(needs),
        needs_to_build=frozenset(to_build),
        asks={**_texts(to_build), **_texts(needs)},
        main=next((one for one in mains if is_plain_path(one) and folder.has(one)), None),
        made_main=next((one for one in mains if _is_made(folder, one)), None),
        source=text_in(document, "source"),
        manager=text_in(document, "packageManager") or _manager_for_development(document),
        engines={**_runtime_for_development(document), **_texts(table_in(document, "engines"))},
        volta=_texts(table_in(document, "volta")),
        members=(
            texts_in(document, "workspaces")
            or texts_in(document, "workspaces", "packages")
            or _members_of_pnpm(folder.text(PNPM_WORKSPACE))
        )[:_MOST_MEMBERS],
        is_library=any(value_in(document, key) is not None for key in ("exports", "types", "typings", "publishConfig")),
    )


def _manager_for_development(document: Document) -> str | None:
    """Of “devEngines”, written like “packageManager”."""
    asked = _first_of(document, "packageManager")
    name, version = text_in(asked, "name"), text_in(asked, "version")
    return f"{name}@{version}" if name and version else name


def _runtime_for_development(document: Document) -> Mapping[str, str]:
    asked = _first_of(document, "runtime")
    name, version = text_in(asked, "name"), text_in(asked, "version")
    return {name: version} if name and version else {}


def _first_of(document: Document, kind: str) -> Document:
    """npm allows for one, or for a list of which any will do."""
    asked = value_in(document, "devEngines", kind)
    first = asked[0] if isinstance(asked, list) and asked else asked
    return first if isinstance(first, dict) else {}


def _texts(table: Mapping[str, object]) -> Mapping[str, str]:
    return {name: value for name, value in table.items() if isinstance(value, str)}


def _members_of_pnpm(text: str | None) -> tuple[str, ...]:
    """The list below “packages:”. Nothing else of YAML is needed, and no reader of it."""
    found: list[str] = []
    is_inside = False
    for line in (text or "").splitlines()[:_MOST_LINES]:
        item = re.fullmatch(r"""\s*-\s+["']?([^"'#\s]{1,200})["']?\s*(?:#.*)?""", line)
        if is_inside and item:
            found.append(item[1])
        elif line.strip() and not line.lstrip().startswith("#"):
            is_inside = re.fullmatch(r"packages\s*:\s*", line) is not None
    return tuple(found)


def _is_made(folder: Folder, main: str) -> bool:
    return "/" in main and main.endswith((".js", ".mjs", ".cjs")) and is_plain_path(main) and not folder.has(main)
