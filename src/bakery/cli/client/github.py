"""`bakery github`: the connection to GitHub."""

from typing import Annotated

import typer

from bakery.cli.client.api import Body, connect, path
from bakery.cli.output import Json, print_done, print_facts, print_json, print_rows, say, warn
from bakery.cli.terminal import confirm, read_secret

group = typer.Typer(help="The connection to GitHub.", no_args_is_help=True)
_LINK = "/github"
_SETTINGS = "/system/github"
_APP = "/system/github/app"
_FEW = 100
_Account = Annotated[str, typer.Option(help="Where the GitHub App is installed. Default: by your own link.")]


@group.command()
def status(*, json: Json = False) -> None:
    """Show your own link to GitHub."""
    with connect() as api:
        found = api.get(_LINK)
    accounts = ", ".join(found["app_accounts"])
    if json or found["login"]:
        print_facts(found, {"login": "Linked as", "server": "At", "linked_at": "Since"}, as_json=json)
    elif accounts:
        say(f"Your GitHub is not linked, and needs not be: the GitHub App opens repositories of {accounts}.")
    elif found["server"]:
        say(f"Your GitHub is not linked. Link it in a browser: {found['link_url']}")
    else:
        say("Bakery is not known to GitHub yet. An Admin registers it with: bakery github configure")


@group.command()
def unlink(*, json: Json = False) -> None:
    """End your own link to GitHub, here and there."""
    with connect() as api:
        found = api.post(f"{_LINK}/unlink")
    print_done(found, "Your GitHub is not linked any more.", as_json=json)
    if found["left"]:
        warn(found["left"])


@group.command()
def repos(
    search: Annotated[str, typer.Argument(metavar="[SEARCH]", help="A part of their names.")] = "",
    *,
    account: _Account = "",
    json: Json = False,
) -> None:
    """List the repositories that your link shows, or the GitHub App, the most lately pushed first."""
    with connect() as api:
        found = api.get(f"{_LINK}/repositories", containing=search or None, account=account or None)
    columns = {"full_name": "REPOSITORY", "private": "PRIVATE", "default_branch": "BRANCH", "clone_url": "ADDRESS"}
    print_rows(found["items"], columns, as_json=json, empty="There is no such repository to choose from.")
    _tell_limits(found)


@group.command()
def branches(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository.")],
    *,
    account: _Account = "",
    json: Json = False,
) -> None:
    """List the branches of a repository, its own first one at the top."""
    with connect() as api:
        found = api.get(f"{_LINK}/branches", repository=repository, account=account or None)
    rows = [{"name": name} for name in found["items"]]
    print_rows(rows, {"name": "BRANCH"}, as_json=json, empty="It has no branches yet.")
    _tell_limits(found)


def _tell_limits(found: Body) -> None:
    if found["is_cut"]:
        warn("There are more than are listed here.")
    if found["remaining"] is not None and found["remaining"] < _FEW:
        warn(f"GitHub answers {found['remaining']} more questions of this link until {found['renews_at']}.")


@group.command()
def settings(*, json: Json = False) -> None:
    """Show the OAuth app by which people link their GitHub."""
    with connect() as api:
        found = api.get(_SETTINGS)
    titles = {
        "url": "Server",
        "client_id": "Client ID",
        "callback_url": "Callback URL",
        "links": "Linked accounts",
        "changed_by": "Changed by",
        "changed_at": "Changed",
    }
    print_facts(found, titles, as_json=json)


@group.command()
def configure(
    *,
    client_id: Annotated[str, typer.Option("--client-id", help="Of the OAuth app, as GitHub shows it.")],
    server: Annotated[str, typer.Option(metavar="URL", help="A GitHub Enterprise Server; else github.com.")] = "",
    secret: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the client secret from stdin. Else the stored one stays.")
    ] = False,
    json: Json = False,
) -> None:
    """Set the OAuth app by which people link their GitHub. Another one ends the links that were made."""
    wanted: Body = {"url": server, "client_id": client_id}
    if secret:
        wanted["client_secret"] = read_secret().reveal()
    with connect() as api:
        found = api.put(_SETTINGS, wanted)
    print_done(found, f"People link their GitHub at {found['url']} by {found['client_id']}.", as_json=json)


@group.command()
def forget(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, json: Json = False) -> None:
    """Forget the OAuth app, and what people linked by it."""
    confirm("Forget the OAuth app of GitHub? Everybody's link ends.", yes=yes)
    with connect() as api:
        api.delete(_SETTINGS)
    print_done({"forgotten": True}, "The OAuth app is forgotten.", as_json=json)


@group.command()
def left_hooks(
    *,
    again: Annotated[int | None, typer.Option("--try", metavar="ID", help="Try now to take this one away.")] = None,
    forget: Annotated[
        int | None, typer.Option(metavar="ID", help="Forget this one: it was taken away there, or may stay.")
    ] = None,
    json: Json = False,
) -> None:
    """List the webhooks that are of no use any more and that GitHub has not taken away, the newest first."""
    with connect() as api:
        if again is not None:
            left = api.post(path("system", "github", "left-hooks", again, "try"))["left"]
            told = f"It is still there: {left['problem']}" if left else "The webhook is gone at GitHub."
            print_done({"left": left}, told, as_json=json)
            return
        if forget is not None:
            api.delete(path("system", "github", "left-hooks", forget))
            print_done({"forgotten": True}, "Bakery does not try any more to take it away.", as_json=json)
            return
        found = api.get(path("system", "github", "left-hooks"))["items"]
    rows = [{**one, "next": "given up" if one["given_up_at"] else one["next_at"]} for one in found]
    columns = {
        "id": "ID", "app": "APP", "repository": "REPOSITORY", "since": "SINCE", "next": "NEXT TRY", "problem": "WHY",
    }  # fmt: skip
    print_rows(found if json else rows, columns, as_json=json, empty="No webhook of ours is left at GitHub.")


@group.command()
def app(*, look: Annotated[bool, typer.Option("--look", help="Ask GitHub now.")] = False, json: Json = False) -> None:
    """Show the GitHub App, and where it is installed."""
    with connect() as api:
        found = api.post(f"{_APP}/look") if look else api.get(_APP)
    if json:
        print_json(found)
        return
    if found["name"] is None:
        say(f"There is no GitHub App. Make one in a browser: {found['new_url']}")
        return
    titles = {
        "name": "Name", "owner": "Of", "server": "At", "install_url": "Install", "looked_at": "Looked at",
        "problem": "Problem", "hint": "Hint",
    }  # fmt: skip
    print_facts(found, {name: title for name, title in titles.items() if found[name]}, as_json=False)
    rows = [{**one, "state": one["problem"] or "Installed"} for one in found["installations"]]
    columns = {"account": "ACCOUNT", "repositories": "REPOSITORIES", "state": "STATE"}
    print_rows(rows, columns, as_json=False, empty="It is installed nowhere yet.")


@group.command()
def forget_app(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, json: Json = False) -> None:
    """Forget the GitHub App. The apps that it opens need another connection then."""
    with connect() as api:
        found = api.get(_APP)
        opened = f" It opens {', '.join(found['apps'])}: these are fetched no more." if found["apps"] else ""
        confirm(f"Forget the GitHub App?{opened}", yes=yes)
        api.delete(_APP)
    print_done({"forgotten": True}, "The GitHub App is forgotten here. Delete it at GitHub too.", as_json=json)
