"""A node as a person describes it, and how it is doing."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from bakery.model.errors import BadInput, NotFound
from bakery.model.labels import parse_label
from bakery.model.names import HostName, Port, parse_host_name, parse_port

NodeName = NewType("NodeName", str)

AGENT = "bakery-agent"
LOCAL = NodeName("local")  # the machine that Bakery runs on
SSH_PORT = Port(22)
LOCALHOST = "localhost"
_BY_IP = "sslip.io"  # answers 203-0-113-7.sslip.io, and all below it, with 203.0.113.7
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TAKEN = {"local": "is this machine's", "new": "is that of the page where nodes are added"}
_LOGIN = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,15}")  # of an address that counts on one link: the interface there


class NodeState(StrEnum):
    """As its row says. `new` waits for its first handshake; `blocked` for an Admin, who decides about its host key."""

    NEW = "new"
    ONLINE = "online"
    UNREACHABLE = "unreachable"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an SSH server listens, and who logs in there. Written `user@host:port`."""

    user: str
    host: str
    port: Port

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class NewNode:
    """What `add_node` needs; made by `parse_new_node`."""

    slug: NodeName
    name: str
    place: Place
    bastion: Place | None


def parse_new_node(
    *, slug: str, host: str, name: str = "", port: str | int = SSH_PORT, user: str = AGENT, bastion: str = ""
) -> NewNode:
    """Texts from a form, a JSON body or the command line; each mistake names its field."""
    node = parse_node_name(slug.strip(), field="slug")
    return NewNode(
        slug=node,
        name=parse_label(name, at_most=80) if name.strip() else node,
        place=Place(_parse_login(user, field="user"), parse_ssh_host(host), parse_port(_stripped(port))),
        bastion=parse_place(bastion, field="bastion") if bastion.strip() else None,
    )


def parse_node_name(text: str, *, field: str = "node") -> NodeName:
    if text in _TAKEN:
        raise BadInput(f"The name “{text}” {_TAKEN[text]}.", field=field, hint="Choose another name.")
    if not _NAME.fullmatch(text):
        raise BadInput("Use up to 40 lower-case letters, digits and hyphens, and begin with a letter.", field=field)
    return NodeName(text)


def expect_node_name(text: str) -> None:
    """What cannot be a name is a node that does not exist."""
    if not _NAME.fullmatch(text):
        raise NotFound("There is no such node.")


def parse_node_for_app(text: str, *, field: str = "node") -> NodeName:
    """The one that an app is to live on; it may be this machine. Whether it exists, the catalogue knows."""
    if text != LOCAL and (text in _TAKEN or not _NAME.fullmatch(text)):
        raise BadInput("There is no such node.", field=field, hint="See: bakery nodes list")
    return NodeName(text)


def parse_ssh_host(text: str, *, field: str = "host") -> HostName:
    """A host name or an IP address, whose brackets may be left out."""
    bare = text.strip().removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return parse_host_name(text, field=field)
    zone = address.scope_id if isinstance(address, ipaddress.IPv6Address) else None
    if zone is not None and not _ZONE.fullmatch(zone):
        raise BadInput("What follows the % is the name of a network interface.", field=field, hint="Like fe80::1%eth0.")
    return HostName(str(address))


def parse_place(text: str, *, field: str) -> Place:
    """`user@host` or `user@host:port`."""
    user, at, rest = text.strip().rpartition("@")
    if not at:
        raise BadInput("Write it like admin@gateway.example.com:22.", field=field)
    host, port = _host_and_port(rest)
    try:
        return Place(_parse_login(user, field=field), parse_ssh_host(host, field=field), parse_port(port, field=field))
    except BadInput as error:
        raise BadInput(error.message, field=field, hint="Write it like admin@gateway.example.com:22.") from error


def usual_apps_domain(slug: str, domain: str, *addresses: str | None) -> str:
    """Where a node's apps get their names: below the installation's `domain`. Where that is none that others know, by
    the node's own address when it is public: names below it need no DNS of one's own."""
    below = f"{slug}.{domain}"
    if domain != LOCALHOST:
        return below
    return next((found for address in addresses if (found := _domain_by_ip(address))), below)


def _domain_by_ip(text: str | None) -> str | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    return f"{address.exploded.replace('.', '-').replace(':', '-')}.{_BY_IP}" if address.is_global else None


def node_counts(states: Sequence[NodeState]) -> str:
    """One sentence about all of them."""
    away = sum(1 for state in states if state is not NodeState.ONLINE)
    if not away:
        return "This machine is online." if len(states) == 1 else f"All {len(states)} are online."
    return f"{len(states) - away} of {len(states)} are online."


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, rest = text.partition("]")
        return (host, rest[1:]) if rest.startswith(":") else (text, str(SSH_PORT))
    host, colon, port = text.rpartition(":")
    return (host, port) if colon and ":" not in host else (text, str(SSH_PORT))


def _parse_login(text: str, *, field: str) -> str:
    user = text.strip()
    if _LOGIN.fullmatch(user):
        return user
    raise BadInput("A user's name has up to 32 lower-case letters, digits, hyphens and underscores.", field=field)


def _stripped(port: str | int) -> str | int:
    return port.strip() if isinstance(port, str) else port
