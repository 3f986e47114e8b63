"""A Dockerfile of the repository's own: it says everything but where its app listens, and often that too."""

import re

from bakery.model.errors import BadInput
from bakery.model.names import Port, parse_port
from bakery.model.repository_paths import TOP, RepositoryPath, joined
from bakery.model.runtimes import Runtime
from bakery.stacks.plan import Commands, DockerfileAt, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

FILE = "Dockerfile"
_EXPOSE = re.compile(r"EXPOSE\s+([0-9]{1,5})(?:/tcp)?(?=\s|$)", re.IGNORECASE)
_STAGE = re.compile(r"FROM\s", re.IGNORECASE)
_MOST_LINES = 5000


def find_dockerfile(folder: Folder, said: Said) -> Found | None:
    name = said.dockerfile or FILE
    if not folder.has(name) or says_nothing(folder, name):
        return None
    port = exposed_port(folder.text(name) or "")
    told = f", and exposes port {port}" if port else ""
    return Found(
        runtimes=(Runtime.DOCKER,),
        commands=Commands(),
        why=(f"{folder.shown(name)} says how it is built and started{told}.",),
        port=port,
        dockerfile=DockerfileAt(RepositoryPath(folder.shown(name)), joined(folder.path, said.context or TOP)),
    )


def says_nothing(folder: Folder, name: str) -> bool:
    """It was read, and is empty or no text."""
    return folder.shown(name) in folder.tree.contents and not (folder.text(name) or "").strip()


def exposed_port(text: str) -> Port | None:
    """The first that the last stage exposes as a number; a variable there says nothing before the build."""
    port: Port | None = None
    for line in text.splitlines()[:_MOST_LINES]:
        stripped = line.strip()
        if _STAGE.match(stripped):
            port = None
        elif port is None and (found := _EXPOSE.match(stripped)):
            port = _port(found[1])
    return port


def _port(digits: str) -> Port | None:
    try:
        return parse_port(digits)
    except BadInput:
        return None


STACK = Stack("dockerfile", find_dockerfile, marks=(FILE,), reads=(FILE,), looks_for=(FILE,))
