"""`bakery source`: where an app's code is kept, and what opens it."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.client.registry import password_of, told_of_image
from bakery.cli.output import Json, print_done, print_facts, print_json, say
from bakery.model.errors import BadInput

group = typer.Typer(help="Where an app's code is kept.", no_args_is_help=True)


@group.command()
def show(app: App, *, env: Env = None, json: Json = False) -> None:
    """Show where an app's code is kept."""
    with connect() as api:
        found = api.get(path("apps", app, "source", env=env))
    if found["kind"] == "folder" and not json:
        say(f"{app} is deployed from folders. To follow a repository: bakery source set {app} --repo URL")
        return
    if found["kind"] == "image":
        shown = {**found, "port": found["port"] or "What the image exposes"}
        print_facts(found if json else shown, _OF_IMAGE, as_json=json)
        return
    titles = {
        "url": "Repository",
        "branch": "Branch",
        "base": "Base folder",
        "submodules": "Submodules",
        "has_token": "Token",
        "opened": "Opened by",
        "problem": "Problem",
        "deploy_key": "Deploy key",
        "host_keys": "Host keys",
        "changed_by": "Changed by",
        "changed_at": "Changed",
    }
    opened = "the token" if found["has_token"] else "the deploy key" if found["deploy_key"] else ""
    if found["github_account"] is not None:
        opened = f"the GitHub App, installed at {found['github_account']}"
    elif found["has_github_link"]:
        opened = f"the link of {found['link_of']} to GitHub"
    problem = f"{found['problem']} {found['hint']}".strip()
    print_facts(found if json else {**found, "opened": opened, "problem": problem}, titles, as_json=json)


_OF_IMAGE = {
    "image": "Image",
    "port": "Port",
    "username": "User",
    "has_token": "Password",
    "changed_by": "Changed by",
    "changed_at": "Changed",
}


@group.command()
def branch(
    app: App,
    *,
    look: Annotated[bool, typer.Option(help="Ask its server now.")] = True,
    env: Env = None,
    json: Json = False,
) -> None:
    """Say where the branch is that an app follows, and why that is not live, if it is not."""
    where = path("apps", app, "source", "branch", env=env)
    with connect() as api:
        found = api.post(where) if look else api.get(where)
    if found["url"] is None and not json:
        say(f"{app} follows no repository.")
        return
    titles = {
        "url": "Repository",
        "branch": "Branch",
        "commit": "Is at",
        "live": "Live",
        "looked_at": "Looked at",
        "problem": "Problem",
        "hint": "Hint",
        "gap": "Not live",
    }
    print_facts(found, {name: title for name, title in titles.items() if found[name]}, as_json=json)


@group.command(name="set")
def set_(
    app: App,
    *,
    repo: Annotated[
        str, typer.Option("--repo", metavar="URL", help="Its address, over https or SSH. Default: the one that is set.")
    ] = "",
    branch: Annotated[
        str | None, typer.Option(help="The branch to follow. Default: with --repo the repository's own.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="The app's folder in the repository. Default: with --repo its top.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="Who the token is of, where the server cares.")] = None,
    token: Annotated[bool, typer.Option("--token-stdin", help="Read a token that may read it from stdin.")] = False,
    github: Annotated[bool, typer.Option("--github", help="Your own link to GitHub opens it from now on.")] = False,
    github_app: Annotated[bool, typer.Option("--github-app", help="The GitHub App opens it from now on.")] = False,
    submodules: Annotated[bool | None, typer.Option(help="Fetch its submodules too.")] = None,
    accept_host_key: Annotated[
        bool, typer.Option("--accept-host-key", help="The server may show another host key than before.")
    ] = False,
    image: Annotated[
        str, typer.Option("--image", metavar="REF", help="An image of a registry instead, like nginx:1.27.")
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="Where the image listens in its container; 0: what it exposes.")
    ] = None,
    registry_user: Annotated[
        str | None, typer.Option(help="Who may pull it. The password or token is asked for, or read from stdin.")
    ] = None,
    password: Annotated[
        bool, typer.Option("--password-stdin", help="Read the registry's password from stdin.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Follow a repository, or take an image. It is asked for first, from the node. Without --repo and --image what
    is not named stays."""
    if repo and image:
        raise BadInput("Name a repository or an image, not both.", field="--image")
    said_of_image = {"--port": port, "--registry-user": registry_user, "--password-stdin": password or None}
    said_of_repo = {"--branch": branch, "--base": base, "--username": username, "--token-stdin": token or None,
                    "--github": github or None, "--github-app": github_app or None,
                    "--submodules": submodules, "--accept-host-key": accept_host_key or None}  # fmt: skip
    with connect() as api:
        where = path("apps", app, "source", env=env)
        now = api.get(where)
        is_image = bool(image) or (not repo and now["kind"] == "image")
        if not (repo or image) and now["kind"] == "folder":
            raise BadInput(f"{app} follows nothing yet. Say --repo URL or --image REF.")
        _expect_none(said_of_repo if is_image else said_of_image, "an image" if is_image else "a repository")
        if is_image:
            kept = now if now["kind"] == "image" else {"image": "", "port": None, "username": None}
            wanted = _image_wanted(kept, image, port, registry_user, is_password_sent=password)
        else:
            kept = _NEW if repo else now
            wanted = {
                "url": repo or kept["url"],
                "branch": kept["branch"] if branch is None else branch,
                "base": kept["base"] if base is None else base,
                "username": (kept["username"] or "") if username is None else username,
                "token": sys.stdin.readline().strip() if token else None,
                "submodules": kept["submodules"] if submodules is None else submodules,
                "accept_host_key": accept_host_key,
                "github": github,
                "github_app": github_app,
            }
        found = api.put(where, wanted)
    print_done(found, following(app, found), as_json=json)


_NEW: Body = {"branch": "", "base": "", "username": "", "submodules": True}


def _expect_none(said: Mapping[str, object], what: str) -> None:
    for option, value in said.items():
        if value is not None:
            raise BadInput(f"The source is {what}, of which this is not said.", field=option)


def _image_wanted(now: Body, image: str, port: int | None, user: str | None, *, is_password_sent: bool) -> Body:
    """What is not said stays, also with another tag of the same registry; the password of the same user too."""
    username = (now["username"] or "") if user is None else user
    asks = user is not None and user != "" and user != now["username"]
    password = password_of(username if asks else "", from_stdin=is_password_sent)
    return told_of_image(image or now["image"], (now["port"] if port is None else port) or None, username, password)


@group.command()
def key(app: App, *, env: Env = None, json: Json = False) -> None:
    """Make a deploy key, and print the part that is added to the repository. One that was there opens nothing more."""
    with connect() as api:
        found = api.post(path("apps", app, "source", "key", env=env))
    if json:
        print_json(found)
    else:
        say(found["deploy_key"])


@group.command()
def forget_token(app: App, *, env: Env = None, json: Json = False) -> None:
    """Forget the token of an app's repository, or the password of its registry."""
    with connect() as api:
        api.delete(path("apps", app, "source", "token", env=env))
    print_done({"forgotten": app}, f"The token of {app} is forgotten.", as_json=json)


def following(app: str, found: Body) -> str:
    if found["image"]:
        return f"{app} is made from the image {found['image']}. Deploy it with: bakery deploy {app}"
    return f"{app} follows {found['branch']} of {found['url']}. Deploy it with: bakery deploy {app}"
