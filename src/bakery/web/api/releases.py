"""Releases: what was live, and going back to it."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import get, post

from bakery.delivery.releases import list_releases
from bakery.delivery.rollback import request_rollback
from bakery.model.actor import Actor
from bakery.model.names import AppAt, Colour
from bakery.model.permissions import Permission
from bakery.web.api.deployments import Deployment
from bakery.web.api.listing import After, Listing, listing, position_in, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class Release(msgspec.Struct, kw_only=True):
    """`title` and `version` say what was built; `live_at` when it last became live. One that `is_kept` is still on its
    node, so one can go back to it. `slot` is where it runs; `files_of` is the release whose files it has. Until
    `warm_until` it runs on without visitors: going back to it starts nothing."""

    number: int
    title: str
    version: str
    created_at: datetime
    live_at: datetime
    is_live: bool
    is_kept: bool
    slot: Colour | None
    warm_until: datetime | None
    files_of: int | None


class RollbackWanted(msgspec.Struct, kw_only=True):
    """`release` is the number of the deployment that made it live; null: what was live before. `variables`: as they
    were then, or today's."""

    release: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    variables: Literal["then", "today"] = "then"


@get(
    "/apps/{app:str}/releases",
    operation_id="listReleases",
    summary="List releases",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Deployments"],
)
async def get_releases(parts: Parts, actor: Actor, where: AppAt, after: After = "") -> Listing[Release]:
    """What was live, the newest first. The last five that were are kept on their node."""
    page = await list_releases(parts.store, where, actor=actor, after=position_in(after))
    return listing(Release, page.items, page.next)


@post(
    "/apps/{app:str}/rollback",
    operation_id="rollBack",
    summary="Roll back",
    opt={"permission": Permission.DEPLOY},
    status_code=202,
    responses=problems(409),
    tags=["Deployments"],
)
async def post_rollback(parts: Parts, actor: Actor, where: AppAt, data: RollbackWanted) -> Deployment:
    """A deployment that makes an earlier release live again. Nothing is built. Without a number it leads to the release
    that the live one followed when it was new: asked for twice, it goes two releases back."""
    asked = await request_rollback(
        parts.store,
        parts.queue,
        where,
        actor=actor,
        release=data.release,
        with_todays_variables=data.variables == "today",
    )
    return shown(Deployment, asked)


ROUTES = (get_releases, post_rollback)
