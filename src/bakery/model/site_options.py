"""How an environment's site treats its visitors, beside where it leads them: typed values, and people's texts for them.

Nothing of it is text of nginx: the node checks each value once more, and writes it with its own escaping.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Final

from bakery.model.errors import BadInput

MOST_REDIRECTS = MOST_NETWORKS = 100
MOST_HEADERS = MOST_USERS = 50
LONGEST_PAGE = 20_000
PAGES = ("502", "503", "504")
STATUSES = (301, 302, 307, 308)
_PATH = re.compile(r"/[A-Za-z0-9._~/@:+,-]{1,199}")
_TARGET = re.compile(r"(?:https?://[A-Za-z0-9.\[]|/(?!/))[!#%&'()*+,./0-9:;=?@A-Z_a-z~\[\]-]{0,499}|/")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_VALUE = re.compile(r"[ -#%-~]{1,2000}")
_USER = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_NOT_TO_SET = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "location",
        "server", "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade",
        "www-authenticate",
    }
)  # fmt: skip
_OURS = ("/.bakery/", "/.well-known/acme-challenge/")
_YES_OR_NO = {True: "yes", False: "no"}
_YES, _NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0", ""})


class Www(StrEnum):
    """What becomes of a name that the site has with and without www."""

    AS_IS = "as-is"
    TO_BARE = "to-bare"
    TO_WWW = "to-www"


@dataclass(frozen=True, slots=True)
class Redirect:
    """`is_prefix`: of all below the path, and what follows it is kept."""

    path: str
    target: str
    status: int = 301
    is_prefix: bool = False

    def __str__(self) -> str:
        return f"{self.path}{'*' * self.is_prefix} {self.target} {self.status}"


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """As it is, a site where nobody chose. `users` have the hashes of their passwords; `rate` is in requests a second
    of a client, 0 for any; `pages` are by status; what has to do with TLS holds where the site has a certificate."""

    force_https: bool = False
    hsts_days: int = 0
    www: Www = Www.AS_IS
    redirects: tuple[Redirect, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate: int = 0
    burst: int = 20
    maintenance: bool = False
    maintenance_text: str = ""
    maintenance_allowed: tuple[str, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    upload_mb: int = 100
    connect_seconds: int = 5
    read_seconds: int = 3600
    send_seconds: int = 3600
    gzip: bool = True


USUAL: Final = SiteOptions()


def changed(now: SiteOptions, wanted: Mapping[str, str]) -> SiteOptions:
    """What is not in `wanted` stays; an empty text is what is usual. Each mistake names its field."""
    for name, text in wanted.items():
        if name not in KNOWN:
            raise BadInput(f"There is no site option “{name}”.", field=name, hint=f"Known are: {', '.join(KNOWN)}.")
        try:
            now = _with(now, name, text.replace("\r\n", "\n").strip())
        except BadInput as error:
            raise BadInput(error.message, field=name, hint=error.hint) from error
    return now


def texts(options: SiteOptions) -> Mapping[str, str]:
    """As `changed` reads them. Whose passwords are asked for is not among them."""
    return {
        "force_https": _YES_OR_NO[options.force_https],
        "hsts_days": str(options.hsts_days),
        "www": options.www,
        "redirects": "\n".join(map(str, options.redirects)),
        "rate": str(options.rate),
        "burst": str(options.burst),
        "maintenance": _YES_OR_NO[options.maintenance],
        "maintenance_text": options.maintenance_text,
        "maintenance_allowed": "\n".join(options.maintenance_allowed),
        **{f"page_{status}": options.pages.get(status, "") for status in PAGES},
        "headers": "\n".join(f"{name}: {value}" for name, value in options.headers),
        "upload_mb": str(options.upload_mb),
        "connect_seconds": str(options.connect_seconds),
        "read_seconds": str(options.read_seconds),
        "send_seconds": str(options.send_seconds),
        "gzip": _YES_OR_NO[options.gzip],
    }


KNOWN: Final = tuple(texts(USUAL))
SWITCHES: Final = ("force_https", "maintenance", "gzip")


def parse_user(name: str) -> str:
    if _USER.fullmatch(name):
        return name
    raise BadInput("A name holds letters, digits, dots, hyphens, underscores and @, at most 64.", field="user")


def with_user(options: SiteOptions, name: str, hashed: str) -> SiteOptions:
    users = {**options.users, parse_user(name): hashed}
    if len(users) > MOST_USERS:
        raise BadInput(f"A site asks for at most {MOST_USERS} names.", field="user")
    return replace(options, users=users)


def without_user(options: SiteOptions, name: str) -> SiteOptions:
    if name not in options.users:
        raise BadInput(f"The site knows nobody called “{name}”.", field="user")
    return replace(options, users={known: hashed for known, hashed in options.users.items() if known != name})


def _with(now: SiteOptions, name: str, text: str) -> SiteOptions:
    if name.startswith("page_"):
        pages = {status: page for status, page in now.pages.items() if f"page_{status}" != name}
        return replace(now, pages={**pages, name.removeprefix("page_"): _page(text)} if text else pages)
    return replace(now, **{name: _READ[name](text) if text else getattr(USUAL, name)})


def _yes(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise BadInput("Say yes or no.")
    return text.lower() in _YES


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise BadInput(f"This is a whole number from {least} to {most}.")
        return int(text)

    return read


def _www(text: str) -> Www:
    if text not in set(Www):
        raise BadInput(f"This is one of {', '.join(Www)}.")
    return Www(text)


def _redirects(text: str) -> tuple[Redirect, ...]:
    found = tuple(map(_redirect, _lines(text, MOST_REDIRECTS, "redirects")))
    _expect_once(f"{one.path}{'*' * one.is_prefix}" for one in found)
    return found


def _redirect(line: str) -> Redirect:
    words = line.split()
    if len(words) not in {2, 3}:
        raise BadInput(
            f"“{line}” is no redirect.", hint="One a line: FROM TO [STATUS], like /old /new 301, or /blog/* /news/."
        )
    path, target, status = words[0].removesuffix("*"), words[1], words[2] if words[2:] else "301"
    is_prefix = words[0].endswith("*")
    if not _PATH.fullmatch(path) or path.startswith(_OURS) or "//" in path or ".." in path:
        raise BadInput(
            f"“{words[0]}” is no path that can lead elsewhere.",
            hint="A path is like /old, or /blog/* for all below it, with letters, digits and . _ ~ - @ : + ,",
        )
    if not _TARGET.fullmatch(target):
        raise BadInput(
            f"“{target}” is no address to lead to.",
            hint="It is a path, like /new, or begins with https:// or http://, and has no spaces and dollar signs.",
        )
    if is_prefix and not (path.endswith("/") and target.endswith("/") and "?" not in target):
        raise BadInput(
            f"“{line}” has to have a / at the end of both.", hint="Like /blog/* https://blog.example/, without a query."
        )
    if target == path or (is_prefix and target.startswith(path)):
        raise BadInput(f"“{line}” would lead to itself.")
    if status not in map(str, STATUSES):
        raise BadInput(f"“{status}” is no status of a redirect.", hint=f"It is one of {', '.join(map(str, STATUSES))}.")
    return Redirect(path, target, int(status), is_prefix)


def _networks(text: str) -> tuple[str, ...]:
    found = []
    for word in re.split(r"[\s,]+", text):
        try:
            found.append(str(ip_network(word if "%" not in word else "")))  # no zone of one machine
        except ValueError as error:
            raise BadInput(
                f"“{word}” is neither an address nor a network.", hint="Like 203.0.113.7 or 10.0.0.0/8, one a line."
            ) from error
    if len(found) > MOST_NETWORKS:
        raise BadInput(f"A site lets in at most {MOST_NETWORKS} networks.")
    return tuple(dict.fromkeys(found))


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(map(_header, _lines(text, MOST_HEADERS, "headers")))


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not _HEADER.fullmatch(name):
        raise BadInput(f"“{line}” is no header.", hint="One a line, like X-Frame-Options: DENY")
    if name.lower() in _NOT_TO_SET:
        raise BadInput(f"The header {name} is not for a site to set.")
    if not _VALUE.fullmatch(value):
        raise BadInput(f"The value of {name} has to be printable ASCII without dollar signs, at most 2000 characters.")
    return name, value


def _page(text: str) -> str:
    if len(text) > LONGEST_PAGE or "\0" in text:
        raise BadInput(f"This is a text of at most {LONGEST_PAGE} characters.")
    return text


def _lines(text: str, most: int, what: str) -> list[str]:
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if len(found) > most:
        raise BadInput(f"A site has at most {most} {what}.")
    return found


def _expect_once(paths: Iterable[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise BadInput(f"{path} leads to two addresses.")
        seen.add(path)


# Any: each gives what the field of its name takes.
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "force_https": _yes,
    "hsts_days": _number(0, 3650),
    "www": _www,
    "redirects": _redirects,
    "rate": _number(0, 10_000),
    "burst": _number(0, 10_000),
    "maintenance": _yes,
    "maintenance_text": _page,
    "maintenance_allowed": _networks,
    "headers": _headers,
    "upload_mb": _number(1, 102_400),
    "connect_seconds": _number(1, 75),
    "read_seconds": _number(1, 86_400),
    "send_seconds": _number(1, 86_400),
    "gzip": _yes,
}
