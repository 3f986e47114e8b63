"""`bakery invites`: who is asked to come."""

from typing import Annotated

import typer

from bakery.cli.client.api import connect, path
from bakery.cli.output import Json, print_done, print_json, print_rows, say, warn

group = typer.Typer(help="Invitations.", no_args_is_help=True)


@group.command("list")
def list_invites(*, json: Json = False) -> None:
    """List the invitations, the newest first."""
    with connect() as api:
        invites = list(api.every("/invites"))
    columns = {"id": "ID", "email": "E-MAIL", "role": "ROLE", "state": "STATE", "expires_at": "EXPIRES"}
    print_rows(invites, columns, as_json=json, empty="Nobody is invited.")


@group.command()
def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whom to invite.")],
    *,
    role: Annotated[str, typer.Option(help="viewer, developer or admin.")] = "viewer",
    json: Json = False,
) -> None:
    """Invite somebody. The link is printed once; it is good for a week."""
    with connect() as api:
        made = api.post("/invites", {"email": email, "role": role})
    if json:
        print_json(made)
        return
    warn(f"Give this link to {made['invite']['email']}; it is shown only now:")
    say(made["url"])


@group.command()
def revoke(invite: Annotated[int, typer.Argument(metavar="ID", help="From the list.")], *, json: Json = False) -> None:
    """Withdraw an invitation."""
    with connect() as api:
        api.delete(path("invites", invite))
    print_done({"revoked": invite}, f"Invitation {invite} is revoked.", as_json=json)
