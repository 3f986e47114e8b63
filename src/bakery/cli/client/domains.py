"""`bakery domains`: host names that lead to an app."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_json, print_rows, say

group = typer.Typer(help="Host names that lead to an app.", no_args_is_help=True)

_Host = Annotated[str, typer.Argument(metavar="HOST", help="Like shop.example.com, or *.shop.example.com.")]


@group.command("list")
def list_domains(app: App, *, env: Env = None, json: Json = False) -> None:
    """List the domains of an app, the primary one first."""
    with connect() as api:
        found = list(api.every(path("apps", app, "domains", env=env)))
    columns = {"shown": "DOMAIN", "primary": "PRIMARY", "dns_state": "DNS", "look_at": "LOOKED AT AGAIN"}
    rows = found if json else [{**one, "primary": "primary" if one["is_primary"] else None} for one in found]
    empty = f"{app} has no domain of its own. Attach one: bakery domains add {app} HOST"
    print_rows(rows, columns, as_json=json, empty=empty)


@group.command()
def add(app: App, host: _Host, *, env: Env = None, json: Json = False) -> None:
    """Attach a domain to an app, which answers to it at once."""
    with connect() as api:
        made = api.post(path("apps", app, "domains", env=env), {"host": host})
    print_done(made, f"{app} answers to {made['shown']} now.", as_json=json)
    if not json:
        _tell_records(made)


@group.command()
def verify(app: App, host: _Host, *, env: Env = None, json: Json = False) -> None:
    """Ask the DNS whether a domain leads to the app's node."""
    with connect() as api:
        found = api.post(path("apps", app, "domains", host, "verify", env=env))
    if json:
        print_json(found)
    elif found["dns_state"] == "right":
        say(f"The DNS of {found['shown']} is right.")
    else:
        for trouble in found["troubles"]:
            say(f"{trouble['said']} {trouble['fix']}")
        _tell_records(found)


@group.command()
def primary(app: App, host: _Host, *, env: Env = None, json: Json = False) -> None:
    """Make a domain the one under which the app is shown and linked."""
    with connect() as api:
        found = api.post(path("apps", app, "domains", host, "primary", env=env))
    print_done(found, f"{found['shown']} is the primary domain of {app}.", as_json=json)


@group.command()
def remove(app: App, host: _Host, *, env: Env = None, json: Json = False) -> None:
    """Remove a domain from an app, which answers to it no more."""
    with connect() as api:
        api.delete(path("apps", app, "domains", host, env=env))
    print_done({"removed": host}, f"{app} does not answer to {host} any more.", as_json=json)


def _tell_records(found: Body) -> None:
    zone = found["found"]["zone"] if found["found"] else ""
    if not found["records"]:
        say("The public address of the app's node is not known: set it with bakery nodes edit NODE --public-address.")
        return
    say(f"At the DNS provider of {zone or found['shown']} there has to be:")
    print_rows(
        found["records"], {"type": "TYPE", "name": "NAME", "value": "VALUE", "ttl": "TTL"}, as_json=False, empty=""
    )
