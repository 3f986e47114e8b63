"""Volumes: files of an environment that outlive its releases. One grammar, whoever names them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bakery.model.errors import BadInput
from bakery.model.names import Colour
from bakery.model.runtimes import Runtime

MOST_VOLUMES = 20
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_PATH = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_NOT_OURS = frozenset({"proc", "sys", "dev", "run", "etc", "bin", "sbin", "lib", "lib64", "usr", "boot"})


def parse_volume(text: str) -> tuple[str, PurePosixPath]:
    """NAME:PATH. A relative path is below the app."""
    name, colon, path = text.partition(":")
    if not colon or not is_volume_name(name):
        raise BadInput(
            "A volume is NAME:PATH, with a name of up to 16 lower-case letters and digits.",
            hint='Like "data:/var/data".',
        )
    parts = path.split("/")
    if not _PATH.fullmatch(path) or ".." in parts or not PurePosixPath(path).parts[path.startswith("/") :]:
        raise BadInput("A volume's path holds letters, digits, dots, hyphens and slashes, and no “..”.")
    if path.startswith("/") and parts[1] in _NOT_OURS:
        raise BadInput(f"A volume cannot lie in /{parts[1]}, which belongs to the system.")
    return name, PurePosixPath(path)


def parse_volume_name(text: str, *, field: str = "volume") -> str:
    if is_volume_name(text):
        return text
    raise BadInput("Use up to 16 lower-case letters and digits, and begin with a letter.", field=field)


def is_volume_name(text: str) -> bool:
    """Never like a slot, as whatever a node's names are made of."""
    return _NAME.fullmatch(text) is not None and text not in set(Colour)


def parse_volumes(text: str, *, runtime: Runtime) -> Mapping[str, str]:
    """As a person sets them: one after the other, with spaces, commas or line ends between."""
    try:
        said = [parse_volume(one) for one in re.split(r"[\s,]+", text.strip()) if one]
        expect_apart(said)
        found = {name: str(path) for name, path in said}
        expect_mountable(found, runtime=runtime)
    except BadInput as error:
        raise BadInput(error.message, field="volumes", hint=error.hint) from error
    return found


def expect_apart(volumes: Iterable[tuple[str, PurePosixPath]]) -> None:
    said = list(volumes)
    if len(said) > MOST_VOLUMES:
        raise BadInput(f"An app has at most {MOST_VOLUMES} volumes.")
    names, paths = [name for name, _ in said], [path for _, path in said]
    for index, (name, path) in enumerate(said):
        if name in names[:index]:
            raise BadInput(f"Two volumes are called {name}.")
        clash = next((one for one in paths[:index] if one == path or one in path.parents or path in one.parents), None)
        if clash is not None:
            raise BadInput(f"The volumes at {clash} and {path} lie in one another.")


def expect_mountable(volumes: Mapping[str, str], *, runtime: Runtime) -> None:
    """Where the app is to find them."""
    if runtime is not Runtime.PROCESS:
        return
    for name, path in volumes.items():
        if path.startswith("/"):
            raise BadInput(
                f"The volume {name} cannot lie at {path}: a process sees its machine's own folders there.",
                hint=f"Name a path below the app, like {name}:{PurePosixPath(path).name}, or run the app in Docker.",
            )


def shown_volumes(volumes: Mapping[str, str]) -> str:
    """As `parse_volumes` reads it."""
    return " ".join(f"{name}:{path}" for name, path in sorted(volumes.items()))
