"""Name servers that let Bakery write records, by which an authority sees that a zone is ours (DNS-01).

`PLUGINS` are those of certbot that Bakery knows how to tell; whoever adds one adds its form here, in the helper's
`dns_challenges`, and in the pages."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from bakery.model.errors import BadInput
from bakery.model.host_names import parse_domain_name
from bakery.model.names import HostName
from bakery.model.secret import Secret

PLUGINS: Final = ("rfc2136",)
ALGORITHMS: Final = ("HMAC-SHA256", "HMAC-SHA384", "HMAC-SHA512", "HMAC-SHA224")  # those that are not broken
USUAL_PORT: Final = 53
USUAL_WAIT: Final = 60
LONGEST_WAIT: Final = 300
MOST_ZONES: Final = 50
LONGEST_SECRET: Final = 500
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KEY_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?")


@dataclass(frozen=True, slots=True)
class NameServer:
    """Where records are written, and with which key. `wait` are the seconds until all servers of a zone have them."""

    zones: tuple[HostName, ...]
    server: str
    port: int
    key_name: str
    algorithm: str
    wait: int


def parse_name_server(
    *, zones: Collection[str], server: str, port: int, key_name: str, algorithm: str, wait: int
) -> NameServer:
    return NameServer(
        parse_zones(zones),
        _address(server),
        _number(port, 1, 65535, "port", "Port"),
        _key_name(key_name),
        _algorithm(algorithm),
        _number(wait, 0, LONGEST_WAIT, "wait", "The time to wait, in seconds,"),
    )


def parse_provider_name(text: str, *, field: str = "name") -> str:
    typed = text.strip()
    if _NAME.fullmatch(typed):
        return typed
    raise BadInput(
        "A name here begins with a lower-case letter, and has up to 40 of these, digits and hyphens.",
        field=field,
        hint="Like our-bind.",
    )


def parse_zones(zones: Collection[str], *, field: str = "zones") -> tuple[HostName, ...]:
    """Each once, in order."""
    found: dict[HostName, None] = {}
    for zone in filter(None, (one.strip() for one in zones)):
        name = parse_domain_name(zone, field=field)
        if name.is_wildcard:
            raise BadInput("A zone has no star: its name alone.", field=field, hint=f"Like {name.host[2:]}.")
        found[name.host] = None
    if not found:
        raise BadInput("Name a zone whose records may be written.", field=field, hint="Like example.com.")
    if len(found) > MOST_ZONES:
        raise BadInput(f"One provider has at most {MOST_ZONES} zones.", field=field, hint="Add another provider.")
    return tuple(found)


def parse_tsig_secret(secret: Secret, *, field: str = "secret") -> Secret:
    typed = secret.reveal().strip()
    try:
        key = base64.b64decode(typed, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or len(typed) > LONGEST_SECRET:
        raise BadInput("A TSIG secret is written in base64.", field=field, hint="As tsig-keygen prints it.")
    return Secret(typed)


def _address(text: str) -> str:
    typed = text.strip()
    try:
        if "%" not in typed:
            return str(ip_address(typed))
    except ValueError:
        pass
    raise BadInput(
        "certbot takes the address of the name server, not its name.", field="server", hint="Like 192.0.2.53."
    )


def _key_name(text: str) -> str:
    typed = text.strip()
    if _KEY_NAME.fullmatch(typed):
        return typed
    raise BadInput("A TSIG key is named like a host.", field="key_name", hint="Like bakery-key.")


def _algorithm(text: str) -> str:
    typed = text.strip().upper()
    if typed in ALGORITHMS:
        return typed
    raise BadInput(f"The algorithm is one of {', '.join(ALGORITHMS)}.", field="algorithm")


def _number(value: int, least: int, most: int, field: str, what: str) -> int:
    if least <= value <= most:
        return value
    raise BadInput(f"{what} is a number from {least} to {most}.", field=field)
