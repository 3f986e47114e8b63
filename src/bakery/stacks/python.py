"""Python: Django, FastAPI and Flask with a server that they name themselves, or a program that starts itself."""

import re
from dataclasses import dataclass

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.apps import Runtime
from bakery.stacks import python_project
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.python_image import PORT, install_command, write_dockerfile
from bakery.stacks.python_project import POETRY_LOCK, PYPROJECT, REQUIREMENTS, UV_LOCK, PythonProject, Tool
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

PROGRAMS = ("main.py", "app.py", "server.py", "wsgi.py", "asgi.py", "api.py", "bot.py", "run.py")
_MODULES = (*PROGRAMS, "app/main.py", "app/app.py", "app/__init__.py", "src/main.py", "src/app.py", "api/main.py")
READS = (*python_project.READS, *_MODULES)
PROJECT_MARKS = (REQUIREMENTS, PYPROJECT, UV_LOCK, POETRY_LOCK, "manage.py")
MARKS = (*PROJECT_MARKS, *PROGRAMS)

_APP_OBJECT = re.compile(
    r"^([A-Za-z_]\w{0,60})[ \t]*(?::[^=\n]{1,80})?=[ \t]*(?:\w+\.)?(FastAPI|Starlette|Flask)\(", re.MULTILINE
)
_STARTS_ITSELF = re.compile(r"""^if[ \t]+__name__[ \t]*==[ \t]*["']__main__["']""", re.MULTILINE)
_DJANGO_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")


@dataclass(frozen=True, slots=True)
class _Start:
    command: AppCommand
    why: str
    release: AppCommand | None = None
    build: AppCommand | None = None


def find_python_app(folder: Folder, said: Said) -> Found | None:
    if not folder.present(*MARKS):
        return None
    project = python_project.read_python_project(folder)
    start, missing = _start(folder, project)
    is_program = said.starts and folder.present(*PROGRAMS)
    if project.tool is Tool.NONE and start is None and not is_program:
        return None  # a pyproject.toml of tools, or a lone module
    test = _test(folder, project)
    commands = Commands(
        install=install_command(project),
        build=start.build if start else None,
        test=test,
        start=start.command if start else None,
        release=start.release if start else None,
    )
    return Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(*project.why, *([start.why] if start else []), *(["pytest is among what it needs."] if test else [])),
        missing=() if start else (missing,),
        versions=(project.python,),
        port=PORT,
        write_dockerfile=lambda final, names: write_dockerfile(folder, project, final, names),
        paths=() if project.tool is Tool.NONE else (".venv/bin",),
    )


def _test(folder: Folder, project: PythonProject) -> AppCommand | None:
    """Only with a runner that is installed anyway, and only when there is something to run."""
    if not folder.holds_any("tests/") and not folder.holds_any("test_"):
        return None
    if project.tool is Tool.UV and "pytest" in project.needs | project.needs_for_tests:
        return words("uv", "run", "--locked", "pytest")
    return words("python3", "-m", "pytest") if "pytest" in project.needs else None


def _start(folder: Folder, project: PythonProject) -> tuple[_Start | None, str]:
    """How it starts; or the sentence that says what is missing."""
    if folder.has("manage.py"):
        return _start_django(folder, project)
    for name in folder.present(*_MODULES):
        text = folder.text(name) or ""
        if found := _APP_OBJECT.search(text):
            return _start_object(folder, project, name, text, variable=found[1], kind=found[2])
    if program := next((name for name in folder.present(*PROGRAMS) if _is_program(folder, name)), None):
        return _Start(words("python3", program), f"{folder.shown(program)} is a program that starts itself."), ""
    return None, (
        "Nothing says how this is started: no Procfile, no app of Django, FastAPI or Flask that we found, and none of "
        f"{', '.join(PROGRAMS)} with a line if __name__ == “__main__”."
    )


