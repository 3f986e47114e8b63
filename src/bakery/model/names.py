"""The names that reach a machine, checked once at the edge: from here on a name is a type, not a text."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from bakery.model.errors import BadInput

AppName = NewType("AppName", str)
EnvironmentName = NewType("EnvironmentName", str)
ProcessName = NewType("ProcessName", str)
UnitName = NewType("UnitName", str)
SiteName = NewType("SiteName", str)
HostName = NewType("HostName", str)
CertificateName = NewType("CertificateName", str)
Port = NewType("Port", int)

PRODUCTION = EnvironmentName("production")  # the one that every app has
LONGEST_APP_NAME = 40
LONGEST_HOST_NAME = 253
HIGHEST_PORT = 65535
_APP_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PART_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Colour(StrEnum):
    """The two slots in which releases of an environment take turns."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> "Colour":
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


@dataclass(frozen=True, slots=True)
class AppAt:
    """An app in one of its environments, as addresses and commands name it."""

    app: AppName
    environment: EnvironmentName = PRODUCTION

    def __str__(self) -> str:
        return self.app if self.environment == PRODUCTION else f"{self.app} in {self.environment}"

    @property
    def arguments(self) -> str:
        """As `bakery` takes them."""
        return self.app if self.environment == PRODUCTION else f"{self.app} --env {self.environment}"


def parse_app_name(text: str, *, field: str = "name") -> AppName:
    if _APP_NAME.fullmatch(text):
        return AppName(text)
    raise BadInput(
        "Use up to 40 lower-case letters, digits and hyphens, and begin with a letter.",
        field=field,
        hint=_suggest(text, _slug(text)[:LONGEST_APP_NAME].rstrip("-")),
    )


def parse_environment_name(text: str, *, field: str = "environment") -> EnvironmentName:
    """Never like a slot: the names of units are made of both."""
    if _PART_NAME.fullmatch(text) and text not in set(Colour):
        return EnvironmentName(text)
    raise BadInput(
        "Use up to 16 lower-case letters and digits, begin with a letter, and not “blue” or “green”.",
        field=field,
        hint="Like staging.",
    )


def parse_host_name(text: str, *, field: str = "domain") -> HostName:
    """A host name in lower case and ASCII, without the dot at its end."""
    name = text.strip().lower().removesuffix(".")
    if not name.isascii():
        raise BadInput("Write this host name in its ASCII form.", field=field, hint=_suggest(text, _ascii_form(name)))
    if _is_address(name):
        raise BadInput(f"{name} is an IP address; a host name is needed here.", field=field)
    if len(name) <= LONGEST_HOST_NAME and all(_HOST_LABEL.fullmatch(label) for label in name.split(".")):
        return HostName(name)
    raise BadInput("Use a host name alone, without http://, port or path.", field=field, hint="Like shop.example.com.")


def parse_port(text: str | int, *, field: str = "port") -> Port:
    number = text if isinstance(text, int) else int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    if 1 <= number <= HIGHEST_PORT:
        return Port(number)
    raise BadInput("Use a port number from 1 to 65535.", field=field, hint="Like 3000.")


def parse_process_name(text: str, *, field: str = "process") -> ProcessName:
    """Never like a slot: the names of units are made of both."""
    if _PART_NAME.fullmatch(text) and text not in set(Colour):
        return ProcessName(text)
    raise BadInput(
        "Use up to 16 lower-case letters and digits, begin with a letter, and not “blue” or “green”.",
        field=field,
        hint="Like worker.",
    )


def unit_name(
    app: AppName,
    environment: EnvironmentName,
    colour: Colour,
    process: ProcessName | None = None,
    number: int | None = None,
) -> UnitName:
    """Two slots never share a name: environments and processes hold no hyphen and are not named like a colour."""
    slot = f"bakery-{app}-{environment}-{colour}"
    return UnitName("-".join(str(part) for part in (slot, process, number) if part is not None))


def site_name(app: AppName, environment: EnvironmentName) -> SiteName:
    return SiteName(f"{app}-{environment}")


OWN_CERTIFICATE = CertificateName("own")  # of Bakery's own site


def certificate_name(number: int) -> CertificateName:
    """As a node knows a certificate, by the number of its row."""
    return CertificateName(f"c{number}")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)
    return slug.lstrip("-0123456789").rstrip("-")


def _suggest(text: str, name: str) -> str:
    return f"“{text}” could be “{name}”." if name else ""


def _ascii_form(name: str) -> str:
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
