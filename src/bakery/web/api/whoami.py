"""Who a token belongs to."""

import msgspec
from litestar import get

from bakery.model.actor import Actor
from bakery.model.permissions import Permission, Role, Scope
from bakery.web.api.problems import problems


class Whoami(msgspec.Struct):
    email: str
    role: Role
    scope: Scope | None  # of the token; null for a browser
    sees_all_apps: bool


@get(
    "/whoami",
    operation_id="whoami",
    summary="Who am I",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Account"],
)
async def whoami(actor: Actor) -> Whoami:
    """Who is asking, and what they may do at most."""
    if actor.role is None:
        raise LookupError("who is signed in has a role")
    return Whoami(actor.label, actor.role, actor.scope, sees_all_apps=actor.apps is None)


ROUTES = (whoami,)
