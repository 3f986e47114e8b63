"""How to get into a node, and why one could not. It knows no SSH library, which a Bakery without nodes never loads."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bakery.model.errors import BadInput, NodeUnreachable
from bakery.model.names import Port
from bakery.model.secret import Secret


class Cause(StrEnum):
    """Why a node could not be reached."""

    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNKNOWN_HOST = "unknown_host"
    HOST_KEY = "host_key"
    AUTHENTICATION = "authentication"
    BANNER = "banner"  # what listens there does not speak an SSH that we know
    NO_ROUTE = "no_route"
    LOST = "lost"


class Unreachable(NodeUnreachable):
    """With the cause. After a host key that is not the pinned one: the key that was shown, and whose it is."""

    def __init__(
        self, message: str, *, cause: Cause, hint: str, seen_host_key: str | None = None, is_bastion: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.cause = cause
        self.seen_host_key = seen_host_key
        self.is_bastion = is_bastion


@dataclass(frozen=True, slots=True)
class Bastion:
    """The machine that a connection passes through. It is entered with the node's key."""

    user: str
    host: str
    port: Port
    host_key: str | None = None


@dataclass(frozen=True, slots=True)
class SshLogin:
    """How to get into a node. Without a `host_key` whatever key is shown is taken, and reported."""

    name: str
    host: str
    port: Port
    user: str
    private_key: Secret
    host_key: str | None = None
    bastion: Bastion | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """A connection that came about."""

    host_key: str
    bastion_host_key: str | None
    seconds: float
    at: datetime


def mint_key(comment: str) -> tuple[str, Secret]:
    """A new Ed25519 key: its line for `authorized_keys`, and its private part."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return f"{public} {comment}", Secret(private)


def fingerprint(host_key: str) -> str:
    """As `ssh` shows it: SHA256:…"""
    try:
        blob = base64.b64decode(host_key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        raise BadInput("This is not the public key of an SSH server.", field="host_key") from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
