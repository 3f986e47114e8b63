"""`bakery certificates`: what browsers are shown when they come to an app by HTTPS."""

from pathlib import Path
from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_rows, warn
from bakery.model.errors import BadInput

group = typer.Typer(help="What browsers are shown when they come to an app by HTTPS.", no_args_is_help=True)


@group.command("list")
def list_certificates(app: App, *, env: Env = None, json: Json = False) -> None:
    """List the certificates of an app. A name has the first that is for it."""
    with connect() as api:
        found = list(api.every(path("apps", app, "certificates", env=env)))
    rows = found if json else [{**one, **_in_words(one)} for one in found]
    columns = {"id": "ID", "for": "NAMES", "state": "STATE", "issuer": "ISSUER", "not_after": "UNTIL"}
    empty = f"{app} has no certificate. One is asked for when the DNS of a domain is right: bakery domains list {app}"
    print_rows(rows, columns, as_json=json, empty=empty)
    for one in [] if json else found:
        if one["reason"]:
            warn(f"{one['reason']['means']} {one['reason']['fix']}\n{one['reason']['said']}")
        if one["trouble"]:
            warn(one["trouble"])


@group.command()
def renew(
    app: App,
    *,
    anew: Annotated[
        bool, typer.Option("--anew", help="Also where the one that there is lasts for long. Authorities count these.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Ask for an app's certificate now, and not when its time would come."""
    with connect() as api:
        api.post(path("apps", app, "certificates", "renew", env=env), {"anew": anew})
    print_done({"asked": app}, f"Bakery asks for it. See: bakery certificates list {app}", as_json=json)


@group.command()
def upload(
    app: App,
    certificate: Annotated[
        Path, typer.Argument(metavar="CERTIFICATE", help="A PEM file: the site's own first, then whoever signed it.")
    ],
    key: Annotated[Path, typer.Argument(metavar="KEY", help="The PEM file of its private key, without a password.")],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Bring a certificate of your own. Its key goes to the app's node, and lies there alone."""
    wanted = {"certificate": _text_of(certificate, "CERTIFICATE"), "key": _text_of(key, "KEY")}
    with connect() as api:
        made = api.post(path("apps", app, "certificates", env=env), wanted)
    print_done(made, f"{app} has it for {', '.join(made['names'])} until {made['not_after'][:10]}.", as_json=json)


@group.command()
def remove(
    app: App,
    certificate: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Remove a certificate that somebody brought. Its names have Bakery's own again."""
    with connect() as api:
        api.delete(path("apps", app, "certificates", certificate, env=env))
    print_done({"removed": certificate}, f"{app} does not show it any more.", as_json=json)


def _in_words(one: Body) -> Body:
    state = f"{one['state']} (staging)" if one["is_staging"] else one["state"]
    return {"for": ", ".join(one["names"] or one["wanted"]) or None, "state": state}


def _text_of(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read as PEM: {error}.", field=name) from error
