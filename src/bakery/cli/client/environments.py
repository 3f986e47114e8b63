"""`bakery environments`: places beside production where an app runs."""

from typing import Annotated

import typer

from bakery.cli.client.api import connect, path
from bakery.cli.client.places import App
from bakery.cli.output import Json, print_done, print_rows

group = typer.Typer(help="Places beside production where an app runs.", no_args_is_help=True)


@group.command("list")
def list_environments(app: App, *, json: Json = False) -> None:
    """List the environments of an app, production first."""
    with connect() as api:
        found = list(api.every(path("apps", app, "environments")))
    columns = {
        "environment": "ENVIRONMENT",
        "status": "STATUS",
        "live_number": "LIVE",
        "branch": "BRANCH",
        "node": "NODE",
        "address": "ADDRESS",
    }
    print_rows(found, columns, as_json=json, empty="")


@group.command()
def add(
    app: App,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Like staging.")],
    *,
    branch: Annotated[str, typer.Option(help="That it follows. Default: that of the other.")] = "",
    node: Annotated[str, typer.Option(help="The node that it is to live on. Default: that of the other.")] = "",
    variables: Annotated[
        bool, typer.Option("--variables", help="With the other's variables, as they are now.")
    ] = False,
    env: Annotated[
        str | None,
        typer.Option("--env", metavar="ENVIRONMENT", help="The one that it is made like. Default: production."),
    ] = None,
    json: Json = False,
) -> None:
    """Add an environment with the source and settings of another one. Nothing is deployed yet."""
    wanted = {"name": name, "branch": branch, "node": node, "variables": variables}
    with connect() as api:
        made = api.post(path("apps", app, "environments", env=env), wanted)
    print_done(made, f"{app} has {name} now. Deploy it with: bakery deploy {app} --env {name}", as_json=json)
