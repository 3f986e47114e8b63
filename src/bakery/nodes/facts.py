"""What a machine is: read from it, decided nothing."""

from importlib.resources import files
from pathlib import PurePosixPath

import msgspec

from bakery.commands.command import command
from bakery.model.errors import NodeUnreachable
from bakery.nodes.folders import ROOTS_FOLDER
from bakery.nodes.transport import Transport, run_or_fail


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`address` is where packets to the internet leave from; None: no network. `nginx` is the program's path."""

    user: str
    is_root: bool
    home: PurePosixPath
    has_systemd: bool
    has_docker: bool
    nginx: str | None
    nginx_settings: PurePosixPath | None
    python: str
    disk_free_bytes: int
    memory_bytes: int
    cpus: int
    address: str | None
    has_ipv6: bool


async def look_at(transport: Transport, folder: PurePosixPath = ROOTS_FOLDER) -> NodeFacts:
    """`folder` is where Bakery will keep things there: the free disk space is that of its disk."""
    program = files("bakery.nodes").joinpath("look.py").read_bytes()
    looked = await run_or_fail(transport, command(transport.python, "-I", "-S", "-", folder, stdin=program))
    try:
        return msgspec.convert(msgspec.json.decode(looked.output), NodeFacts, dec_hook=_path)
    except msgspec.MsgspecError as error:
        raise NodeUnreachable(
            "The machine did not describe itself in words that Bakery understands.",
            hint=f"It said: {looked.output[:200]}",
        ) from error


def _path(kind: type, value: object) -> object:
    return kind(value)
