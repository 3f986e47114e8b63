"""How what a Python app needs is installed, on a machine and in an image."""

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.variables import VariableName
from bakery.stacks import dockerfile_text as lines
from bakery.stacks.plan import Commands, GeneratedDockerfile
from bakery.stacks.python_project import POETRY_LOCK, PYPROJECT, REQUIREMENTS, UV_LOCK, PythonProject, Tool
from bakery.stacks.tree import Folder

PORT = Port(8000)
_PIP = ("pip", "install")
_PIP_CACHE = "/root/.cache/pip"
_POETRY_HERE = "POETRY_VIRTUALENVS_IN_PROJECT=true"


def install_command(project: PythonProject) -> AppCommand | None:
    match project.tool:
        case Tool.UV:
            return words("uv", "sync", "--locked", "--no-dev")
        case Tool.POETRY:
            return words("env", _POETRY_HERE, "poetry", "install", "--only", "main", "--no-root", "--no-interaction")
        case Tool.PIP_REQUIREMENTS:
            return ShellText("python3 -m venv .venv && .venv/bin/pip install --requirement requirements.txt")
        case Tool.PIP_PROJECT:
            return ShellText("python3 -m venv .venv && .venv/bin/pip install .")
        case Tool.NONE:
            return None


def write_dockerfile(
    folder: Folder, project: PythonProject, commands: Commands, names: tuple[VariableName, ...]
) -> GeneratedDockerfile:
    sources = folder.present(PYPROJECT, UV_LOCK, POETRY_LOCK, REQUIREMENTS)
    text = lines.heading(sources or ("its files",))
    text += (
        f"FROM python:{project.python}-slim AS base\nENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH\nWORKDIR /app\n"
    )
    text += "RUN useradd --create-home --uid 1000 app\n"
    text += "\nFROM base AS build\n" + lines.arguments(names)
    text += _installing(folder, project, commands)
    text += lines.for_build(commands.build)
    text += lines.for_test(commands.test)
    text += lines.server(commands.start, source="build", user="app", port=PORT, variables="PYTHONDONTWRITEBYTECODE=1")
    return lines.dockerfile(text, has_test=commands.test is not None)


def _installing(folder: Folder, project: PythonProject, commands: Commands) -> str:
    """What is needed before the sources, where that can be: it is installed anew only when it changes."""
    if commands.install != install_command(project):
        return "COPY . .\n" + (lines.run(commands.install, cache=_PIP_CACHE) if commands.install else "")
    match project.tool:
        case Tool.UV:
            sync = words("uv", "sync", "--locked", "--no-dev")
            cache = "/root/.cache/uv"
            return (
                "ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never\n"
                + lines.run(words(*_PIP, "uv"), cache=_PIP_CACHE)
                + f"COPY {' '.join(folder.present(PYPROJECT, UV_LOCK))} ./\n"
                + lines.run(words(*sync.argv, "--no-install-project"), cache=cache)
                + "COPY . .\n"
                + lines.run(sync, cache=cache)
            )
        case Tool.POETRY:
            return (
                f"ENV {_POETRY_HERE}\n"
                + lines.run(words(*_PIP, "poetry"), cache=_PIP_CACHE)
                + f"COPY {' '.join(folder.present(PYPROJECT, POETRY_LOCK))} ./\n"
                + lines.run(
                    words("poetry", "install", "--only", "main", "--no-root", "--no-interaction"),
                    cache="/root/.cache/pypoetry",
                )
                + "COPY . .\n"
            )
        case Tool.NONE:
            return "COPY . .\n"
        case _:
            return _installing_by_pip(project)


def _installing_by_pip(project: PythonProject) -> str:
    venv = lines.run(words("python3", "-m", "venv", ".venv"))
    if project.tool is Tool.PIP_PROJECT:
        return f"{venv}COPY . .\n" + lines.run(words(*_PIP, "."), cache=_PIP_CACHE)
    install = lines.run(words(*_PIP, "--requirement", REQUIREMENTS), cache=_PIP_CACHE)
    if project.installs_sources:
        return f"{venv}COPY . .\n{install}"
    return f"{venv}COPY {REQUIREMENTS} ./\n{install}COPY . .\n"
