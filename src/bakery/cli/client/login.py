"""Signing in with the command line, and who one is then."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bakery.cli.client.api import Api, connect
from bakery.cli.client.context import (
    Context,
    context_path,
    is_this_machine,
    parse_token,
    parse_url,
    save_context,
)
from bakery.cli.output import Json, print_done, print_facts, warn
from bakery.cli.terminal import read_secret
from bakery.model.errors import NotAllowed
from bakery.model.secret import Secret

_ASK_EVERY = 2.0


def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of Bakery, like https://bakery.example.com.")],
    *,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read a token from stdin.")] = False,
    json: Json = False,
) -> None:
    """Save a token for a Bakery. A signed-in browser confirms a code; without a browser, send a token on stdin."""
    address = parse_url(url)
    if address.startswith("http:") and not is_this_machine(address):
        warn("This address is not encrypted: the token can be read on the way.")
    token = parse_token(read_secret().reveal()) if token_stdin else confirmed_in_browser(address)
    with Api(address, token) as api:
        me = api.get("/whoami")
    where = context_path(Path.home())
    save_context(Context(address, token), where)
    print_done(
        {"url": address, "email": me["email"], "context": str(where)},
        f"Signed in to {address} as {me['email']}. The token is kept in {where}.",
        as_json=json,
    )


def whoami(*, json: Json = False) -> None:
    """Show whose token is in use, and what it may do."""
    with connect() as api:
        me = api.get("/whoami")
    print_facts(
        {"url": api.url, **me},
        {
            "url": "Bakery",
            "email": "E-mail",
            "role": "Role",
            "scope": "Token's scope",
            "sees_all_apps": "Sees all apps",
        },
        as_json=json,
    )


def confirmed_in_browser(url: str, *, sleep: Callable[[float], None] = time.sleep) -> Secret:
    """Shows the code and waits until it is confirmed. The code runs out by itself."""
    with Api(url, None) as api:
        begun = api.post("/cli-logins", {"machine": _this_machine()})
        warn(f"Open {url}/cli in a browser where you are signed in, and confirm this code:\n\n    {begun['code']}\n")
        deadline = time.monotonic() + begun["expires_in"]
        while time.monotonic() < deadline:
            answer = api.post("/cli-logins/poll", {"poll_token": begun["poll_token"]})
            if answer["token"] is not None:
                return Secret(answer["token"])
            sleep(_ASK_EVERY)
    raise NotAllowed("The code was not confirmed in time.", hint=f"Run it again: bakery login {url}")


def _this_machine() -> str:
    """As far as the API takes it: for whoever confirms the code, it is a reminder and no proof."""
    name = f"{os.environ.get('USER', 'somebody')}@{socket.gethostname()}"
    return name.encode(errors="replace").decode()
