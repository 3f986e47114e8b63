"""What is Python's, and would start here to fail at once: lists that only Conda or pixi read, and Python 2."""

import re

from bakery.stacks.plan import THE_DEFAULT
from bakery.stacks.python_programs import PROGRAMS
from bakery.stacks.python_project import REQUIREMENTS, PythonProject, Tool
from bakery.stacks.tree import Folder

_LISTS = {"environment.yml": "Conda", "environment.yaml": "Conda", "pixi.toml": "pixi"}
_QUOTED = r"(?s)(\"\"\"|''').*?(?:\1|\Z)"
_PRINTS = r"""print[ \t]+(?:"[^"\n]*"|'[^'\n]*')[ \t]*(?:%[^\n]*)?"""
_CATCHES = r"except[ \t]+[\w.]+[ \t]*,[ \t]*\w+[ \t]*:"
_OF_PYTHON_2 = rf"(?m)^[ \t]*(?:{_PRINTS}|{_CATCHES})$"


def unfit(folder: Folder, project: PythonProject) -> str | None:
    """The sentence that says so, and what helps."""
    listed = folder.first(*_LISTS) if project.tool is Tool.NONE else None
    if listed:
        return f"{folder.shown(listed)} is {_LISTS[listed]}'s, which is not read: list what it needs in {REQUIREMENTS}."
    told = f"{project.asks_for_2} asks for Python 2" if project.asks_for_2 else _program_of_2(folder, project)
    return f"{told}, which nobody maintains any more: bring it to Python 3, or add a Dockerfile." if told else None


def _program_of_2(folder: Folder, project: PythonProject) -> str | None:
    """By what the first one says that Python 3 refuses, where no file asks for a version."""
    program = folder.first(*PROGRAMS) if project.python.source == THE_DEFAULT else None
    if program is None or not re.search(_OF_PYTHON_2, re.sub(_QUOTED, "", folder.text(program) or "")):
        return None
    return f"{folder.shown(program)} is written for Python 2"
