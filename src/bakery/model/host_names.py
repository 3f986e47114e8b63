"""Host names as people type them: international ones, with capitals, a dot at the end, or a star in front. What reaches
a machine is ASCII in lower case; what people read is what they typed."""

import unicodedata
from dataclasses import dataclass

import idna

from bakery.model.errors import BadInput
from bakery.model.names import LONGEST_HOST_NAME, HostName, parse_host_name

_LONGEST_LABEL = 63
_ANY = "*."
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})  # their letters look like each other's


@dataclass(frozen=True, slots=True)
class DomainName:
    """`host` is what DNS, nginx and certificates know; `shown` is how it was typed."""

    host: HostName
    shown: str

    @property
    def is_wildcard(self) -> bool:
        return self.host.startswith(_ANY)


def parse_domain_name(text: str, *, field: str = "host") -> DomainName:
    """A whole name, perhaps with `*.` in front. Each mistake is a sentence that names it."""
    typed = unicodedata.normalize("NFC", text.strip()).lower()
    name = typed.removesuffix(".").removesuffix("。")
    if not name.isprintable() or any(letter.isspace() for letter in name):
        raise BadInput("A host name holds no spaces and no invisible characters.", field=field)
    if any(mark in name for mark in "/:@?#\\"):
        raise BadInput("Use a host name alone, without http://, port or path.", field=field, hint=_host_in(name))
    below = name.removeprefix(_ANY)
    if "*" in below:
        raise BadInput("A star stands alone at the beginning.", field=field, hint="Like *.shop.example.com.")
    host = _ascii(below, field=field)
    any_below = _ANY if below != name else ""
    if "." not in host:
        raise BadInput(f"“{below}” is not a whole host name.", field=field, hint="Like shop.example.com.")
    if len(any_below) + len(host) > LONGEST_HOST_NAME:
        raise _too_long(len(any_below) + len(host), field)
    return DomainName(HostName(any_below + parse_host_name(host, field=field)), name)


def readable(host: str) -> str:
    """As people write it, with the letters that punycode stands for. It may look like another name."""
    try:
        return ".".join(idna.decode(label) if label.startswith("xn--") else label for label in host.split("."))
    except idna.IDNAError:
        return host


def _ascii(name: str, *, field: str) -> str:
    if ".." in name or name.startswith(".") or not name:
        raise BadInput("Between two dots, and before the first, there has to be a name.", field=field)
    if len(name) > LONGEST_HOST_NAME:
        raise _too_long(len(name), field)
    labels = name.split(".")
    long = next((label for label in labels if len(label) > _LONGEST_LABEL), None)
    if long is not None:
        raise BadInput(
            f"A part between dots has at most {_LONGEST_LABEL} characters; one has {len(long)}.", field=field
        )
    if labels[-1].isdigit() and len(labels) != 4:
        raise BadInput("The last part of a host name is no number.", field=field, hint="Like shop.example.com.")
    try:
        found = [_ascii_label(label) for label in labels]
    except idna.IDNAError as error:
        raise BadInput(
            f"“{name}” is no host name that DNS can hold: {str(error).rstrip('.')}.",
            field=field,
            hint="Use letters, digits and hyphens, and no hyphen at an end.",
        ) from error
    for label in map(readable, found):  # as it is resolved: wide letters and such have become usual ones
        _expect_one_script(label, field=field)
    return ".".join(found)


def _ascii_label(label: str) -> str:
    if label.isascii() and not label.startswith("xn--"):
        return label  # whether it is one, is asked of all together
    return idna.encode(label, uts46=True, std3_rules=True).decode()


def _expect_one_script(label: str, *, field: str) -> None:
    """A letter of another alphabet may make another name that looks the same."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in label if letter.isalpha()} & _ALIKE
    if len(scripts) > 1:
        mixed = " and ".join(sorted(script.capitalize() for script in scripts))
        raise BadInput(
            f"“{label}” mixes {mixed} letters that look alike.", field=field, hint="Type it in one alphabet."
        )


def _too_long(length: int, field: str) -> BadInput:
    return BadInput(f"A host name has at most {LONGEST_HOST_NAME} characters; this one has {length}.", field=field)


def _host_in(text: str) -> str:
    host = text.rpartition("://")[2].rpartition("@")[2].partition("/")[0].partition(":")[0]
    return f"Like {host}." if host and len(host) < LONGEST_HOST_NAME else "Like shop.example.com."
