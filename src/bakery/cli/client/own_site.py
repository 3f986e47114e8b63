"""`bakery own-site`: whether the nginx of Bakery's machine passes requests on to it."""

import typer

from bakery.cli.client.api import connect
from bakery.cli.output import Json, print_done, print_facts, warn

group = typer.Typer(help="Bakery's own site in nginx.", no_args_is_help=True)
_PATH = "/system/own-site"
_FACTS = {"is_wanted": "Wanted", "is_settled": "As wanted", "host": "Answers to", "secure_until": "Certificate until"}


@group.command()
def show(*, json: Json = False) -> None:
    """Show whether nginx passes requests for the base URL on to Bakery."""
    with connect() as api:
        found = api.get(_PATH)
    print_facts(found, _FACTS, as_json=json)
    for why in (found["trouble"], found["insecure"]):
        if why:
            warn(why)


@group.command()
def on(*, json: Json = False) -> None:
    """Let nginx pass requests for the base URL's host name on to Bakery; again: try it again."""
    with connect() as api:
        found = api.put(_PATH, {"is_wanted": True})
    print_done(found, "nginx is told. See how it went with: bakery own-site show", as_json=json)


@group.command()
def off(*, json: Json = False) -> None:
    """Take Bakery's own site away: its port stays."""
    with connect() as api:
        found = api.put(_PATH, {"is_wanted": False})
    print_done(found, "The site goes in a moment.", as_json=json)
