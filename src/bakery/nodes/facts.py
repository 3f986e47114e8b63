"""What a machine is: read from it, decided nothing."""

import ipaddress
from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta

from bakery.commands.command import command
from bakery.model.errors import NodeUnreachable
from bakery.model.labels import shown_part
from bakery.nodes.folders import ROOTS_FOLDER
from bakery.nodes.transport import Transport, run_or_fail

Text = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z")]
Bytes = Annotated[int, Meta(ge=0, le=2**60)]


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`address` is where packets to the internet leave from; None: no network. `ipv6` is the public one that lasts.
    `nginx` is the program's path.

    Of a machine far away they are checked before they are believed: it may be anyone's by now."""

    user: Text
    is_root: bool
    home: PurePosixPath
    has_systemd: bool
    has_docker: bool
    nginx: Text | None
    nginx_settings: PurePosixPath | None
    python: Text
    disk_free_bytes: Bytes
    memory_bytes: Bytes
    cpus: Annotated[int, Meta(ge=1, le=100_000)]
    address: str | None
    has_ipv6: bool
    ipv6: str | None = None

    def __post_init__(self) -> None:
        for address in filter(None, (self.address, self.ipv6)):
            if "%" in address:  # behind it may stand anything
                raise ValueError("an address names no interface here")
            ipaddress.ip_address(address)
        if self.ipv6 is not None and not ipaddress.IPv6Address(self.ipv6).is_global:
            raise ValueError("this is no public IPv6 address")


async def look_at(transport: Transport, folder: PurePosixPath = ROOTS_FOLDER) -> NodeFacts:
    """`folder` is where Bakery will keep things there: the free disk space is that of its disk."""
    program = files("bakery.nodes").joinpath("look.py").read_bytes()
    looked = await run_or_fail(transport, command(transport.python, "-I", "-S", "-", folder, stdin=program))
    try:
        return msgspec.convert(msgspec.json.decode(looked.output), NodeFacts, dec_hook=_path)
    except msgspec.MsgspecError as error:
        raise NodeUnreachable(
            "The machine did not describe itself in words that Bakery understands.",
            hint=f"It said: {shown_part(looked.output, at_most=200)}",
        ) from error


def facts_in(kept: Mapping[str, object]) -> NodeFacts | None:
    """As a node's row has them. None before anybody looked, or when an older Bakery kept others."""
    try:
        return msgspec.convert(kept, NodeFacts, dec_hook=_path)
    except msgspec.ValidationError:
        return None


def _path(kind: type, value: object) -> object:
    return kind(msgspec.convert(value, Text))
