"""`bakery webhook`: pushes that deploy an app."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.client.places import App, Env
from bakery.cli.output import Json, print_done, print_facts, print_json, print_rows, say, warn

group = typer.Typer(help="Pushes that deploy an app.", no_args_is_help=True)
_Signing = Annotated[bool, typer.Option("--signing-token", help="As a GitLab takes it that signs what it delivers.")]


@group.command()
def show(app: App, *, env: Env = None, json: Json = False) -> None:
    """Show where an app's webhook is, and what a push does."""
    with connect() as api:
        found = api.get(path("apps", app, "webhook", env=env))
        base = api.url
    if found["github_path"] is None and found["changed_at"] is not None and not json:
        found = {**found, "path": None, "github": "the GitHub App's own webhook tells"}
        print_facts(
            found, {name: title for name, title in _TITLES.items() if found.get(name) is not None}, as_json=False
        )
        return
    if found["github_path"] is None and not json:
        say(f"{app} has no webhook yet. Make one with: bakery webhook rotate {app}")
        return
    addresses: Body = {"github": f"{base}{found['github_path'] or ''}", "plain": f"{base}{found['path']}"}
    print_facts(found if json else {**found, **addresses}, _TITLES, as_json=json)


_TITLES = {
    "github": "For GitHub",
    "plain": "For others",
    "is_on": "Auto-deploy",
    "paths": "Paths",
    "tags": "Tags",
    "head": "Newest push",
    "changed_by": "Changed by",
    "changed_at": "Changed",
}


@group.command()
def rotate(app: App, *, signing_token: _Signing = False, env: Env = None, json: Json = False) -> None:
    """Make a webhook, or another secret for it, and print the secret. The one before opens nothing any more."""
    with connect() as api:
        _tell(api.post(path("apps", app, "webhook", "rotate", env=env)), as_token=signing_token, json=json)


@group.command(name="add")
def add(app: App, *, env: Env = None, json: Json = False) -> None:
    """Add the webhook to the repository at GitHub, by the link that opens it; again: put it right there."""
    with connect() as api:
        found = api.post(path("apps", app, "webhook", "github", env=env))
    print_done(found, f"Each push to {found['repository']} is told from now on.", as_json=json)


@group.command()
def reveal(app: App, *, signing_token: _Signing = False, env: Env = None, json: Json = False) -> None:
    """Print the secret. It is written down who looked."""
    with connect() as api:
        _tell(api.post(path("apps", app, "webhook", "reveal", env=env)), as_token=signing_token, json=json)


@group.command()
def badge(
    app: App,
    *,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make another address: those of before show nothing any more.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Print the badge of the app's state, as Markdown for a README."""
    with connect() as api:
        place = path("apps", app, "badge", "rotate", env=env) if rotate else path("apps", app, "badge", env=env)
        found = api.post(place) if rotate else api.get(place)
        address = f"{api.url}{found['path']}"
    if json:
        print_json({**found, "url": address})
    else:
        say(f"![{app}]({address})")


@group.command(name="set")
def set_(
    app: App,
    *,
    auto_deploy: Annotated[bool | None, typer.Option(help="Whether a push deploys.")] = None,
    paths: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="GLOB", help="Files that matter beside the base folder; again for more."),
    ] = None,
    all_paths: Annotated[bool, typer.Option("--all-paths", help="All files matter again.")] = False,
    tags: Annotated[str | None, typer.Option(metavar="GLOB", help="Tags that deploy, like v*. Empty: none.")] = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Say what a push does. What is not named stays."""
    wanted: Body = {"is_on": auto_deploy, "paths": [] if all_paths else paths or None, "tags": tags}
    with connect() as api:
        found = api.patch(path("apps", app, "webhook", env=env), wanted)
    print_done(found, f"A push deploys {app}." if found["is_on"] else f"No push deploys {app}.", as_json=json)


@group.command()
def deliveries(app: App, *, env: Env = None, json: Json = False) -> None:
    """List what was delivered, what was decided, and why, the newest first."""
    with connect() as api:
        found = api.get(path("apps", app, "webhook", "deliveries", env=env))["items"]
    columns = {
        "id": "ID",
        "at": "AT",
        "event": "EVENT",
        "decision": "DECISION",
        "deployment": "DEPLOYMENT",
        "why": "WHY",
    }
    print_rows(found, columns, as_json=json, empty=f"Nothing was delivered to {app} in the last 30 days.")


@group.command()
def redeliver(
    app: App,
    delivery: Annotated[int, typer.Argument(metavar="ID", help="From the list.")],
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Deliver a push or a pull request again: it is decided anew, with what is set today."""
    with connect() as api:
        found = api.post(path("apps", app, "webhook", "deliveries", delivery, "redeliver", env=env))
    deployment = f" It is deployment #{found['deployment']}." if found["deployment"] else ""
    print_done(found, f"{found['decision'].capitalize()}: {found['why']}{deployment}", as_json=json)


def _tell(made: Body, *, as_token: bool, json: bool) -> None:
    if json:
        print_json(made)
        return
    warn("Give this secret to the server of your repository:")
    say(made["gitlab_signing_token" if as_token else "secret"])
