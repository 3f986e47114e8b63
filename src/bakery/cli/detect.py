"""`bakery detect`: what is in this folder? It needs neither a server nor a database."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakery.cli.output import Json, print_json, say, warn
from bakery.model.errors import BadInput

if TYPE_CHECKING:
    from bakery.model.app_commands import AppCommand
    from bakery.stacks.plan import Alternative, BuildPlan, Undetected

_Folder = Annotated[str, typer.Argument(metavar="DIR", help="The folder of an app's repository.")]
_Base = Annotated[str, typer.Option("--base", metavar="FOLDER", help="The folder in it where the app lies.")]
_Write = Annotated[
    bool, typer.Option("--write", help="Put the generated Dockerfile and its .dockerignore there, to keep.")
]
_Force = Annotated[bool, typer.Option("--force", help="With --write: also over files that are there.")]
_TITLES = {
    "stack": "Stack",
    "framework": "Framework",
    "runtime": "Runtime",
    "base": "Base folder",
    "install": "Install",
    "build": "Build",
    "test": "Test",
    "start": "Start",
    "release": "Release",
    "port": "Port",
    "static_folder": "Static folder",
}

_NOTHING: Mapping[str, Any] = {
    **dict.fromkeys((*_TITLES, "before", "after", "dockerfile")),
    "processes": {},
    "dockerfile_is_generated": False,
    "versions": [],
    "variables": [],
    "system_packages": [],
    "volumes": [],
}


def detect(
    directory: _Folder, *, base: _Base = "", write: _Write = False, force: _Force = False, json: Json = False
) -> None:
    """Say what is in a folder, and how it would be built and started. Ends with 1 when that cannot be told."""
    from bakery.cli.dockerfile_to_keep import keep_dockerfile, without_dockerfile
    from bakery.cli.folder_tree import read_files, tree_of
    from bakery.model.repository_paths import parse_repository_path
    from bakery.stacks.detect import detect as detect_in
    from bakery.stacks.detect import wanted_files
    from bakery.stacks.plan import Undetected

    folder, below = _folder(directory), parse_repository_path(base, field="--base")
    if force and not write:
        raise BadInput("It is for --write only.", field="--force")
    tree = tree_of(folder)
    if force:
        tree = without_dockerfile(tree, below)
    while names := wanted_files(tree, base=below):
        tree = tree.with_contents(read_files(folder, names))
    found = detect_in(tree, base=below)
    written = keep_dockerfile(found, folder, is_forced=force) if write and not isinstance(found, Undetected) else []
    answer = {**_as_json(found), "written": written}
    if json:
        print_json(answer)
    elif not isinstance(found, Undetected):
        _print_plan(answer)
    if isinstance(found, Undetected):
        _warn_of(found)
        raise typer.Exit(1)


def _folder(directory: str) -> Path:
    if "\0" in directory:
        raise BadInput("A path holds no NUL character.", field="DIR")
    folder = Path(directory)
    try:
        if folder.is_dir():
            return folder
    except OSError as error:
        raise BadInput(f"This is no folder: {error.strerror}.", field="DIR") from error
    raise BadInput(f"{folder} is not a folder.", field="DIR")


def _as_json(found: "BuildPlan | Undetected") -> dict[str, Any]:
    """Keys that are always there. Commands are as a person would type them."""
    from bakery.stacks.plan import DockerfileAt, GeneratedDockerfile, Undetected

    alternatives = [_alternative(one) for one in found.alternatives]
    if isinstance(found, Undetected):
        # Of what could not be told, everything is nothing.
        return {
            **_NOTHING,
            "alternatives": alternatives,
            "missing": [found.message, found.hint],
            "why": list(found.why),
        }
    commands, own = found.commands, found.dockerfile
    named: Mapping[str, AppCommand | None] = {
        "install": commands.install,
        "build": commands.build,
        "test": commands.test,
        "start": commands.start,
        "release": commands.release,
        "before": commands.before,
        "after": commands.after,
    }
    return {
        "stack": found.stack,
        "framework": found.framework,
        "runtime": found.runtime.value,
        "alternatives": alternatives,
        "base": found.base,
        **{name: None if command is None else str(command) for name, command in named.items()},
        "processes": {name: str(command) for name, command in commands.processes.items()},
        "port": found.port,
        "versions": [{"tool": one.tool, "version": one.version, "source": one.source} for one in found.versions],
        "variables": [{"name": one.name, "why": one.why} for one in found.variables],
        "system_packages": list(found.system_packages),
        "static_folder": found.static_folder,
        "dockerfile": own.path if isinstance(own, DockerfileAt) else own.text if own else None,
        "dockerfile_is_generated": isinstance(own, GeneratedDockerfile),
        "volumes": [f"{volume.name}:{volume.path}" for volume in found.volumes],
        "missing": list(found.missing),
        "why": list(found.why),
    }


def _alternative(one: "Alternative") -> dict[str, str]:
    return {"stack": one.stack, "runtime": one.runtime.value, "base": one.base, "why": one.why}


def _print_plan(plan: Mapping[str, Any]) -> None:
    rows = [(title, plan[key]) for key, title in _TITLES.items() if plan[key] not in (None, "")]
    rows += [(f"Process {name}", command) for name, command in plan["processes"].items()]
    rows += [(one["tool"], f"{one['version']}, from {one['source']}") for one in plan["versions"]]
    if plan["system_packages"]:
        rows.append(("Of Debian", ", ".join(plan["system_packages"])))
    if plan["dockerfile"]:
        rows.append(("Dockerfile", "generated" if plan["dockerfile_is_generated"] else plan["dockerfile"]))
    width = max(len(title) for title, _ in rows)
    for title, value in rows:
        say(f"{title:{width}}  {_on_one_line(value)}")
    for heading, sentences in (
        ("Why", plan["why"]),
        ("Missing", plan["missing"]),
        ("Variables", [f"{one['name']}: {one['why']}" for one in plan["variables"]]),
        ("Written", plan["written"]),
        ("Or", [f"{one['stack']} as {one['runtime']}{_where(one)}: {one['why']}" for one in plan["alternatives"]]),
    ):
        if sentences:
            say(f"\n{heading}")
            for sentence in sentences:
                say(f"- {_on_one_line(sentence)}")


def _warn_of(found: "Undetected") -> None:
    for sentence in (found.message, *found.why, f"Hint: {found.hint}"):
        warn(_on_one_line(sentence))
    for one in found.alternatives:
        warn(f"- {_on_one_line(one.base)}: {one.stack} as {one.runtime}")


def _where(one: Mapping[str, str]) -> str:
    return f" in {one['base']}" if one["base"] else ""


def _on_one_line(value: object) -> str:
    """What a repository wrote is no order to the terminal."""
    return "".join(character if character.isprintable() else "�" for character in str(value))
