"""Addresses of repositories and names in them, checked: none that a program takes for an option or another protocol."""

from __future__ import annotations

import posixpath
import re
import sys

from bakery.helper.reach import may_lead

LONGEST_URL = 500
USER = "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
NAME = "[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
PORT = "(?::(?P<port>[0-9]{1,5}))?"
PATH = r"[A-Za-z0-9_~.%+@][A-Za-z0-9_~.%+@,=:/-]*"
HTTPS = re.compile(rf"https://(?P<host>{NAME}|\[[0-9A-Fa-f:]+\]){PORT}/(?P<path>{PATH})")
LOOPBACK = re.compile(rf"http://(?P<host>127\.0\.0\.1|localhost|\[::1\]){PORT}/(?P<path>{PATH})")
SSH = re.compile(rf"ssh://(?:(?P<user>{USER})@)?(?P<host>{NAME}|\[[0-9A-Fa-f:]+\]){PORT}/(?P<path>{PATH})")
SCP = re.compile(rf"(?:(?P<user>{USER})@)?(?P<host>{NAME}):(?P<path>/?{PATH})")
BRANCH = (
    r"(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))"
    r"[A-Za-z0-9_](?:[^\x00-\x20\x7f~^:?*\[\\]{0,198}[^\x00-\x20\x7f~^:?*\[\\/.])?"
)
REF = re.compile(f"HEAD|[0-9a-f]{{40}}|refs/(?:heads|tags)/{BRANCH}")
COMMIT = re.compile("[0-9a-f]{40}")


class Url:
    """`scheme` is how git speaks to it; `server` is what a credential is for."""

    def __init__(self, scheme: str, found: re.Match[str]) -> None:
        self.text, self.scheme = found[0], scheme
        self.host, self.path = found["host"].lower(), found["path"]
        self.port = None if found.re is SCP else found["port"]
        self.user = found["user"] if scheme == "ssh" else None

    @property
    def server(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def protocols(self) -> str:
        """What git may speak, on the way there and wherever the server leads it."""
        return "http:https" if self.scheme == "http" else "https:ssh"

    def beside(self, target: str) -> Url:
        """A submodule's address, which may be relative to this one."""
        if not target.startswith(("./", "../")):
            found = expect_url(target)
            if not may_lead(self.host, found.host):
                sys.exit(f"The address {target} of a submodule is one that only the node itself reaches.")
            return found
        path = posixpath.normpath(posixpath.join(self.path, target))
        if path.startswith(".."):
            sys.exit(f"The address {target} of a submodule leads out of its server.")
        return expect_url(f"{self.text[: len(self.text) - len(self.path)]}{path}")

    def through(self, other: Url) -> Url:
        """The same repository by the way that we have a credential for: one server, reached in two ways."""
        if self.scheme == "ssh" and other.scheme == "https" and self.host == other.host and self.port is None:
            return expect_url(f"{other.server}/{self.path.lstrip('/')}")
        return self


def find_url(text: str) -> Url | None:
    for scheme, form in (("https", HTTPS), ("http", LOOPBACK), ("ssh", SSH), ("ssh", SCP)):
        found = form.fullmatch(text) if len(text) <= LONGEST_URL else None
        if found and ".." not in found["path"].split("/"):
            return Url(scheme, found)
    return None


def expect_url(text: str) -> Url:
    found = find_url(text)
    if found is None:
        sys.exit("A repository has an address like https://host/path, ssh://git@host/path or git@host:path.")
    return found


def is_ref(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 250 and REF.fullmatch(value) is not None


def short(ref: str) -> str:
    """How people call it."""
    return re.sub("^refs/(heads|tags)/", "", ref)
