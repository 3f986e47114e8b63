"""`bakery apps`: what is deployed here."""

from typing import Annotated

import typer

from bakery.cli.client.api import connect, path
from bakery.cli.output import Json, print_done, print_facts, print_rows
from bakery.cli.terminal import confirm

group = typer.Typer(help="Apps.", no_args_is_help=True)
_App = Annotated[str, typer.Argument(metavar="APP", help="The app's name.")]
Env = Annotated[str | None, typer.Option("--env", metavar="ENVIRONMENT", help="Default: production.")]


@group.command("list")
def list_apps(*, json: Json = False) -> None:
    """List the apps that you see."""
    with connect() as api:
        apps = list(api.every("/apps"))
    columns = {"slug": "APP", "status": "STATUS", "live_number": "LIVE", "node": "NODE", "address": "ADDRESS"}
    print_rows(apps, columns, as_json=json, empty="There is no app yet. Make one with: bakery apps create APP")


@group.command()
def show(app: _App, *, env: Env = None, json: Json = False) -> None:
    """Show an app."""
    with connect() as api:
        found = api.get(path("apps", app, env=env))
    titles = {
        "slug": "App",
        "name": "Name",
        "status": "Status",
        "address": "Address",
        "live_number": "Live deployment",
        "live_since": "Live since",
        "node": "Node",
        "runtime": "Runtime",
        "command": "Command",
        "health_path": "Health path",
        "strategy": "Strategy",
    }
    print_facts(found, titles, as_json=json)


@group.command()
def create(
    app: _App,
    *,
    name: Annotated[str, typer.Option(help="How it is shown.")] = "",
    runtime: Annotated[str, typer.Option(help="process or static.")] = "process",
    command: Annotated[str, typer.Option(help="How it is started, like “python3 app.py”.")] = "",
    health: Annotated[str, typer.Option(help="A path that answers when it is well, like /health.")] = "",
    env: Env = None,
    json: Json = False,
) -> None:
    """Make an app. Its folder is deployed with: bakery deploy APP --dir PATH"""
    wanted = {"slug": app, "name": name, "runtime": runtime, "command": command, "health": health}
    with connect() as api:
        made = api.post(path("apps", env=env), wanted)
    print_done(made, f"{app} is made. Deploy it with: bakery deploy {app} --dir PATH", as_json=json)


@group.command()
def delete(
    app: _App,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Delete an app with all that belongs to it."""
    with connect() as api:
        found = api.get(path("apps", app, env=env))
        confirm(f"Delete {found['slug']} with its releases, deployments and logs?", yes=yes)
        api.delete(path("apps", app, env=env))
    print_done({"deleted": app}, f"{app} is being deleted.", as_json=json)
