"""What a Python project says about itself: which tool installs it, what it needs, which Python it wants."""

import re
from dataclasses import dataclass
from enum import StrEnum

from bakery.stacks.documents import Document, read_toml, table_in, text_in, texts_in
from bakery.stacks.tree import Folder

REQUIREMENTS = "requirements.txt"
PYPROJECT = "pyproject.toml"
UV_LOCK = "uv.lock"
POETRY_LOCK = "poetry.lock"
READS = (REQUIREMENTS, PYPROJECT, ".python-version", "runtime.txt")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\s*\[([^\]\n]*)\])?")
_OPTION_OR_PATH = re.compile(r"\s*(?:-[rce]\b|--(?:requirement|constraint|editable)|\.|/|file:)")
_MOST_LINES = 5000
_USUAL_MINOR = 12
_MINORS = range(9, 20)


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
    python: str  # 3.12
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


def _python(folder: Folder, project: Document | None) -> tuple[str, list[str]]:
    """As each place writes it; the usual one where none does, or asks for what there is not."""
    for name in (".python-version", "runtime.txt"):
        text = (folder.text(name) or "").strip()[:40]
        found = re.fullmatch(r"(?:c?python-)?3\.([0-9]{1,2})(?:\.[0-9]{1,2})?", text)
        if found and int(found[1]) in _MINORS:
            return f"3.{found[1]}", [f"{folder.shown(name)} asks for Python 3.{found[1]}."]
    wanted = text_in(project, "project", "requires-python") or text_in(
        project, "tool", "poetry", "dependencies", "python"
    )
    found = re.match(r"\s*(>=|\^|~=|==|~)?\s*3\.([0-9]{1,2})\b", (wanted or "")[:40])
    if found and int(found[2]) in _MINORS:
        minor = (
            max(int(found[2]), _USUAL_MINOR)
            if found[1] in {">=", "^", "~="} and "<" not in (wanted or "")
            else int(found[2])
        )
        return f"3.{minor}", [f"{folder.shown(PYPROJECT)} wants a Python that 3.{minor} is."]
    return f"3.{_USUAL_MINOR}", []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name[:200]).lower()
