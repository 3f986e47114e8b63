"""`bakery token`: tokens for programs."""

from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.durations import parse_days
from bakery.cli.output import Json, print_done, print_json, print_rows, say, warn
from bakery.cli.terminal import ask_secret, read_secret
from bakery.model.errors import BadInput
from bakery.model.secret import Secret

group = typer.Typer(help="Tokens for programs.", no_args_is_help=True)


@group.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    *,
    scope: Annotated[str, typer.Option(help="admin, read, deploy or deploy:APP.")],
    expires: Annotated[str, typer.Option(help="After how many days it ends.")] = "90d",
    code_stdin: Annotated[
        bool, typer.Option("--code-stdin", help="Read a code of your second factor from stdin.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a token of your own. It is printed once."""
    kind, colon, app = scope.partition(":")
    if colon and not app:
        raise BadInput("Name the app, as in deploy:shop.", field="--scope")
    wanted = {"name": name, "scope": kind, "app": app or None, "expires": parse_days(expires)}
    with connect() as api:
        made = _create(api, wanted, read_secret() if code_stdin else None)
    if json:
        print_json(made)
        return
    warn("This is the only time that the token is shown:")
    say(made["token"])


@group.command("list")
def list_tokens(*, json: Json = False) -> None:
    """List your tokens, the newest first."""
    with connect() as api:
        tokens = list(api.every("/tokens"))
    columns = {
        "id": "ID",
        "name": "NAME",
        "prefix": "BEGINS",
        "scope": "SCOPE",
        "app": "APP",
        "expires_at": "EXPIRES",
        "last_used_at": "LAST USED",
    }
    print_rows(tokens, columns, as_json=json, empty="You have no token.")


@group.command()
def revoke(token: Annotated[int, typer.Argument(metavar="ID", help="From the list.")], *, json: Json = False) -> None:
    """Revoke a token: its next call is refused."""
    with connect() as api:
        api.delete(path("tokens", token))
    print_done({"revoked": token}, f"Token {token} is revoked.", as_json=json)


def _create(api: Api, wanted: Body, code: Secret | None) -> Body:
    """Who has a second factor is asked for a code of it."""
    try:
        return api.post("/tokens", {**wanted, "code": code.reveal() if code else ""})
    except BadInput as error:
        if error.field != "code" or code is not None:
            raise
        return _create(api, wanted, ask_secret("Code of your second factor", option="--code-stdin"))
