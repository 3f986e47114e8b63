"""What a Python project says about itself: which tool installs it, what it needs, which Python it wants."""

import re
from dataclasses import dataclass
from enum import StrEnum

from bakery.stacks.documents import Document, read_toml, table_in, text_in, texts_in
from bakery.stacks.plan import ToolVersion
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

REQUIREMENTS = "requirements.txt"
PYPROJECT = "pyproject.toml"
UV_LOCK = "uv.lock"
POETRY_LOCK = "poetry.lock"
READS = (REQUIREMENTS, PYPROJECT, ".python-version", "runtime.txt")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\s*\[([^\]\n]*)\])?")
_OPTION_OR_PATH = re.compile(r"\s*(?:-[rce]\b|--(?:requirement|constraint|editable)|\.|/|file:)")
_MOST_LINES = 5000
_USUAL = "3.12"
_KNOWN = tuple(f"3.{minor}" for minor in range(8, 15))  # of ranges; what is asked for by name may be newer
_SERIES = tuple(f"3.{minor}" for minor in range(8, 20))


class Tool(StrEnum):
    """What installs the project. `NONE`: the standard library is all that it needs."""

    UV = "uv"
    POETRY = "poetry"
    PIP_REQUIREMENTS = "pip, by requirements.txt"
    PIP_PROJECT = "pip, by pyproject.toml"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class PythonProject:
    """`needs`: packages by their normal names. `extras`: of those, as `fastapi[standard]`."""

    tool: Tool
    needs: frozenset[str]
    extras: frozenset[str]
    needs_for_tests: frozenset[str]
    python: ToolVersion
    why: tuple[str, ...]
    installs_sources: bool = False  # its dependencies cannot be installed without the rest


def read_python_project(folder: Folder) -> PythonProject:
    project = read_toml(folder.text(PYPROJECT))
    tool, why = _tool(folder, project)
    requirements = (folder.text(REQUIREMENTS) or "").splitlines()[:_MOST_LINES]
    written = requirements if tool is Tool.PIP_REQUIREMENTS else list(texts_in(project, "project", "dependencies"))
    poetry = table_in(project, "tool", "poetry", "dependencies")
    groups = table_in(project, "dependency-groups")
    for_tests = [text for group in groups for text in texts_in(groups, group)]
    for_tests += texts_in(project, "tool", "uv", "dev-dependencies")
    python, asked = _python(folder, project)
    named = [found for line in written if (found := _NAME.match(line[:500]))]
    return PythonProject(
        tool=tool,
        needs=frozenset(map(_normal, [*(found[1] for found in named), *poetry])),
        extras=frozenset(
            f"{_normal(found[1])}[{extra.strip()}]" for found in named if found[2] for extra in found[2].split(",")
        ),
        needs_for_tests=frozenset(_normal(found[1]) for text in for_tests if (found := _NAME.match(text[:500]))),
        python=python,
        why=(*why, *asked),
        installs_sources=tool is Tool.PIP_PROJECT
        or (tool is Tool.PIP_REQUIREMENTS and any(_OPTION_OR_PATH.match(line) for line in requirements)),
    )


def _tool(folder: Folder, project: Document | None) -> tuple[Tool, list[str]]:
    broken = folder.has(PYPROJECT) and project is None
    why = [f"{folder.shown(PYPROJECT)} cannot be read as TOML, so nothing that it says counts."] if broken else []
    if folder.has(UV_LOCK) and folder.has(PYPROJECT):
        return Tool.UV, [*why, f"{folder.shown(UV_LOCK)} is here, so uv installs what it needs."]
    if folder.has(POETRY_LOCK) and folder.has(PYPROJECT):
        return Tool.POETRY, [*why, f"{folder.shown(POETRY_LOCK)} is here, so Poetry installs what it needs."]
    if folder.has(REQUIREMENTS):
        return Tool.PIP_REQUIREMENTS, [*why, f"{folder.shown(REQUIREMENTS)} lists what it needs."]
    if text_in(project, "project", "name"):
        return Tool.PIP_PROJECT, [
            f"{folder.shown(PYPROJECT)} describes a project; without a lock, versions may differ."
        ]
    if table_in(project, "tool", "poetry"):
        return Tool.POETRY, [f"{folder.shown(PYPROJECT)} is Poetry's; without its lock, versions may differ."]
    return Tool.NONE, why


def _python(folder: Folder, project: Document | None) -> tuple[ToolVersion, tuple[str, ...]]:
    """As each place writes it; the usual one where none does, or asks for what there is not."""
    wanted = text_in(project, "project", "requires-python") or text_in(
        project, "tool", "poetry", "dependencies", "python"
    )
    asked = [
        line_in(folder, ".python-version"),
        line_in(folder, "runtime.txt"),
        in_tool_versions(folder, "python"),
        in_mise(folder, "python"),
        Asked(wanted, folder.shown(PYPROJECT)) if wanted else None,
    ]
    return chosen_version("Python", asked, read=_series, usual=_USUAL)


def _series(written: str) -> str | None:
    found = series(written, 2, prefixes="c?python-") or nearest_allowed(written, _KNOWN, usual=_USUAL)
    return found if found in _SERIES else None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name[:200]).lower()
