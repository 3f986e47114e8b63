"""`bakery apps`: what is deployed here."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.client.registry import password_of, told_of_image
from bakery.cli.output import Json, print_done, print_facts, print_rows, say, warn
from bakery.cli.terminal import confirm
from bakery.model.errors import BadInput, BakeryError
from bakery.model.labels import shown_part
from bakery.model.names import PRODUCTION
from bakery.model.sizes import shown_bytes, shown_megabytes
from bakery.model.volumes import shown_volumes

group = typer.Typer(help="Apps.", no_args_is_help=True)


@group.command("list")
def list_apps(*, json: Json = False) -> None:
    """List the apps that you see."""
    with connect() as api:
        apps = list(api.every("/apps"))
    columns = {"slug": "APP", "status": "STATUS", "live_number": "LIVE", "node": "NODE", "address": "ADDRESS"}
    print_rows(apps, columns, as_json=json, empty="There is no app yet. Make one with: bakery apps create APP")


@group.command()
def show(app: App, *, env: Env = None, json: Json = False) -> None:
    """Show an app, and how its slots did in the last hour."""
    with connect() as api:
        found = api.get(path("apps", app, env=env))
        slots = api.get(path("apps", app, "metrics", env=env))["slots"]
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
        "strategy": "Strategy",
        "volumes": "Volumes",
    }
    told = {**found, "slots": slots}
    volumes = shown_volumes(found["volumes"]) or None
    print_facts(told if json else {**told, "volumes": volumes}, titles, as_json=json)
    if slots and not json:
        say("")
        print_rows([_slot(slot) for slot in slots], _SLOT, as_json=False, empty="")
    if found["terms"] and not json:
        say("")
        print_rows(found["terms"], TERM, as_json=False, empty="")


TERM = {"key": "SETTING", "shown": "HOLDS", "origin": "WHOSE"}
_SLOT = {
    "colour": "SLOT",
    "state": "STATE",
    "release": "RELEASE",
    "health": "HEALTH",
    "check": "CHECK",
    "health_since": "SINCE",
    "restarts": "RESTARTS",
    "memory": "MEMORY",
    "cpu": "CPUS",
    "requests": "REQUESTS",
    "errors": "5XX",
    "p95": "P95",
}


def _slot(slot: Body) -> Body:
    health = slot["trouble"].replace("_", " ") or slot["health"]
    p95 = None if slot["p95"] is None else f"{slot['p95']:.0f} ms"
    requests = f"about {slot['requests']}" if slot["is_sampled"] else slot["requests"]
    shares = f"{slot['errors']} ({slot['error_share']:.1%})"
    memory = None if slot["used_memory"] is None else shown_bytes(slot["used_memory"])
    limit = "" if slot["memory_limit"] is None else f" of {shown_megabytes(slot['memory_limit'])}"
    cpu = None if slot["used_cpu"] is None else f"{slot['used_cpu'] / 100:.2f}"
    cpu_limit = "" if slot["cpu_limit"] is None else f" of {slot['cpu_limit'] / 100:g}"
    return {
        **slot,
        "memory": memory and f"{memory}{limit}",
        "cpu": cpu and f"{cpu}{cpu_limit}",
        "health": health,
        "check": slot["check"] or None,
        "p95": p95,
        "requests": requests,
        "errors": shares,
    }


@group.command()
def create(
    app: App,
    *,
    name: Annotated[str, typer.Option(help="How it is shown.")] = "",
    runtime: Annotated[
        str,
        typer.Option(
            help="docker: in a container; process: from its folder; static: files that nginx serves. Default: docker "
            "for an image, else process."
        ),
    ] = "",
    command: Annotated[
        str, typer.Option(help="How it is started, like “python3 app.py”. Default: found out from its source.")
    ] = "",
    health: Annotated[str, typer.Option(help="A path that answers when it is well, like /health.")] = "",
    node: Annotated[str, typer.Option(help="The node that it is to live on.")] = "local",
    repo: Annotated[str, typer.Option("--repo", metavar="URL", help="The repository that it follows.")] = "",
    branch: Annotated[str, typer.Option(help="Of the repository. Default: its own.")] = "",
    base: Annotated[str, typer.Option(help="The app's folder in the repository. Default: its top.")] = "",
    github: Annotated[bool, typer.Option("--github", help="Your own link to GitHub opens the repository.")] = False,
    github_app: Annotated[bool, typer.Option("--github-app", help="The GitHub App opens the repository.")] = False,
    image: Annotated[
        str,
        typer.Option("--image", metavar="REF", help="An image of a registry that it is made from, like nginx:1.27."),
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="Where the image listens in its container. Default: what it exposes.")
    ] = None,
    registry_user: Annotated[
        str, typer.Option(help="Who may pull it. The password or token is asked for, or read from stdin.")
    ] = "",
    password: Annotated[
        bool, typer.Option("--password-stdin", help="Read the registry's password from stdin.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Make an app. It is deployed with: bakery deploy APP, without a repository with --dir PATH"""
    wanted: Body = {"slug": app, "name": name, "runtime": runtime, "command": command, "health": health, "node": node}
    if image:
        wanted |= told_of_image(image, port, registry_user, password_of(registry_user, from_stdin=password))
    elif port is not None or registry_user or password:
        raise BadInput("This is said of an image.", field="--image", hint="Name it: --image REF")
    if repo:
        wanted |= {"repo": repo, "branch": branch, "base": base, "github": github, "github_app": github_app}
    elif github or github_app:
        field = "--github" if github else "--github-app"
        raise BadInput("This is said of a repository.", field=field, hint="Name it: --repo URL")
    with connect() as api:
        made = _make(api, path("apps", env=env), wanted)
        source = api.get(path("apps", app, "source", env=env)) if repo or image else None
        if github:
            _add_hook(api, app)
    done = f"{app} is made. Deploy it with: bakery deploy {app} --dir PATH"
    if source is not None and image:
        done = f"{app} is made from the image {source['image']}. Deploy it with: bakery deploy {app}"
    elif source is not None:
        done = f"{app} is made, and follows {source['branch']} of {repo}. Deploy it with: bakery deploy {app}"
    print_done(made, done, as_json=json)


