"""What a Python project says about itself: which tool installs it, what it needs, which Python it wants."""

import re
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from bakery.stacks.documents import Document, read_toml, table_in, text_in, texts_in
from bakery.stacks.plan import ToolVersion
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

REQUIREMENTS = "requirements.txt"
# Where there is no other: as larger projects name theirs.
_OTHER_REQUIREMENTS = ("requirements/production.txt", "requirements/prod.txt", "requirements/base.txt")
PYPROJECT = "pyproject.toml"
PIPFILE, PIPFILE_LOCK = "Pipfile", "Pipfile.lock"
UV_LOCK, POETRY_LOCK, PDM_LOCK = "uv.lock", "poetry.lock", "pdm.lock"
SETUP, SETUP_CFG = "setup.py", "setup.cfg"
_MEMBERS = (f"*/{PYPROJECT}", f"*/*/{PYPROJECT}")  # of a workspace
READS = (REQUIREMENTS, *_OTHER_REQUIREMENTS, PYPROJECT, PIPFILE, SETUP, SETUP_CFG, *_MEMBERS)
READS_ABOVE = (".python-version", "runtime.txt")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\s*\[([^\]\n]*)\])?")
_OPTION_OR_PATH = re.compile(r"\s*(?:-[rce]\b|--(?:requirement|constraint|editable)|\.|/|file:)")
_ANOTHER_LIST = r"[ \t]*(?:-r|--requirement)[ \t=]*(?:\./)?([\w./-]{1,100}\.txt)[ \t]*(?:#.*)?$"
_MOST_LINES = 5000
_WITHOUT_LOCK = "without a lock, versions may differ."
_USUAL = "3.13"
_KNOWN = tuple(f"3.{minor}" for minor in range(6, 15))  # of ranges; what is asked for by name may be newer
_OLDEST_OF_UV = "3.8"
_SERIES = tuple(f"3.{minor}" for minor in range(6, 20))


class Tool(StrEnum):
    """What installs the project. `NONE`: the standard library is all that it needs."""

    UV = "uv"
    POETRY = "poetry"
    PDM = "pdm"
    PIPENV = "pipenv"
    PIP_REQUIREMENTS = "pip, by requirements.txt"
    PIP_PROJECT = "pip, by pyproject.toml or setup.py"
    NONE = "nothing"


class PythonProject(Struct, frozen=True):
    """`needs`: packages by their normal names, which the file `source` names. `extras`: likewise, `fastapi[standard]`.
    `scripts`: programs that it brings when it is installed itself.
    """

    tool: Tool
    source: str
    needs: frozenset[str]
    extras: frozenset[str]
    needs_for_tests: frozenset[str]
    python: ToolVersion
    asks_for_2: str | None  # which file does, as nothing is made for that any more
    why: tuple[str, ...]
    lock: str | None = None
    lists: tuple[str, ...] = ()  # of packages, which pip reads
    scripts: tuple[str, ...] = ()
    has_members: bool = False
    installs_sources: bool = False  # its dependencies cannot be installed without the rest


class _Installed(Struct, frozen=True):
    tool: Tool
    source: str
    why: str
    lock: str | None = None


def read_python_project(folder: Folder) -> PythonProject:
    project = read_toml(folder.text(PYPROJECT))
    pipfile = read_toml(folder.text(PIPFILE))
    by = _installed(folder, project)
    broken = [
        f"{folder.shown(name)} cannot be read as TOML, so nothing that it says counts."
        for name, document in ((PYPROJECT, project), (PIPFILE, pipfile))
        if folder.has(name) and document is None
    ]
    members = _members(folder, project)
    written = _written(folder, by, (project, *members))
    tables = [table_in(pipfile, "packages")] if by.tool is Tool.PIPENV else []
    tables.append(table_in(project, "tool", "poetry", "dependencies"))
    groups = table_in(project, "dependency-groups")
    for_tests = [text for group in groups for text in texts_in(groups, group)]
    for_tests += texts_in(project, "tool", "uv", "dev-dependencies")
    python, asked = python_version(folder, project, pipfile, oldest=_OLDEST_OF_UV if by.tool is Tool.UV else None)
    named = [found for line in written if (found := _NAME.match(line[:500]))]
    return PythonProject(
        tool=by.tool,
        source=by.source,
        needs=frozenset(map(_normal, [*(found[1] for found in named), *(name for table in tables for name in table)])),
        extras=frozenset(
            f"{_normal(found[1])}[{extra.strip()}]" for found in named if found[2] for extra in found[2].split(",")
        )
        | {
            f"{_normal(name)}[{extra}]"
            for table in tables
            for name in table
            for extra in texts_in(table, name, "extras")
        },
        needs_for_tests=frozenset(_normal(found[1]) for text in for_tests if (found := _NAME.match(text[:500]))),
        python=python,
        asks_for_2=_asks_for_2(folder, project, pipfile),
        why=(*broken, *([by.why] if by.why else []), *_contradictions(folder, by), *asked),
        lock=by.lock,
        lists=_lists(folder, by.lock) if by.tool is Tool.PIP_REQUIREMENTS and by.lock else (),
        scripts=_scripts(project, by.tool),
        has_members=bool(members),
        installs_sources=by.tool is Tool.PIP_PROJECT
        or _has_paths(project)
        or (by.tool is Tool.PIP_REQUIREMENTS and any(_OPTION_OR_PATH.match(line) for line in written)),
    )


