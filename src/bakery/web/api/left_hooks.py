"""Webhooks that nothing here listens to any more, and that GitHub has not taken away."""

from datetime import datetime

import msgspec
from litestar import delete, get, post

from bakery.github.left_hooks import forget_left_hook, list_left_hooks, take_away_now
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.api.listing import PAGE, After, Listing, number_in, page, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}


class LeftWebhook(msgspec.Struct, kw_only=True):
    """It was of `app` and `environment`, which may be gone. `page` is where a person takes it away at GitHub. `problem`
    says why Bakery could not; it tries again at `next_at`, unless it gave up at `given_up_at`."""

    id: int
    app: str
    environment: str
    repository: str
    page: str
    since: datetime
    tries: int
    next_at: datetime
    problem: str
    given_up_at: datetime | None


class TriedWebhook(msgspec.Struct, kw_only=True):
    """`left` null: it is gone at GitHub."""

    left: LeftWebhook | None


@get(
    "/system/github/left-hooks",
    operation_id="listLeftWebhooks",
    summary="List the webhooks that stay at GitHub",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_left(parts: Parts, actor: Actor, after: After = "") -> Listing[LeftWebhook]:
    """The newest first, 50 a page. They are of no use any more, and GitHub has not taken them away yet."""
    found = await list_left_hooks(parts.store, before=number_in(after), limit=PAGE + 1, actor=actor)
    return page(LeftWebhook, found)


@post(
    "/system/github/left-hooks/{number:int}/try",
    operation_id="tryLeftWebhook",
    summary="Try now to take a webhook away at GitHub",
    status_code=200,
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def post_try(parts: Parts, actor: Actor, number: int) -> TriedWebhook:
    """Also one that was given up. What GitHub says to it is part of the answer."""
    left = await take_away_now(parts.store, number, actor=actor)
    return TriedWebhook(left=shown(LeftWebhook, left) if left else None)


@delete(
    "/system/github/left-hooks/{number:int}",
    operation_id="forgetLeftWebhook",
    summary="Forget a webhook that stays at GitHub",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def delete_left(parts: Parts, actor: Actor, number: int) -> None:
    """Somebody took it away there, or lets it be. It is not tried again."""
    await forget_left_hook(parts.store, number, actor=actor)


ROUTES = (get_left, post_try, delete_left)