def _add_hook(api: Api, app: str) -> None:
    """The app is there whatever GitHub says."""
    try:
        api.post(path("apps", app, "webhook", "github"))
    except BakeryError as error:
        warn(f"Its webhook is not at GitHub yet: {error.message} {error.hint}".strip())
        warn(f"Try again with: bakery webhook add {app}")


def _make(api: Api, where: str, wanted: Body) -> Body:
    try:
        return api.post(where, wanted)
    except BadInput as error:
        if error.field not in {"repo", "url"}:
            raise
        raise BadInput(error.message, field="--repo", hint=error.hint) from error


@group.command(name="set")
def set_(
    app: App,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE…",
            help="name, command, strategy, volumes, memory (in MB), cpus, health (a path), "
            "health_kind (http, tcp or command), health_status, health_command, health_interval, health_timeout, "
            "health_threshold, health_successes, health_grace, drain, bake, "
            "warm or auto_rollback. An empty value says nothing any more.",
        ),
    ],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Change how an app runs, from its next deployment on."""
    wanted = dict(setting(each) for each in settings)
    with connect() as api:
        found = api.patch(path("apps", app, env=env), wanted)
    print_done(found, f"Saved. It takes effect with the next deployment of {app}.", as_json=json)
    if found["warning"]:
        warn(found["warning"])


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise BadInput(f"“{shown_part(text, at_most=80)}” is no setting.", field="settings", hint="Like memory=512")
    return name, value


@group.command()
def clone(
    app: App,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The name of the new app.")],
    *,
    node: Annotated[str, typer.Option(help="The node that it is to live on. Default: that of the original.")] = "",
    env: Env = None,
    json: Json = False,
) -> None:
    """Make another app with the same source, settings and variables. Nothing is deployed yet, and of volumes no data
    is copied."""
    with connect() as api:
        made = api.post(path("apps", app, "clone", env=env), {"slug": new, "node": node})
    print_done(made, f"{made['slug']} is made like {app}. Deploy it with: bakery deploy {made['slug']}", as_json=json)


@group.command()
def delete(
    app: App,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    volumes: Annotated[bool, typer.Option("--volumes", help="Its volumes go too. Else they stay on the node.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Delete an app with all that belongs to it, but its volumes; with --env only that environment. What goes is told
    first."""
    with connect() as api:
        goes = api.get(path("apps", app, "deletion", env=env))
        if dry_run or not json:
            titles = {"address": "Address", "ports": "Ports", "releases": "Releases", "deployments": "Deployments"}
            titles |= {
                "environments": "Environments",
                "variables": "Variables",
                "volumes": "Volumes" if volumes else "Volumes that stay",
            }
            print_facts(goes, titles, as_json=json)
        if dry_run:
            return
        named = app if env in {None, PRODUCTION} else f"{env} of {app}"
        confirm(f"Delete {named} with all of this?", yes=yes)
        going = urlencode({"volumes": goes["volumes"]}, doseq=True) if volumes else ""
        where = path("apps", app, env=env)
        api.delete(f"{where}{'&' if '?' in where else '?'}{going}" if going else where)
    print_done({"deleted": app}, f"{named} is being deleted.", as_json=json)