def _has_paths(project: Document | None) -> bool:
    """Packages that lie in this repository, as Poetry and uv write them."""
    tables = (table_in(project, "tool", "poetry", "dependencies"), table_in(project, "tool", "uv", "sources"))
    return any(text_in(table, name, "path") is not None for table in tables for name in table)


def _installed(folder: Folder, project: Document | None) -> _Installed:
    """By the lock that a tool left, else by the list that a person keeps, else by what the project says of itself."""
    ways = (_by_lock(folder), _by_list(folder), _by_project(folder, project), _by_setup(folder))
    return next(filter(None, ways), _Installed(Tool.NONE, "", ""))


def _by_lock(folder: Folder) -> _Installed | None:
    for lock, tool, name in (
        (UV_LOCK, Tool.UV, "uv"),
        (POETRY_LOCK, Tool.POETRY, "Poetry"),
        (PDM_LOCK, Tool.PDM, "PDM"),
    ):
        if folder.has(lock) and folder.has(PYPROJECT):
            why = f"{folder.shown(lock)} is here, so {name} installs what it needs."
            return _Installed(tool, folder.shown(PYPROJECT), why, lock)
    return None


def _contradictions(folder: Folder, by: _Installed) -> tuple[str, ...]:
    """Locks of tools that are not the one that installs."""
    others = [one for one in folder.present(UV_LOCK, POETRY_LOCK, PDM_LOCK, PIPFILE_LOCK) if one != by.lock]
    return tuple(f"{folder.shown(one)} contradicts that, and does not count." for one in others if by.lock)


def _by_list(folder: Folder) -> _Installed | None:
    if folder.has(PIPFILE):
        lock = folder.first(PIPFILE_LOCK)
        told = f"{folder.shown(PIPFILE)} is here, so Pipenv installs what it needs"
        why = f"{told}." if lock else f"{told}; {_WITHOUT_LOCK}"
        return _Installed(Tool.PIPENV, folder.shown(PIPFILE), why, lock)
    if requirements := folder.first(REQUIREMENTS, *_OTHER_REQUIREMENTS):
        shown = folder.shown(requirements)
        return _Installed(Tool.PIP_REQUIREMENTS, shown, f"{shown} lists what it needs.", requirements)
    return None


def _by_project(folder: Folder, project: Document | None) -> _Installed | None:
    shown = folder.shown(PYPROJECT)
    for key, tool, name in (("poetry", Tool.POETRY, "Poetry"), ("pdm", Tool.PDM, "PDM")):
        if table_in(project, "tool", key):
            return _Installed(tool, shown, f"{shown} is {name}'s; {_WITHOUT_LOCK}")
    if table_in(project, "project") and not table_in(project, "build-system"):
        return _Installed(Tool.UV, shown, f"{shown} lists what it needs, and uv installs that; {_WITHOUT_LOCK}")
    if text_in(project, "project", "name"):
        return _Installed(Tool.PIP_PROJECT, shown, f"{shown} describes a project; {_WITHOUT_LOCK}")
    return None


def _by_setup(folder: Folder) -> _Installed | None:
    for name, mark in ((SETUP, "setup("), (SETUP_CFG, "[metadata]")):
        if mark in (folder.text(name) or ""):
            shown = folder.shown(name)
            return _Installed(Tool.PIP_PROJECT, shown, f"{shown} describes a project; {_WITHOUT_LOCK}")
    return None


