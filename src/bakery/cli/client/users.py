"""`bakery users`: who works here."""

from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.output import Json, print_done, print_rows
from bakery.cli.terminal import confirm
from bakery.model.emails import email_key
from bakery.model.errors import BadInput, NotFound

group = typer.Typer(help="People and what they may do.", no_args_is_help=True)
_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Whose account.")]


@group.command("list")
def list_users(*, json: Json = False) -> None:
    """List the people who work here."""
    with connect() as api:
        people = list(api.every("/users"))
    columns = {"email": "E-MAIL", "name": "NAME", "role": "ROLE", "apps": "APPS", "suspended_at": "SUSPENDED"}
    rows = people if json else [{**person, "apps": _apps_in_words(person)} for person in people]
    print_rows(rows, columns, as_json=json, empty="There is nobody yet.")


@group.command()
def grant(
    email: _Email,
    *,
    role: Annotated[str | None, typer.Option(help="viewer, developer or admin.")] = None,
    app: Annotated[list[str] | None, typer.Option(help="An app to see; repeat it for several.")] = None,
    all_apps: Annotated[bool, typer.Option("--all-apps", help="See all apps.")] = False,
    json: Json = False,
) -> None:
    """Change a person's role, or which apps they see."""
    if role is None and not app and not all_apps:
        raise BadInput("Say what to grant.", hint="Use --role, --app or --all-apps.")
    if app and all_apps:
        raise BadInput("Use either --app or --all-apps.")
    wanted: Body = {} if role is None else {"role": role}
    if app or all_apps:
        wanted["apps"] = app or None
    with connect() as api:
        person = api.put(path("users", _find(api, email)["id"], "access"), wanted)
    print_done(person, f"{person['email']} is {person['role']} and sees {_apps_in_words(person)} apps.", as_json=json)


@group.command()
def suspend(
    email: _Email,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="End the suspension.")] = False,
    json: Json = False,
) -> None:
    """Suspend a person: their sessions end, and their tokens are revoked."""
    with connect() as api:
        person = api.post(path("users", _find(api, email)["id"], "unsuspend" if undo else "suspend"))
    verb = "is no longer suspended" if undo else "is suspended"
    print_done(person, f"{person['email']} {verb}.", as_json=json)


@group.command()
def remove(
    email: _Email, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, json: Json = False
) -> None:
    """Remove a person. What they did stays in the audit."""
    with connect() as api:
        person = _find(api, email)
        confirm(f"Remove {person['email']}?", yes=yes)
        api.delete(path("users", person["id"]))
    print_done({"removed": person["email"]}, f"{person['email']} is removed.", as_json=json)


def _find(api: Api, email: str) -> Body:
    for person in api.every("/users"):
        if email_key(person.get("email", "")) == email_key(email):
            return person
    raise NotFound(f"There is no account for {email}.", hint="See: bakery users list")


def _apps_in_words(person: Body) -> str:
    if "apps" not in person:
        return ""  # told to Admins only
    return "all" if person["all_apps"] else ", ".join(person["apps"]) or "no"
