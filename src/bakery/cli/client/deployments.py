"""`bakery deployments|logs|cancel`: what was deployed, what was said, and an end to it."""

from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.apps import Env
from bakery.cli.client.deploy import wait_for
from bakery.cli.output import Json, print_done, print_json, print_rows, write_log
from bakery.model.changes import change_in_words
from bakery.model.errors import BadInput, Conflict, NotFound

_App = Annotated[str, typer.Argument(metavar="APP", help="The app's name.")]


def deployments(
    app: _App,
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


def logs(
    app: _App,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Until the deployment ends; the exit code is its outcome.")
    ] = False,
    deployment: Annotated[int | None, typer.Option(metavar="N", help="Default: the newest.")] = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Print the log of a deployment."""
    with connect() as api:
        number = _newest(api, app, env)["number"] if deployment is None else deployment
        if follow:
            wait_for(api, app, number, json=json)
            return
        text: list[str] = []
        with api.stream(path("apps", app, "deployments", number, "log", env=env), {"accept": "text/plain"}) as response:
            for piece in response.iter_text():
                text.append(piece) if json else write_log(piece)
    if json:
        print_json({"app": app, "number": number, "log": "".join(text)})


def cancel(
    app: _App,
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


def _newest(api: Api, app: str, env: str | None) -> Body:
    for found in api.every(path("apps", app, "deployments"), env=env):
        return found
    raise NotFound(f"{app} was never deployed.", hint=f"Deploy it with: bakery deploy {app} --dir PATH")


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