def _members(folder: Folder, project: Document | None) -> tuple[Document, ...]:
    patterns = texts_in(project, "tool", "uv", "workspace", "members")[:50]
    paths = (path for one in patterns for path in folder.matching(f"{one.strip('/')}/{PYPROJECT}"))
    return tuple(found for path in paths if (found := read_toml(folder.text(path))) is not None)


def _written(folder: Folder, by: _Installed, projects: Sequence[Document | None]) -> list[str]:
    """The lines or texts that each begin with a package's name."""
    if by.tool is Tool.PIP_REQUIREMENTS and by.lock:
        return _listed(folder, _lists(folder, by.lock))
    found = [text for project in projects for text in texts_in(project, "project", "dependencies")]
    if by.tool is Tool.PIP_PROJECT:
        listed = re.search(r"install_requires\s{0,20}=\s{0,20}\[([^\]]{0,5000})\]", folder.text(SETUP) or "")
        found += re.findall(r"""["']([^"'\n]{1,200})["']""", listed[1] if listed else "")
        lines = re.search(
            r"^install_requires[ \t]*=((?:\n[ \t]+\S.{0,200}){0,200})", folder.text(SETUP_CFG) or "", re.MULTILINE
        )
        found += lines[1].split("\n") if lines else []
    return found


def _lists(folder: Folder, first: str) -> tuple[str, ...]:
    """A list of packages, and those that it names: in what was read, and as far as that leads."""
    found = [first]
    for name in found:
        place = name.rpartition("/")[0]
        lines = (folder.text(name) or "").splitlines()[:_MOST_LINES]
        named = [one[1] for line in lines if (one := re.match(_ANOTHER_LIST, line[:300]))]
        others = [f"{place}/{one}" if place else one for one in named]
        found += [one for one in others if folder.text(one) is not None and one not in found]
    return tuple(found)


def _listed(folder: Folder, lists: tuple[str, ...]) -> list[str]:
    """The lines of all of them but those by which one names another of them."""
    names = {one.rpartition("/")[2] for one in lists}
    lines = [line for one in lists for line in (folder.text(one) or "").splitlines()[:_MOST_LINES]]
    return [line for line in lines if not _names_one(line, names)][:_MOST_LINES]


def _names_one(line: str, names: set[str]) -> bool:
    found = re.match(_ANOTHER_LIST, line[:300])
    return found is not None and found[1].rpartition("/")[2] in names


def _scripts(project: Document | None, tool: Tool) -> tuple[str, ...]:
    """Only of what is installed as a package itself."""
    names = [*table_in(project, "project", "scripts"), *table_in(project, "tool", "poetry", "scripts")]
    if tool is Tool.POETRY or not table_in(project, "build-system"):
        return ()
    return tuple(name for name in names if re.fullmatch(r"[A-Za-z0-9][\w.-]{0,60}", name))


def python_version(
    folder: Folder, project: Document | None, pipfile: Document | None, *, oldest: str | None = None
) -> tuple[ToolVersion, tuple[str, ...]]:
    """As each place writes it; the usual one where none does, or asks for what there is not."""
    known = _SERIES[_SERIES.index(oldest) :] if oldest else _SERIES
    return chosen_version(
        "Python", _asked(folder, project, pipfile), read=lambda text: _series(text, known), usual=_USUAL
    )


def _asks_for_2(folder: Folder, project: Document | None, pipfile: Document | None) -> str | None:
    """What is asked for first counts."""
    first = next(filter(None, _asked(folder, project, pipfile)), None)
    return first.source if first and re.fullmatch(r"(?:python-|=*)?2(?:\.[\d.*]{1,10})?", first.version) else None


def _asked(folder: Folder, project: Document | None, pipfile: Document | None) -> list[Asked | None]:
    wanted = text_in(project, "project", "requires-python") or text_in(
        project, "tool", "poetry", "dependencies", "python"
    )
    piped = text_in(pipfile, "requires", "python_full_version") or text_in(pipfile, "requires", "python_version")
    return [
        line_in(folder, ".python-version"),
        in_tool_versions(folder, "python"),
        in_mise(folder, "python"),
        line_in(folder, "runtime.txt"),
        Asked(piped, folder.shown(PIPFILE)) if piped else None,
        Asked(wanted, folder.shown(PYPROJECT)) if wanted else None,
    ]


def _series(written: str, known: Sequence[str]) -> str | None:
    found = series(written, 2, prefixes="c?python-") or nearest_allowed(written, _KNOWN, usual=_USUAL)
    return found if found in known else None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name[:200]).lower()
