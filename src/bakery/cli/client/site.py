"""`bakery site`: how an app's site treats its visitors."""

from pathlib import Path
from typing import Annotated

import typer

from bakery.cli.client.api import connect, path
from bakery.cli.client.apps import setting
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_facts, warn
from bakery.cli.terminal import ask_secret, read_secret
from bakery.model.errors import BadInput

group = typer.Typer(help="How an app's site treats its visitors.", no_args_is_help=True)

_User = Annotated[str, typer.Argument(metavar="USER", help="The name that visitors give.")]


@group.command()
def show(app: App, *, env: Env = None, json: Json = False) -> None:
    """Show how a site treats its visitors."""
    with connect() as api:
        found = api.get(path("apps", app, "site", env=env))
    print_facts(found, {name: name for name in found if name != "trouble"}, as_json=json)
    if found["trouble"]:
        warn(f"nginx refused the site as it is to be: {found['trouble']}")


@group.command("set")
def set_(
    app: App,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE…",
            help="force_https, hsts_days, www (as-is, to-bare or to-www), redirects (lines of FROM TO STATUS), rate, "
            "burst, maintenance, maintenance_text, maintenance_allowed, page_502, page_503, page_504, headers (lines "
            "of NAME: VALUE), upload_mb, connect_seconds, read_seconds, send_seconds or gzip. @FILE as a value reads "
            "that file. An empty value is what is usual.",
        ),
    ],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Change how a site treats its visitors, without a deployment."""
    wanted = {name: _value(name, text) for name, text in map(setting, settings)}
    with connect() as api:
        found = api.patch(path("apps", app, "site", env=env), wanted)
    print_done(found, f"Saved. The site of {app} has it in a moment.", as_json=json)


@group.command()
def password(
    app: App,
    user: _User,
    *,
    stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Let somebody in by a password. With the first one every visitor is asked for one."""
    secret = read_secret() if stdin else ask_secret("Password", option="--password-stdin")
    with connect() as api:
        found = api.put(path("apps", app, "site", "users", user, env=env), {"password": secret.reveal()})
    print_done(found, f"{user} may see the site of {app}.", as_json=json)


@group.command()
def forget(app: App, user: _User, *, env: Env = None, json: Json = False) -> None:
    """Let somebody in no more. Without the last one nobody is asked for a password."""
    with connect() as api:
        api.delete(path("apps", app, "site", "users", user, env=env))
    print_done({"forgotten": user}, f"The site of {app} knows {user} no more.", as_json=json)


def _value(name: str, text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(f"{text[1:]} cannot be read: {error}.", field=name) from error
