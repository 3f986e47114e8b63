"""`bakery defaults`: what holds for all apps, where neither a person nor a repository says it."""

from typing import Annotated

import typer

from bakery.cli.client.api import connect
from bakery.cli.client.apps import TERM, setting
from bakery.cli.output import Json, print_done, print_rows

group = typer.Typer(help="Defaults of apps.", no_args_is_help=True)
_PATH = "/system/defaults"


@group.command()
def show(*, json: Json = False) -> None:
    """Show the defaults of apps: limits, and how a release takes over."""
    with connect() as api:
        terms = api.get(_PATH)["terms"]
    print_rows(terms, TERM, as_json=json, empty="")


@group.command(name="set")
def set_(
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE…",
            help="memory (in MB), cpus, drain, bake, warm or auto_rollback. An empty value says nothing any more.",
        ),
    ],
    *,
    json: Json = False,
) -> None:
    """Change the defaults of apps, from the next deployment of each on."""
    with connect() as api:
        found = api.patch(_PATH, dict(setting(each) for each in settings))
    print_done(found, "Saved. It takes effect with the next deployment of each app.", as_json=json)
