"""What a caller may say of a site beside where it leads: told_options checks each word, whoever checked it before."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable
from typing import Any

from bakery.helper.words import is_text

WWW = ("as-is", "to-bare", "to-www")
STATUSES = (301, 302, 307, 308)
PAGES = ("502", "503", "504")
MOST_REDIRECTS = MOST_NETWORKS = 100
MOST_HEADERS = MOST_USERS = 50
LONGEST_PAGE = 20_000
PATH = re.compile(r"/[A-Za-z0-9._~/@:+,-]{1,199}")
TARGET = re.compile(r"(?:https?://[A-Za-z0-9.\[]|/(?!/))[!#%&'()*+,./0-9:;=?@A-Z_a-z~\[\]-]{0,499}|/")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
VALUE = re.compile(r"[ -#%-~]{1,2000}")  # nginx would take a dollar sign for a variable
USER = re.compile(r"[A-Za-z0-9._@-]{1,64}")
HASHED = re.compile(r"\$2[aby]\$0[4-8]\$[./A-Za-z0-9]{53}")  # bcrypt, of so few rounds that nobody waits for another
# Those that frame the answer, or that have an option of their own.
NOT_TO_SET = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "location",
        "server", "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade",
        "www-authenticate",
    }
)  # fmt: skip
OURS = ("/.bakery/", "/.well-known/acme-challenge/")


class Redirect:
    def __init__(self, path: str, target: str, status: int, *, is_prefix: bool) -> None:
        self.path, self.target, self.status, self.is_prefix = path, target, status, is_prefix


class SiteOptions:
    """Where nothing is said, a site is as it is here."""

    force_https = False
    hsts_days = 0
    www = "as-is"
    redirects: tuple[Redirect, ...] = ()
    users: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    rate = 0
    burst = 20
    maintenance = False
    maintenance_text = ""
    maintenance_allowed: tuple[str, ...] = ()
    pages: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    headers: tuple[tuple[str, str], ...] = ()
    upload_mb = 100
    connect_seconds = 5
    read_seconds = 3600
    send_seconds = 3600
    gzip = True


def told_options(told: object) -> SiteOptions:
    """Of the line that describes a site; None: nothing is said."""
    options = SiteOptions()
    if told is None:
        return options
    if not isinstance(told, dict) or set(told) != set(CHECKS):
        sys.exit(f"options are described by exactly these: {', '.join(sorted(CHECKS))}.")
    for name, check in CHECKS.items():
        setattr(options, name, check(name, told[name]))
    return options


def _switch(name: str, value: object) -> bool:
    return value if isinstance(value, bool) else sys.exit(f"{name} has to be true or false.")


def _number(least: int, most: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            sys.exit(f"{name} has to be a whole number from {least} to {most}.")
        return value

    return check


def _www(name: str, value: object) -> str:
    return value if isinstance(value, str) and value in WWW else sys.exit(f"{name} has to be one of {', '.join(WWW)}.")


def _redirects(name: str, value: object) -> tuple[Redirect, ...]:
    found = {}
    for one in _list(name, value, MOST_REDIRECTS):
        if not isinstance(one, dict) or set(one) != {"path", "target", "status", "is_prefix"}:
            sys.exit(f"{name} have to be objects of path, target, status and is_prefix.")
        redirect = _redirect(one)
        found[redirect.path, redirect.is_prefix] = redirect
    return tuple(found.values())


def _redirect(told: dict[str, object]) -> Redirect:
    path, target, status = told["path"], told["target"], told["status"]
    is_prefix = _switch("is_prefix", told["is_prefix"])
    if not isinstance(path, str) or not PATH.fullmatch(path) or path.startswith(OURS) or "//" in path or ".." in path:
        sys.exit("The path of a redirect has to be a path of the site other than /.")
    if not isinstance(target, str) or not TARGET.fullmatch(target):
        sys.exit("The target of a redirect has to be a path, or an address that begins with https:// or http://.")
    # Else what follows the path could become a part of the target's host name.
    if is_prefix and not (path.endswith("/") and target.endswith("/") and "?" not in target):
        sys.exit("A redirect of all below a path has to lead from a path with / at its end to a target with / there.")
    if isinstance(status, bool) or not isinstance(status, int) or status not in STATUSES:
        sys.exit(f"The status of a redirect has to be one of {', '.join(map(str, STATUSES))}.")
    return Redirect(path, target, status, is_prefix=is_prefix)


def _users(name: str, value: object) -> dict[str, str]:
    for user, hashed in _pairs(name, value, MOST_USERS):
        if not USER.fullmatch(user) or not HASHED.fullmatch(hashed):
            sys.exit(f"{name} have to be names of letters and digits, with bcrypt hashes.")
    return dict(_pairs(name, value, MOST_USERS))


def _pages(name: str, value: object) -> dict[str, str]:
    for status, page in _pairs(name, value, len(PAGES)):
        if status not in PAGES or not is_text(page) or len(page) > LONGEST_PAGE:
            sys.exit(f"{name} have to be texts of at most {LONGEST_PAGE} characters, for {', '.join(PAGES)}.")
    return dict(_pairs(name, value, len(PAGES)))


def _headers(name: str, value: object) -> tuple[tuple[str, str], ...]:
    found = []
    for one in _list(name, value, MOST_HEADERS):
        if not isinstance(one, list) or len(one) != len(("name", "value")) or not all(map(is_text, one)):
            sys.exit(f"{name} have to be pairs of a name and a value.")
        header, text = one
        if not HEADER.fullmatch(header) or header.lower() in NOT_TO_SET:
            sys.exit(f"“{header}” is no header that a site may set.")
        if not VALUE.fullmatch(text):
            sys.exit(f"The value of the header {header} has to be printable ASCII without dollar signs.")
        found.append((header, text))
    return tuple(found)


def _text(name: str, value: object) -> str:
    if not is_text(value) or len(str(value)) > LONGEST_PAGE:
        sys.exit(f"{name} has to be a text of at most {LONGEST_PAGE} characters.")
    return str(value)


def _networks(name: str, value: object) -> tuple[str, ...]:
    found = []
    for one in _list(name, value, MOST_NETWORKS):
        try:
            found.append(str(ipaddress.ip_network(one if isinstance(one, str) and "%" not in one else "")))
        except ValueError:
            sys.exit(f"{name} have to be addresses or networks, like 203.0.113.7 or 10.0.0.0/8.")
    return tuple(dict.fromkeys(found))


def _list(name: str, value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        sys.exit(f"{name} has to be a list of at most {most}.")
    return value


def _pairs(name: str, value: object, most: int) -> list[tuple[str, str]]:
    if not isinstance(value, dict) or len(value) > most or not all(isinstance(one, str) for one in value.values()):
        sys.exit(f"{name} has to be an object of at most {most} texts.")
    return list(value.items())


CHECKS = {
    "force_https": _switch,
    "hsts_days": _number(0, 3650),
    "www": _www,
    "redirects": _redirects,
    "users": _users,
    "rate": _number(0, 10_000),
    "burst": _number(0, 10_000),
    "maintenance": _switch,
    "maintenance_text": _text,
    "maintenance_allowed": _networks,
    "pages": _pages,
    "headers": _headers,
    "upload_mb": _number(1, 102_400),
    "connect_seconds": _number(1, 75),
    "read_seconds": _number(1, 86_400),
    "send_seconds": _number(1, 86_400),
    "gzip": _switch,
}
