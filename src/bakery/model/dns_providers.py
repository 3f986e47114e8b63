"""Whoever lets Bakery write records, by which an authority sees that a zone is ours (DNS-01).

`KINDS` are the plugins of certbot that Bakery knows how to tell. Whoever adds one adds the forms of its fields in the
helper's `dns_challenges` too; a test compares."""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from bakery.model.errors import BadInput
from bakery.model.host_names import parse_domain_name
from bakery.model.names import HostName
from bakery.model.secret import Secret

ALGORITHMS: Final = ("HMAC-SHA256", "HMAC-SHA384", "HMAC-SHA512", "HMAC-SHA224")  # those that are not broken
LONGEST_WAIT: Final = 300
MOST_ZONES: Final = 50
LONGEST_SECRET: Final = 500
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KEY_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+/-]{7,499}")
_LINODE_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Field:
    """`parse` tells what is typed wrong. `usual` is meant where nothing is typed. With another value of one that
    `says_where` records are written, the secrets are needed anew: they would go to somebody else."""

    name: str
    label: str
    parse: Callable[[str], str]
    help: str = ""
    usual: str = ""
    choices: tuple[str, ...] = ()
    is_secret: bool = False
    says_where: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """`wait` are the seconds until all servers of a zone usually have a record."""

    plugin: str
    title: str
    fields: tuple[Field, ...]
    wait: int

    @property
    def open_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if not field.is_secret)

    @property
    def secret_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.is_secret)


@dataclass(frozen=True, slots=True)
class DnsAccount:
    """Where records are written, without its secrets. `wait` are the seconds until all servers of a zone have them."""

    plugin: str
    zones: tuple[HostName, ...]
    fields: Mapping[str, str]
    wait: int

    @property
    def kind(self) -> Kind:
        return KINDS[self.plugin]

    @property
    def place(self) -> tuple[str, ...]:
        return tuple(self.fields[field.name] for field in self.kind.open_fields if field.says_where)


def kind_named(plugin: str, *, field: str = "plugin") -> Kind:
    found = KINDS.get(plugin.strip())
    if found is None:
        raise BadInput(
            "Bakery knows no such kind of DNS provider.", field=field, hint=f"It is one of {', '.join(KINDS)}."
        )
    return found


def parse_dns_account(
    plugin: str, *, zones: Collection[str], fields: Mapping[str, str], wait: int | None
) -> tuple[DnsAccount, Mapping[str, Secret]]:
    """And the secrets that are among the `fields`; those that are empty are left out. `wait` None: what is usual."""
    kind = kind_named(plugin)
    known = [field.name for field in kind.fields]
    if odd := sorted(set(fields) - set(known)):
        raise BadInput(f"{kind.title} has no field {odd[0][:40]}.", field="fields", hint=f"It has {', '.join(known)}.")
    typed = {field.name: fields.get(field.name, "").strip() or field.usual for field in kind.fields}
    account = DnsAccount(
        kind.plugin,
        parse_zones(zones),
        {field.name: field.parse(typed[field.name]) for field in kind.open_fields},
        _number(kind.wait if wait is None else wait, 0, LONGEST_WAIT, "wait", "The time to wait, in seconds,"),
    )
    secrets = {field.name: field.parse(typed[field.name]) for field in kind.secret_fields if typed[field.name]}
    return account, {name: Secret(value) for name, value in secrets.items()}


def expect_secrets(kind: Kind, given: Mapping[str, Secret]) -> None:
    for field in kind.secret_fields:
        if field.name not in given:
            raise BadInput(f"{field.label} is needed.", field=field.name)


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


