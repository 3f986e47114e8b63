"""`bakery previews`: a place of its own for each pull request."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import App
from bakery.cli.output import Json, print_done, print_facts, print_rows, warn

group = typer.Typer(help="A place of its own for each pull request.", no_args_is_help=True)

_Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of the pull request.")]


@group.command("list")
def list_previews(app: App, *, json: Json = False) -> None:
    """List the pull requests of an app's repository, and what each has here."""
    with connect() as api:
        found = list(api.every(path("apps", app, "previews")))
    columns = {
        "number": "NUMBER",
        "state": "STATE",
        "status": "STATUS",
        "head": "HEAD",
        "author": "AUTHOR",
        "branch": "BRANCH",
        "address": "ADDRESS",
        "title": "TITLE",
    }
    print_rows(found, columns, as_json=json, empty=f"No pull request of {app} is known yet.")


@group.command()
def show(app: App, *, json: Json = False) -> None:
    """Show how an app's previews are made."""
    with connect() as api:
        found = api.get(path("apps", app, "previews", "settings"))
    titles = {
        "is_on": "Previews",
        "like": "Made like",
        "variables": "Variables",
        "most": "At most",
        "days": "Days without a push",
        "memory_bytes": "Memory (bytes)",
        "cpu_percent": "CPU (percent)",
        "forks": "Forks",
    }
    print_facts(found, titles, as_json=json)


@group.command(name="set")
def set_(
    app: App,
    *,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether pull requests have previews.")] = None,
    like: Annotated[
        str | None, typer.Option(metavar="ENVIRONMENT", help="The environment that they are made like.")
    ] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option("--variable", metavar="NAME", help="A variable that they are given; again for more."),
    ] = None,
    no_variables: Annotated[bool, typer.Option("--no-variables", help="They are given none.")] = False,
    most: Annotated[int | None, typer.Option(help="So many at once.")] = None,
    days: Annotated[int | None, typer.Option(help="They go after so many days without a push.")] = None,
    memory: Annotated[str | None, typer.Option(help="Of each program, like 512M. Empty: as the other.")] = None,
    cpus: Annotated[str | None, typer.Option(help="Likewise, like 0.5.")] = None,
    forks: Annotated[str | None, typer.Option(metavar="never|approval", help="Whether forks may have one.")] = None,
    json: Json = False,
) -> None:
    """Say how an app's previews are made. What is not named stays."""
    wanted: Body = {
        "is_on": on,
        "like": like,
        "variables": [] if no_variables else variables or None,
        "most": most,
        "days": days,
        "memory": memory,
        "cpus": cpus,
        "forks": forks,
    }
    with connect() as api:
        found = api.patch(path("apps", app, "previews", "settings"), wanted)
    if found["webhook_problem"]:
        warn(f"The webhook at GitHub could not be changed: {found['webhook_problem']}")
    done = f"Pull requests of {app} have previews." if found["is_on"] else f"Pull requests of {app} have no previews."
    print_done(found, done, as_json=json)


@group.command()
def approve(
    app: App,
    number: _Number,
    commit: Annotated[str, typer.Argument(metavar="COMMIT", help="That you looked at, all 40 letters.")],
    *,
    json: Json = False,
) -> None:
    """Approve a commit of a fork: that very commit is built and run, without variables."""
    with connect() as api:
        api.post(path("apps", app, "previews", number, "approve"), {"commit": commit})
    print_done({"number": number, "commit": commit}, f"{commit} of pull request #{number} is built.", as_json=json)


@group.command()
def close(app: App, number: _Number, *, json: Json = False) -> None:
    """Close a preview: its environment is deleted. The next push to the pull request brings another."""
    with connect() as api:
        api.post(path("apps", app, "previews", number, "close"))
    print_done({"number": number}, f"The preview of pull request #{number} goes.", as_json=json)
