"""Which Bakery is meant, and the token for it: BAKERY_URL and BAKERY_TOKEN, or what `bakery login` saved."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bakery.model.errors import BadInput, NotReady, NotSignedIn
from bakery.model.secret import Secret

_LOGIN = "Run: bakery login URL, or set BAKERY_URL and BAKERY_TOKEN."
_LABEL = r"[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class Context:
    url: str
    token: Secret


def context_path(home: Path) -> Path:
    return home / ".config" / "bakery" / "context.json"


def read_context(environ: Mapping[str, str], path: Path) -> Context:
    """A saved token goes to the address that it was saved for, and to no other."""
    saved = _read(path)
    named = environ.get("BAKERY_URL")
    url = parse_url(named, field="BAKERY_URL") if named else saved.url if saved else None
    if url is None:
        raise NotSignedIn("It is not known which Bakery you mean.", hint=_LOGIN)
    if environ.get("BAKERY_TOKEN"):
        return Context(url, parse_token(environ["BAKERY_TOKEN"], field="BAKERY_TOKEN"))
    if saved is None or saved.url != url:
        raise NotSignedIn(f"There is no token for {url}.", hint=_LOGIN)
    return saved


def save_context(context: Context, path: Path) -> None:
    """For this user alone, from the first byte on."""
    text = json.dumps({"url": context.url, "token": context.token.reveal()})
    aside = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
        aside.replace(path)
    except OSError as error:
        raise NotReady(
            f"{path} cannot be written: {error.strerror}.", hint="Use BAKERY_URL and BAKERY_TOKEN instead."
        ) from error


def parse_url(text: str, *, field: str = "url") -> str:
    """`https://host[:port][/prefix]`, without a slash at its end. Names beyond ASCII are written as xn--…"""
    no_address = BadInput(f"“{text}” is not an address like https://bakery.example.com.", field=field)
    plain = text.strip()
    if not plain.isascii() or not plain.isprintable():
        raise no_address
    try:
        parts = urlsplit(plain)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise no_address from None
    if parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise no_address
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if parts.netloc.lower() != f"{host}{port}" or not _HOST.fullmatch(host) or not _PATH.fullmatch(parts.path):
        raise no_address
    address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    if not _can_be_asked(address):
        raise no_address
    return address


def parse_token(text: str, *, field: str = "token") -> Secret:
    """It is sent in a header, which holds printable ASCII."""
    token = text.strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise BadInput("This is not a token of Bakery.", field=field, hint="Copy the whole of it, and nothing else.")
    return Secret(token)


def _can_be_asked(address: str) -> bool:
    """Of what looks like one, HTTP knows some that are not: 256.1.1.1, or xn-- with nothing behind it."""
    import httpx

    try:
        return bool(httpx.URL(address).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


def is_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def _read(path: Path) -> Context | None:
    try:
        if path.stat().st_mode & 0o077:
            raise NotReady(f"Others may read {path}.", hint=f"Run: chmod 600 '{path}'")
        values = json.loads(path.read_text())
        return Context(parse_url(values["url"]), parse_token(values["token"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadInput) as error:
        raise NotReady(f"{path} cannot be read.", hint="Delete it and run: bakery login URL") from error
