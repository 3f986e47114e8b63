"""`bakery detect --write`: the generated Dockerfile becomes one of the repository's own."""

import os
from collections.abc import Sequence
from pathlib import Path

from bakery.cli.output import warn
from bakery.model.errors import BadInput, Conflict
from bakery.model.repository_paths import RepositoryPath, joined
from bakery.stacks.plan import BuildPlan, DockerfileAt, GeneratedDockerfile
from bakery.stacks.tree import FileTree

NAME = "Dockerfile"
IGNORE = ".dockerignore"


def without_dockerfile(tree: FileTree, base: RepositoryPath) -> FileTree:
    """As the repository would be, were it not there: to be written anew."""
    return FileTree({name: size for name, size in tree.sizes.items() if name != joined(base, NAME)}, links=tree.links)


def keep_dockerfile(plan: BuildPlan, folder: Path, *, is_forced: bool) -> Sequence[str]:
    """Writes it with its .dockerignore, and answers with the names, below `folder`. What is there is left alone."""
    own = _to_write(plan)
    below = plan.base if own.context is None else own.context
    names = {joined(below, NAME): own.text, joined(below, IGNORE): own.ignore}
    if not is_forced and os.path.lexists(folder / joined(below, NAME)):
        raise Conflict(
            f"{joined(below, NAME)} is there already. Nothing was written.", hint="--force writes over what is there."
        )
    written = [name for name, text in names.items() if _is_written(folder / name, text, is_forced=is_forced)]
    for name in names.keys() - written:
        warn(f"{name} is there already, and was left as it is. --force writes over it.")
    if below != plan.base:
        where = f"the folder “{below}”" if below else "the top"
        warn(f"The whole workspace is built with it, so choose {where} as the app's base folder.")
    return written


def _to_write(plan: BuildPlan) -> GeneratedDockerfile:
    own = plan.dockerfile
    if isinstance(own, DockerfileAt):
        raise Conflict(
            f"{own.path} is this repository's own Dockerfile. Nothing was written.",
            hint="--force writes over one that is called Dockerfile.",
        )
    if own is None or own.holds_only_files:
        raise Conflict(
            "This needs no Dockerfile: its files are served by nginx, or it runs as a process. Nothing was written.",
            hint="Deploy it as it is.",
        )
    if plan.missing:
        raise Conflict(f"{plan.missing[0]} Nothing was written.", hint="Say how it starts, in bakery.toml.")
    return own


def _is_written(path: Path, text: str, *, is_forced: bool) -> bool:
    try:
        if is_forced:
            path.unlink(missing_ok=True)  # a link too, and not what it leads to
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", field="DIR") from error
    return True
