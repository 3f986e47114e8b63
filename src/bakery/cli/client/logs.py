"""`bakery logs`: what an app writes while it runs, or what a deployment wrote."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

import typer

from bakery.cli.client.api import Api, connect, path
from bakery.cli.client.deploy import wait_for
from bakery.cli.client.follow import read_events
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_json, write_log
from bakery.model.errors import BadInput, Unavailable

_MOST_FAILURES = 30  # in a row
_PAUSE = 1.0


def logs(
    app: App,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="What comes too. Of a deployment until it ends, with its outcome.")
    ] = False,
    process: Annotated[str, typer.Option(metavar="P", help="Of this process alone.")] = "",
    slot: Annotated[str, typer.Option(metavar="SLOT", help="blue or green. Default: all that run.")] = "",
    since: Annotated[str, typer.Option(metavar="DURATION", help="How far back, like 10m.")] = "",
    grep: Annotated[str, typer.Option(metavar="TEXT", help="Only lines with this text in them.")] = "",
    lines: Annotated[int, typer.Option(metavar="N", help="How many of the last lines of each program.")] = 500,
    deployment: Annotated[int | None, typer.Option(metavar="N", help="What this deployment wrote, instead.")] = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Print what an app writes while it runs, or the log of a deployment."""
    wanted = {"process": process, "slot": slot, "since": since, "grep": grep}
    with connect() as api:
        if deployment is not None:
            if any(wanted.values()):
                raise BadInput("That is about what runs, and a deployment is over.", field="--deployment")
            _of_deployment(api, app, deployment, env, follow=follow, json=json)
        elif follow and json:
            raise BadInput("What never ends is no JSON.", field="--json")
        else:
            where = partial(_where, app, env, {name: text for name, text in wanted.items() if text})
            if follow:
                _follow(api, where(lines), where(0))
            else:
                text = _text(api, where(lines), json=json)
                if json:
                    print_json({"app": app, "log": text})


def _where(app: str, env: str | None, wanted: Mapping[str, str], lines: int) -> str:
    query = {"lines": str(lines), **wanted, **({} if env is None else {"env": env})}
    return f"{path('apps', app, 'logs')}?{urlencode(query)}"


def _of_deployment(api: Api, app: str, number: int, env: str | None, *, follow: bool, json: bool) -> None:
    if follow:
        wait_for(api, app, number, json=json)
        return
    text = _text(api, path("apps", app, "deployments", number, "log", env=env), json=json)
    if json:
        print_json({"app": app, "number": number, "log": text})


def _text(api: Api, where: str, *, json: bool) -> str:
    """All of it; what is not for a program is printed as it comes."""
    text: list[str] = []
    with api.stream(where, {"accept": "text/plain"}) as response:
        for piece in response.iter_text():
            text.append(piece) if json else write_log(piece)
    return "".join(text)


def _follow(api: Api, where: str, later: str) -> None:
    """Over lost connections, until somebody ends it. What comes between two of them is missing."""
    failures = 0
    while True:
        try:
            with api.stream(where, {"accept": "text/event-stream"}) as response:
                for event in read_events(response.iter_lines()):
                    failures, where = 0, later
                    if event.name == "log":
                        write_log(event.data["text"])
        except Unavailable:
            failures += 1
            if failures > _MOST_FAILURES:
                raise
        time.sleep(_PAUSE)
