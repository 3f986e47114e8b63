"""Which Bakery is meant, and the token for it: BAKERY_URL and BAKERY_TOKEN, or what `bakery login` saved."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bakery.model.errors import BadInput, NotReady, NotSignedIn
from bakery.model.secret import Secret

_LOGIN = "Run: bakery login URL, or set BAKERY_URL and BAKERY_TOKEN."


@dataclass(frozen=True, slots=True)
class Context:
    url: str
    token: Secret


def context_path(home: Path) -> Path:
    return home / ".config" / "bakery" / "context.json"


def read_context(environ: Mapping[str, str], path: Path) -> Context:
    """A saved token goes to the address that it was saved for, and to no other."""
    saved = _read(path)
    url = parse_url(environ["BAKERY_URL"]) if environ.get("BAKERY_URL") else saved.url if saved else None
    if url is None:
        raise NotSignedIn("It is not known which Bakery you mean.", hint=_LOGIN)
    if environ.get("BAKERY_TOKEN"):
        return Context(url, Secret(environ["BAKERY_TOKEN"].strip()))
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


def parse_url(text: str) -> str:
    """`https://host[:port][/prefix]`, without a slash at its end."""
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise BadInput(f"“{text}” is not an address like https://bakery.example.com.", field="url")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def _read(path: Path) -> Context | None:
    try:
        if path.stat().st_mode & 0o077:
            raise NotReady(f"Others may read {path}.", hint=f"Run: chmod 600 '{path}'")
        values = json.loads(path.read_text())
        return Context(parse_url(values["url"]), Secret(values["token"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotReady(f"{path} cannot be read.", hint="Delete it and run: bakery login URL") from error
