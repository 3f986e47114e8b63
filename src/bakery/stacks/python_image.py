"""How what a Python app needs is installed, on a machine and in an image."""

from bakery.model.app_commands import AppCommand, ShellText, Words, words
from bakery.model.names import Port
from bakery.model.variables import VariableName
from bakery.stacks.image_text import ImageText
from bakery.stacks.listening import started
from bakery.stacks.plan import Commands, GeneratedDockerfile
from bakery.stacks.python_packages import Native
from bakery.stacks.python_project import PIPFILE, PYPROJECT, PythonProject, Tool
from bakery.stacks.tree import Folder

_PIP = ("pip", "install")
_PIP_CACHE = "/root/.cache/pip"
_INTO = "pip --python .venv/bin/python install"  # the tools of some bring none into it


def install_command(project: PythonProject, adds: tuple[str, ...] = ()) -> AppCommand | None:
    """`adds`: what it does not name and cannot be started without."""
    more = "".join(f" {name}" for name in adds)
    match project.tool:
        case Tool.NONE:
            return None
        case Tool.PIP_REQUIREMENTS:
            return ShellText(f"python3 -m venv .venv && .venv/bin/pip install --requirement {project.lock}{more}")
        case Tool.PIP_PROJECT:
            return ShellText(f"python3 -m venv .venv && .venv/bin/pip install .{more}")
        case _:
            command = _installing(project)
            added = f" && {' '.join(_adding(project, adds).argv)}" if adds else ""
            return ShellText(f"{command}{added}") if added else command


def _installing(project: PythonProject) -> Words:
    match project.tool:
        case Tool.UV:
            return words("uv", "sync", *(["--locked"] if project.lock else []), "--no-dev")
        case Tool.PDM:
            return words("pdm", "install", "--prod", *(["--frozen-lockfile"] if project.lock else []), "--no-editable")
        case Tool.PIPENV:
            how = ["--deploy"] if project.lock else ["--skip-lock"]
            return words("env", "PIPENV_VENV_IN_PROJECT=1", "pipenv", "install", *how)
        case _:
            here = "POETRY_VIRTUALENVS_IN_PROJECT=true"
            return words("env", here, "poetry", "install", "--only", "main", "--no-root", "--no-interaction")


def _adding(project: PythonProject, adds: tuple[str, ...]) -> Words:
    return words("uv", "pip", "install", *adds) if project.tool is Tool.UV else words(*_INTO.split(), *adds)


def write_dockerfile(
    folder: Folder,
    project: PythonProject,
    native: Native,
    adds: tuple[str, ...],
    port: Port | None,
    commands: Commands,
    names: tuple[VariableName, ...],
) -> GeneratedDockerfile:
    text = ImageText(folder.present(PYPROJECT, PIPFILE, *([project.lock] if project.lock else [])))
    variables = {"PYTHONUNBUFFERED": "1", "PATH": "/app/.venv/bin:$PATH"}
    is_bare = not (commands.install or commands.build or commands.test)
    text.stage("" if is_bare else "base", f"python:{project.python.version}-slim")
    text.env(**variables)
    text.packages(*native.run)
    text.new_user()
    if is_bare:
        text.copy(".", owner="app")
        _serve(text, commands, port)
        return text.done()
    if native.compiles:
        text.stage("build", f"python:{project.python.version}")
        text.comment("The whole image, with the compilers and libraries that some packages are made with.")
        text.env(**variables)
        text.packages(*native.build)
    else:
        text.stage("build", "base")
    text.arguments(names)
    _install(text, folder, project, adds, commands)
    text.build(commands.build)
    text.test(commands.test)
    text.stage("", "base")
    text.copy_built("/app", owner="app")
    if "playwright" in project.needs:
        text.env(PLAYWRIGHT_BROWSERS_PATH="/opt/playwright")
        text.run(words("playwright", "install", "--with-deps", "chromium"))
    _serve(text, commands, port)
    return text.done()


def _serve(text: ImageText, commands: Commands, port: Port | None) -> None:
    if (command := started(commands)) and command.argv[0] == "python3":
        text.ends_by("SIGINT")
    text.serve(command, port=port, user="app", PYTHONDONTWRITEBYTECODE="1")


def _install(
    text: ImageText, folder: Folder, project: PythonProject, adds: tuple[str, ...], commands: Commands
) -> None:
    """What is needed before the sources, where that can be: it is installed anew only when it changes."""
    if commands.install != install_command(project, adds):
        text.copy(".")
        text.run(commands.install, caches=(_PIP_CACHE,))
        return
    match project.tool:
        case Tool.NONE:
            text.copy(".")
        case Tool.PIP_REQUIREMENTS | Tool.PIP_PROJECT:
            _install_by_pip(text, project, adds)
        case _:
            _install_by_tool(text, folder, project)
            if adds:
                text.run(_adding(project, adds), caches=(_PIP_CACHE, "/root/.cache/uv"))


def _install_by_tool(text: ImageText, folder: Folder, project: PythonProject) -> None:
    command = _installing(project)
    cache = {Tool.UV: "/root/.cache/uv", Tool.POETRY: "/root/.cache/pypoetry", Tool.PDM: "/root/.cache/pdm"}
    caches = (cache.get(project.tool, _PIP_CACHE),)
    match project.tool:
        case Tool.UV:
            text.env(UV_LINK_MODE="copy", UV_PYTHON_DOWNLOADS="never")
        case Tool.POETRY:
            text.env(POETRY_VIRTUALENVS_IN_PROJECT="true")
            command = words(*command.argv[2:])
        case Tool.PIPENV:
            text.env(PIPENV_VENV_IN_PROJECT="1")
            command = words(*command.argv[2:])
    text.run(words(*_PIP, project.tool.value), caches=(_PIP_CACHE,))
    if project.installs_sources:
        text.copy(".", comment="Some of what is installed lies among the sources, so they come first.")
        text.run(command, caches=caches)
        return
    first = folder.present(
        *([PIPFILE] if project.tool is Tool.PIPENV else [PYPROJECT]), *([project.lock] if project.lock else [])
    )
    text.copy(*first, comment="Before the sources: installed anew only when these files change.")
    if project.has_members:  # their own files are not here yet, so the lock cannot be compared with them
        text.run(words("uv", "sync", "--frozen", "--no-dev", "--no-install-workspace"), caches=caches)
    elif project.tool is Tool.UV:
        text.run(words(*command.argv, "--no-install-project"), caches=caches)
    elif project.tool is Tool.PDM:
        text.run(words(*command.argv, "--no-self"), caches=caches)
    else:
        text.run(command, caches=caches)
    text.copy(".")
    if project.tool in {Tool.UV, Tool.PDM}:
        text.run(command, caches=caches)


def _install_by_pip(text: ImageText, project: PythonProject, adds: tuple[str, ...]) -> None:
    text.run(words("python3", "-m", "venv", ".venv"))
    if project.tool is Tool.PIP_PROJECT:
        text.copy(".")
        text.run(words(*_PIP, ".", *adds), caches=(_PIP_CACHE,))
        return
    if project.installs_sources:
        text.copy(".")
    else:
        for folder in dict.fromkeys(one.rpartition("/")[0] for one in project.lists):
            names = [one for one in project.lists if one.rpartition("/")[0] == folder]
            text.copy(*names, to=f"./{folder}/" if folder else "./")
    text.run(words(*_PIP, "--requirement", project.lock or "", *adds), caches=(_PIP_CACHE,))
    if not project.installs_sources:
        text.copy(".")