def _is_program(folder: Folder, name: str) -> bool:
    return _STARTS_ITSELF.search(folder.text(name) or "") is not None


def _start_django(folder: Folder, project: PythonProject) -> tuple[_Start | None, str]:
    manage = folder.shown("manage.py")
    server = _server_of_django(folder, project)
    if server is None:
        return None, (
            f"{manage} is Django's, whose own server is for development: add gunicorn or uvicorn to what it needs, "
            "beside a wsgi.py or asgi.py, or say how it is started."
        )
    command, because = server
    static = words("python3", "manage.py", "collectstatic", "--noinput") if "whitenoise" in project.needs else None
    migrate = words("python3", "manage.py", "migrate", "--noinput")
    return _Start(
        command, f"{manage} is Django's, and {because}; its migrations run before a release.", migrate, static
    ), ""


def _server_of_django(folder: Folder, project: PythonProject) -> tuple[ShellText, str] | None:
    for file, server, start in (("wsgi.py", "gunicorn", _gunicorn), ("asgi.py", "uvicorn", _uvicorn)):
        if server in project.needs and (package := _folder_of(folder, file)):
            return start(f"{package}.{file.removesuffix('.py')}", "application"), (
                f"{server} is among what it needs, for {folder.shown(f'{package}/{file}')}"
            )
    return None


def _folder_of(folder: Folder, file: str) -> str | None:
    """The first package just below that holds this file."""
    prefix = f"{folder.path}/" if folder.path else ""
    found = sorted(
        name.removeprefix(prefix).removesuffix(f"/{file}")
        for name in folder.tree.sizes
        if name.endswith(f"/{file}") and name.startswith(prefix)
    )
    return next((name for name in found if _DJANGO_PACKAGE.fullmatch(name)), None)


def _start_object(
    folder: Folder, project: PythonProject, name: str, text: str, *, variable: str, kind: str
) -> tuple[_Start | None, str]:
    is_asgi = kind != "Flask"
    inside, module = _module(name)
    has_uvicorn = bool(project.needs & {"uvicorn"} or project.extras & {"fastapi[standard]", "fastapi[all]"})
    said = f"{folder.shown(name)} holds the {kind} app “{variable}”"
    if is_asgi and has_uvicorn:
        return _Start(_uvicorn(module, variable, inside), f"{said}, and uvicorn is among what it needs."), ""
    if not is_asgi and "gunicorn" in project.needs:
        return _Start(_gunicorn(module, variable, inside), f"{said}, and gunicorn is among what it needs."), ""
    if _STARTS_ITSELF.search(text):
        return _Start(words("python3", name), f"{said}, and is a program that starts itself."), ""
    server = "uvicorn" if is_asgi else "gunicorn"
    return None, f"{said}, but no server for it: add {server} to what it needs, or say how it is started."


def _module(name: str) -> tuple[str | None, str]:
    """The folder to look in, and what Python calls the file from there. The names come from our own list."""
    inside, path = ("src", name.removeprefix("src/")) if name.startswith("src/") else (None, name)
    return inside, path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


# A container says HOST=0.0.0.0; a process listens for its own machine only.
def _uvicorn(module: str, variable: str, inside: str | None = None) -> ShellText:
    where = f" --app-dir {inside}" if inside else ""
    return ShellText(
        f'exec uvicorn{where} {module}:{variable} --host "${{HOST:-127.0.0.1}}" --port "${{PORT:-{PORT}}}"'
    )


def _gunicorn(module: str, variable: str, inside: str | None = None) -> ShellText:
    where = f" --chdir {inside}" if inside else ""
    return ShellText(f'exec gunicorn{where} {module}:{variable} --bind "${{HOST:-127.0.0.1}}:${{PORT:-{PORT}}}"')


STACK = Stack(
    "python", find_python_app, marks=PROJECT_MARKS, reads=READS, reads_above=(".python-version",), looks_for=MARKS
)
