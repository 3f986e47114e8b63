"""GitHub as an Admin names it: the address of its server, and the OAuth app that is registered there."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NewType
from urllib.parse import urlsplit

from bakery.model.errors import BadInput
from bakery.model.secret import Secret

GitHubUrl = NewType("GitHubUrl", str)  # https://github.com, or that of a GitHub Enterprise Server

PUBLIC = GitHubUrl("https://github.com")
LONGEST_SECRET = 400
_LONGEST_URL = 200
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ACCOUNT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})")
_LIKE = "Like https://github.example.com. Empty: https://github.com."


def parse_github_url(text: str, *, field: str = "url") -> GitHubUrl:
    """`https://host[:port]`, in plain http only on this machine itself. Empty: the public one."""
    typed = text.strip().lower().rstrip("/")
    if not typed:
        return PUBLIC
    wrong = BadInput("This is not the address of a GitHub server.", field=field, hint=_LIKE)
    try:
        parts = urlsplit(typed)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    if len(typed) > _LONGEST_URL or not typed.isascii() or typed != f"{parts.scheme}://{parts.netloc}":
        raise wrong
    if "@" in parts.netloc or parts.netloc.endswith(":") or parts.scheme not in {"http", "https"}:
        raise wrong
    address = _address(host)
    if address is None and not _HOST.fullmatch(host):
        raise wrong
    if address and (address.is_link_local or address.is_multicast or address.is_unspecified):
        raise BadInput("No GitHub server has such an address.", field=field, hint=_LIKE)
    if parts.scheme == "http" and not (address and address.is_loopback):
        raise BadInput("Use https: over http everybody on the way can read the tokens.", field=field)
    return GitHubUrl(typed)


def parse_client_id(text: str, *, field: str = "client_id") -> str:
    typed = text.strip()
    if not _CLIENT_ID.fullmatch(typed):
        raise BadInput(
            "A client ID is up to 100 letters, digits, dots and hyphens.",
            field=field,
            hint="Like Iv1.8a61f9b3a7aba766.",
        )
    return typed


def parse_client_secret(secret: Secret, *, field: str = "client_secret") -> Secret:
    typed = secret.reveal().strip()
    if not typed or len(typed) > LONGEST_SECRET or not typed.isascii() or not typed.isprintable() or " " in typed:
        raise BadInput(f"A client secret is one word of up to {LONGEST_SECRET} letters and digits.", field=field)
    return Secret(typed)


def parse_organisation(text: str, *, field: str = "owner") -> str:
    """As GitHub names it. Empty: one's own account."""
    typed = text.strip()
    if typed and not _ACCOUNT.fullmatch(typed):
        raise BadInput(
            "An organisation is up to 39 letters, digits and hyphens.", field=field, hint="As it stands in its address."
        )
    return typed


def api_of(url: GitHubUrl) -> str:
    """Where a server answers programs."""
    return "https://api.github.com" if url == PUBLIC else f"{url}/api/v3"


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
