"""How what a Python app needs is installed, on a machine and in an image."""

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.variables import VariableName
from bakery.stacks.image_text import ImageText
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
    text = ImageText(folder.present(PYPROJECT, UV_LOCK, POETRY_LOCK, REQUIREMENTS))
    text.stage("base", f"python:{project.python.version}-slim")
    text.env(PYTHONUNBUFFERED="1", PATH="/app/.venv/bin:$PATH")
    text.new_user()
    text.stage("build", "base")
    text.arguments(names)
    _install(text, folder, project, commands)
    text.build(commands.build)
    text.test(commands.test)
    text.stage("", "base")
    text.copy_built("/app", owner="app")
    text.serve(commands.start, port=PORT, user="app", PYTHONDONTWRITEBYTECODE="1")
    return text.done()


def _install(text: ImageText, folder: Folder, project: PythonProject, commands: Commands) -> None:
    """What is needed before the sources, where that can be: it is installed anew only when it changes."""
    if commands.install != install_command(project):
        text.copy(".")
        text.run(commands.install, caches=(_PIP_CACHE,))
        return
    match project.tool:
        case Tool.UV:
            sync, caches = words("uv", "sync", "--locked", "--no-dev"), ("/root/.cache/uv",)
            text.env(UV_LINK_MODE="copy", UV_PYTHON_DOWNLOADS="never")
            text.run(words(*_PIP, "uv"), caches=(_PIP_CACHE,))
            text.copy(*folder.present(PYPROJECT, UV_LOCK))
            text.run(words(*sync.argv, "--no-install-project"), caches=caches)
            text.copy(".")
            text.run(sync, caches=caches)
        case Tool.POETRY:
            text.env(POETRY_VIRTUALENVS_IN_PROJECT="true")
            text.run(words(*_PIP, "poetry"), caches=(_PIP_CACHE,))
            text.copy(*folder.present(PYPROJECT, POETRY_LOCK))
            install = words("poetry", "install", "--only", "main", "--no-root", "--no-interaction")
            text.run(install, caches=("/root/.cache/pypoetry",))
            text.copy(".")
        case Tool.NONE:
            text.copy(".")
        case _:
            _install_by_pip(text, project)


def _install_by_pip(text: ImageText, project: PythonProject) -> None:
    text.run(words("python3", "-m", "venv", ".venv"))
    if project.tool is Tool.PIP_PROJECT:
        text.copy(".")
        text.run(words(*_PIP, "."), caches=(_PIP_CACHE,))
        return
    text.copy("." if project.installs_sources else REQUIREMENTS)
    text.run(words(*_PIP, "--requirement", REQUIREMENTS), caches=(_PIP_CACHE,))
    if not project.installs_sources:
        text.copy(".")
