"""`bakery source`: where an app's code is kept, and what opens it."""

import sys
from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.apps import Env
from bakery.cli.output import Json, print_done, print_facts, print_json, say

group = typer.Typer(help="Where an app's code is kept.", no_args_is_help=True)

_App = Annotated[str, typer.Argument(metavar="APP", help="The app's name.")]


@group.command()
def show(app: _App, *, env: Env = None, json: Json = False) -> None:
    """Show where an app's code is kept."""
    with connect() as api:
        found = api.get(path("apps", app, "source", env=env))
    if found["kind"] == "folder" and not json:
        say(f"{app} is deployed from folders. To follow a repository: bakery source set {app} --repo URL")
        return
    titles = {
        "url": "Repository",
        "branch": "Branch",
        "base": "Base folder",
        "submodules": "Submodules",
        "has_token": "Token",
        "deploy_key": "Deploy key",
        "host_keys": "Host keys",
        "changed_by": "Changed by",
        "changed_at": "Changed",
    }
    print_facts(found, titles, as_json=json)


@group.command(name="set")
def set_(
    app: _App,
    *,
    repo: Annotated[str, typer.Option("--repo", metavar="URL", help="Its address, over https or SSH.")],
    branch: Annotated[str, typer.Option(help="The branch to follow. Default: the repository's own.")] = "",
    base: Annotated[str, typer.Option(help="The app's folder in the repository. Default: its top.")] = "",
    username: Annotated[str, typer.Option(help="Who the token is of, where the server cares.")] = "",
    token: Annotated[bool, typer.Option("--token-stdin", help="Read a token that may read it from stdin.")] = False,
    submodules: Annotated[bool, typer.Option(help="Fetch its submodules too.")] = True,
    accept_host_key: Annotated[
        bool, typer.Option("--accept-host-key", help="The server may show another host key than before.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Follow a repository. It is asked first, from the app's node."""
    wanted = {
        "url": repo,
        "branch": branch,
        "base": base,
        "username": username,
        "token": sys.stdin.readline().strip() if token else None,
        "submodules": submodules,
        "accept_host_key": accept_host_key,
    }
    with connect() as api:
        found = api.put(path("apps", app, "source", env=env), wanted)
    print_done(found, following(app, found), as_json=json)


@group.command()
def key(app: _App, *, env: Env = None, json: Json = False) -> None:
    """Make a deploy key, and print the part that is added to the repository. One that was there opens nothing more."""
    with connect() as api:
        found = api.post(path("apps", app, "source", "key", env=env))
    if json:
        print_json(found)
    else:
        say(found["deploy_key"])


@group.command()
def forget_token(app: _App, *, env: Env = None, json: Json = False) -> None:
    """Forget the token of an app's repository."""
    with connect() as api:
        api.delete(path("apps", app, "source", "token", env=env))
    print_done({"forgotten": app}, f"The token of {app} is forgotten.", as_json=json)


def following(app: str, found: Body) -> str:
    return f"{app} follows {found['branch']} of {found['url']}. Deploy it with: bakery deploy {app}"
