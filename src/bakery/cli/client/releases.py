"""`bakery rollback|releases`: what was live, and going back to it."""

from typing import Annotated

import typer

from bakery.cli.client.api import connect, path
from bakery.cli.client.deploy import wait_for
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_rows


def rollback(
    app: App,
    number: Annotated[
        int | None, typer.Argument(metavar="N", help="Default: what was live before the live release.")
    ] = None,
    *,
    todays: Annotated[bool, typer.Option("--todays-variables", help="Not the variables that the release had.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow the log to the end; the exit code is the outcome.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Make an earlier release live again. Nothing is built. Twice without a number goes two releases back."""
    wanted = {"release": number, "variables": "today" if todays else "then"}
    with connect() as api:
        made = api.post(path("apps", app, "rollback", env=env), wanted)
        if wait:
            wait_for(api, app, made["number"], json=json)
            return
    print_done(
        made,
        f"Deployment #{made['number']} of {app} goes back to release #{made['back_to']}. "
        f"Follow it with: bakery logs {app} --deployment {made['number']} --follow",
        as_json=json,
    )


def retry(
    app: App,
    number: Annotated[int, typer.Argument(metavar="N", help="One that failed or was cancelled.")],
    *,
    step: Annotated[
        str | None, typer.Option("--from", metavar="STEP", help="Default: the step at which it ended.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow the log to the end; the exit code is the outcome.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Deploy the same source once more, with what was made of it where that is still there."""
    with connect() as api:
        made = api.post(path("apps", app, "deployments", number, "retry", env=env), {"from_step": step})
        if wait:
            wait_for(api, app, made["number"], json=json)
            return
    print_done(
        made,
        f"{made['note']} Deployment #{made['number']} is {made['state']}. "
        f"Follow it with: bakery logs {app} --deployment {made['number']} --follow",
        as_json=json,
    )


def releases(
    app: App,
    *,
    every: Annotated[bool, typer.Option("--all", help="Not only the newest 50.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """List what was live, the newest first. One can go back to those that are kept."""
    where = path("apps", app, "releases")
    with connect() as api:
        rows = list(api.every(where, env=env)) if every else api.get(where, env=env)["items"]
    columns = {
        "number": "#",
        "title": "WHAT",
        "live_at": "LAST LIVE",
        "is_live": "LIVE",
        "is_kept": "KEPT",
        "slot": "SLOT",
    }
    print_rows(rows, columns, as_json=json, empty=f"Nothing of {app} was live yet.")
