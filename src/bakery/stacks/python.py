"""Python: what it needs by any of its tools, and what starts it."""

from bakery.model.app_commands import AppCommand, words
from bakery.model.runtimes import Runtime
from bakery.stacks import python_project, python_start
from bakery.stacks.listening import WORKER
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.proposals import for_clients
from bakery.stacks.python_image import install_command, write_dockerfile
from bakery.stacks.python_packages import CLIENTS, native_needs
from bakery.stacks.python_programs import PORT, PROGRAMS
from bakery.stacks.python_project import (
    PIPFILE,
    POETRY_LOCK,
    PYPROJECT,
    REQUIREMENTS,
    SETUP,
    UV_LOCK,
    PythonProject,
    Tool,
)
from bakery.stacks.python_start import find_start
from bakery.stacks.python_unfit import unfit
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

PROJECT_MARKS = (REQUIREMENTS, PYPROJECT, UV_LOCK, POETRY_LOCK, PIPFILE, SETUP, "manage.py")
MARKS = (*PROJECT_MARKS, *PROGRAMS)


def find_python_app(folder: Folder, said: Said) -> Found | None:
    project = python_project.read_python_project(folder)
    if not folder.present(*MARKS) and project.tool is Tool.NONE:
        return None
    found = find_start(folder, project)
    start, missing = (None, found) if isinstance(found, str) else (found, "")
    refused = unfit(folder, project)
    if refused:
        start, missing = None, refused
    if project.tool is Tool.NONE and start is None and not refused and not (said.starts and folder.present(*PROGRAMS)):
        return None  # a pyproject.toml of tools, or a lone module
    test = _test(folder, project)
    native, needed = native_needs(project.needs, project.extras, source=project.source)
    adds = start.adds if start and not said.starts else ()
    port = start.port if start else PORT
    command = start.command if start else None
    return Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(
            install=install_command(project, adds),
            build=start.build if start else None,
            test=test,
            start=command if port else None,
            processes={WORKER: command} if command and not port else {},
            release=start.release if start else None,
        ),
        why=(
            *project.why,
            *([refused] if refused and said.starts else []),
            *(start.why if start else ()),
            *(["pytest is among what it needs."] if test else []),
            *needed,
            *(_told_of_browsers(project)),
        ),
        missing=(missing,) if missing else (),
        framework=start.framework if start else None,
        versions=(project.python,),
        variables=for_clients(project.needs, CLIENTS, source=project.source),
        system_packages=(*native.run, *native.build),
        port=port,
        write_dockerfile=lambda final, names: write_dockerfile(folder, project, native, adds, port, final, names),
        paths=() if project.tool is Tool.NONE else (".venv/bin",),
    )


def _test(folder: Folder, project: PythonProject) -> AppCommand | None:
    """Only with a runner that is installed anyway, and only when there is something to run."""
    if not folder.holds_any("tests/") and not folder.holds_any("test_"):
        return None
    if project.tool is Tool.UV and "pytest" in project.needs | project.needs_for_tests:
        return words("uv", "run", *(["--locked"] if project.lock else []), "pytest")
    return words("python3", "-m", "pytest") if "pytest" in project.needs else None


def _told_of_browsers(project: PythonProject) -> tuple[str, ...]:
    if "playwright" not in project.needs:
        return ()
    return (f"{project.source} needs playwright: its Chromium, with all that this needs, is put into the image.",)


STACK = Stack(
    "python",
    find_python_app,
    marks=PROJECT_MARKS,
    reads=(*python_project.READS, *python_start.READS),
    reads_above=python_project.READS_ABOVE,
    looks_for=MARKS,
)
