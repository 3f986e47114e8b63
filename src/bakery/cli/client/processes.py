"""`bakery scale`: the processes of an app, and how many of each run."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_json, print_rows
from bakery.model.errors import BadInput
from bakery.model.processes import parse_count

_COLUMNS = {"process": "PROCESS", "count": "COUNT", "running": "RUNNING", "restarts": "RESTARTS", "name": "RUNS AS"}


def scale(
    app: App,
    counts: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROCESS=COUNT...", help="Like worker=2. Without one they are shown."),
    ] = None,
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Say how many of each process of an app run, or show them. No deployment is needed."""
    wanted = dict(_pair(text) for text in counts or ())
    with connect() as api:
        address = path("apps", app, "processes", env=env)
        found = api.put(address, {"counts": wanted}) if wanted else api.get(address)
    if json:
        print_json(found)
        return
    nothing = f"Nothing of {app} runs: it is files, or was never deployed."
    print_rows([_row(process) for process in found["items"]], _COLUMNS, as_json=False, empty=nothing)


def _pair(text: str) -> tuple[str, int]:
    name, equals, count = text.partition("=")
    if not name or not equals:
        raise BadInput(f"“{text}” is not PROCESS=COUNT.", hint="Like worker=2.")
    return name, parse_count(count, field=name)


def _row(process: Body) -> Body:
    instances = process["instances"]
    return {
        **process,
        "running": sum(one["is_running"] is True for one in instances),
        "restarts": sum(one["restarts"] for one in instances),
        "name": [one["name"] for one in instances],
    }
