"""`bakery volumes`: files of an app that outlive its releases."""

from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_rows, warn
from bakery.cli.terminal import confirm
from bakery.model.errors import BadInput
from bakery.model.sizes import shown_bytes
from bakery.model.volumes import parse_volume

group = typer.Typer(help="Files of an app that outlive its releases.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The volume's name.")]


@group.command("list")
def list_volumes(
    app: Annotated[str, typer.Argument(metavar="[APP]", help="The app's name.")] = "",
    *,
    node: Annotated[str, typer.Option(help="All that lie on this node, with sizes, also those of deleted apps.")] = "",
    env: Env = None,
    json: Json = False,
) -> None:
    """List the volumes of an app, or all on a node."""
    if bool(app) == bool(node):
        raise BadInput(
            "Name an app, or a node with --node.", field="app", hint="Like: bakery volumes list --node local"
        )
    with connect() as api:
        found = list(api.every(path("apps", app, "volumes", env=env) if app else path("nodes", node, "volumes")))
    columns = {"name": "NAME", "path": "PATH", "named_by": "NAMED BY", "state": "STATE"}
    if node:
        columns = {"app": "APP", "name": "NAME", "size": "SIZE", "state": "STATE"}
    rows = found if json else [_of_node(one) if node else _of_app(one) for one in found]
    empty = (
        f"There is no volume on {node}."
        if node
        else f"{app} has no volume. Name one: bakery volumes add {app} NAME:PATH"
    )
    print_rows(rows, columns, as_json=json, empty=empty)


def _of_app(one: Body) -> Body:
    kept = "kept, not named any more" if one["path"] is None else "made"
    return {**one, "state": kept if one["is_made"] else "made with the next deployment"}


def _of_node(one: Body) -> Body:
    kept = "not named any more" if one["has_app"] else "left by a deleted app"
    size = None if one["bytes"] is None else shown_bytes(one["bytes"])
    return {**one, "size": size, "state": "in use" if one["is_used"] else kept}


@group.command()
def add(
    app: App,
    volume: Annotated[
        str, typer.Argument(metavar="NAME:PATH", help="Like data:/var/data. A relative path is below the app.")
    ],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Name a volume of an app, from its next deployment on. One of this name moves to the path."""
    name, where = parse_volume(volume)
    with connect() as api:
        found = _set(api, app, env, name, str(where))
    print_done(found, f"Saved. {app} finds {name} at {where} from its next deployment on.", as_json=json)
    _warn(found)


@group.command()
def remove(app: App, volume: _Name, *, env: Env = None, json: Json = False) -> None:
    """Name a volume no more, from the app's next deployment on. Its files are kept."""
    with connect() as api:
        found = _set(api, app, env, volume, None)
    print_done(found, f"Saved. The files of {volume} are kept; see: bakery volumes list {app}", as_json=json)


@group.command()
def delete(
    app: App,
    volume: _Name,
    *,
    node: Annotated[str, typer.Option(help="The node that it lies on.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Delete a volume that nothing has any more, with all files in it."""
    confirm(f"Delete the volume {volume} of {app} with all files in it?", yes=yes)
    with connect() as api:
        api.delete(path("nodes", node, "volumes", app, volume, env=env))
    print_done({"deleted": volume}, f"The volume {volume} of {app} is deleted.", as_json=json)


def _set(api: Api, app: str, env: str | None, volume: str, where: str | None) -> Body:
    return api.patch(path("apps", app, env=env), {"volumes_also": {volume: where}})


def _warn(found: Body) -> None:
    if found["warning"]:
        warn(found["warning"])