def _tsig_secret(typed: str) -> str:
    try:
        key = base64.b64decode(typed, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or len(typed) > LONGEST_SECRET:
        raise BadInput("A TSIG secret is written in base64.", field="secret", hint="As tsig-keygen prints it.")
    return typed


def _address(typed: str) -> str:
    try:
        if "%" not in typed:
            return str(ip_address(typed))
    except ValueError:
        pass
    raise BadInput(
        "certbot takes the address of the name server, not its name.", field="server", hint="Like 192.0.2.53."
    )


def _port(typed: str) -> str:
    return str(_number(int(typed) if re.fullmatch("[0-9]{1,6}", typed) else -1, 1, 65535, "port", "Port"))


def _key_name(typed: str) -> str:
    if _KEY_NAME.fullmatch(typed):
        return typed
    raise BadInput("A TSIG key is named like a host.", field="key_name", hint="Like bakery-key.")


def _one_of(name: str, label: str, choices: Collection[str]) -> Callable[[str], str]:
    def parse(typed: str) -> str:
        found = next((choice for choice in choices if choice.lower() == typed.lower()), None)
        if found is None:
            raise BadInput(f"{label} is one of {', '.join(choices)}.", field=name)
        return found

    return parse


def _choice(name: str, label: str, choices: tuple[str, ...], *, says_where: bool = False) -> Field:
    return Field(name, label, _one_of(name, label, choices), usual=choices[0], choices=choices, says_where=says_where)


def _secret(name: str, label: str, form: re.Pattern[str] = _TOKEN, help: str = "") -> Field:  # noqa: A002 - as Field has it
    def parse(typed: str) -> str:
        if form.fullmatch(typed):
            return typed
        raise BadInput(
            f"{label} has another form.", field=name, hint="As the provider shows it, without anything around it."
        )

    return Field(name, label, parse, help=help, is_secret=True)


def _number(value: int, least: int, most: int, field: str, what: str) -> int:
    if least <= value <= most:
        return value
    raise BadInput(f"{what} is a number from {least} to {most}.", field=field)


_ALL = (
    Kind(
        "rfc2136",
        "A name server of your own (RFC 2136)",
        (
            Field(
                "server", "Name server", _address, says_where=True,
                help="The address of the zones' primary server, which takes updates by RFC 2136 (bind, Knot, PowerDNS)."
                " The apps' nodes connect to it.",
            ),
            Field("port", "Port", _port, usual="53", says_where=True),
            Field("key_name", "TSIG key", _key_name, help="Its name, as the server has it.", says_where=True),
            _choice("algorithm", "Algorithm", ALGORITHMS),
            Field("secret", "Secret", _tsig_secret, help="In base64, as tsig-keygen prints it.", is_secret=True),
        ),
        60,
    ),
    Kind(
        "cloudflare",
        "Cloudflare",
        (_secret("api_token", "API token", help="One that may edit DNS in these zones, not the global key."),),
        10,
    ),
    Kind("digitalocean", "DigitalOcean", (_secret("token", "API token", help="One that may read and write."),), 10),
    Kind("dnsimple", "DNSimple", (_secret("token", "Access token"),), 30),
    Kind("gandi", "Gandi", (_secret("api_key", "API key", help="Of LiveDNS."),), 10),
    Kind("gehirn", "Gehirn", (_secret("api_token", "API token"), _secret("api_secret", "API secret")), 30),
    Kind(
        "linode",
        "Linode",
        (_secret("key", "Access token", _LINODE_KEY, help="64 digits and letters from a to f; it may write domains."),),
        120,
    ),
    Kind(
        "ovh",
        "OVHcloud",
        (
            _choice("endpoint", "Endpoint", ("ovh-eu", "ovh-ca"), says_where=True),
            _secret("application_key", "Application key"),
            _secret("application_secret", "Application secret"),
            _secret("consumer_key", "Consumer key", help="It may GET, PUT, POST and DELETE /domain/zone/*."),
        ),
        120,
    ),
    Kind("sakuracloud", "Sakura Cloud", (_secret("api_token", "API token"), _secret("api_secret", "API secret")), 90),
)  # fmt: skip
KINDS: Final[Mapping[str, Kind]] = {kind.plugin: kind for kind in _ALL}
USUAL: Final = _ALL[0].plugin
