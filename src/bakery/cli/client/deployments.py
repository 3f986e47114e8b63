"""`bakery deployments|cancel`: what was deployed, and an end to it."""

from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_rows
from bakery.model.changes import change_in_words
from bakery.model.errors import BadInput, Conflict


def deployments(
    app: App,
    *,
    every: Annotated[bool, typer.Option("--all", help="Not only the newest 50.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """List the deployments of an app, the newest first."""
    where = path("apps", app, "deployments")
    with connect() as api:
        rows = list(api.every(where, env=env)) if every else api.get(where, env=env)["items"]
    columns = {"number": "#", "state": "STATE", "what": "WHAT", "asked_by": "BY", "created_at": "ASKED"}
    told = rows if json else [{**row, "what": _what(row)} for row in rows]
    print_rows(told, columns, as_json=json, empty=f"{app} was never deployed.")


def cancel(
    app: App,
    number: Annotated[int | None, typer.Argument(metavar="N", help="Default: the newest that is not over.")] = None,
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Cancel a deployment that waits or runs."""
    with connect() as api:
        chosen = _newest_open(api, app, env)["number"] if number is None else number
        found = api.post(path("apps", app, "cancel", env=env), {"number": chosen})
    sentence = f"Deployment #{chosen} of {app} is {'being ' if found['ended_at'] is None else ''}cancelled."
    print_done(found, sentence, as_json=json)


def _what(row: Body) -> str:
    return change_in_words(row["title"], back_to=row["back_to"], applies=row["applies"])


def _newest_open(api: Api, app: str, env: str | None) -> Body:
    """Those that wait for their time are named by hand: cancelling one must not be an accident."""
    listed: list[Body] = api.get(path("apps", app, "deployments"), env=env)["items"]
    waiting = [found for found in listed if found["ended_at"] is None]
    busy = [found for found in waiting if found["state"] != "scheduled"]
    if busy:
        return busy[0]
    if waiting:
        raise BadInput("Say which one.", hint=f"Scheduled: {', '.join(str(found['number']) for found in waiting)}.")
    raise Conflict(f"No deployment of {app} waits or runs.", hint=f"See: bakery deployments {app}")
