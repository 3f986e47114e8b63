"""The webhook of an app: deliveries come here, and what a push does is set here. And its badge."""

import hashlib
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, patch, post
from litestar.params import Parameter

from bakery.delivery.apps import show_app
from bakery.hooks.badge_keys import expect_badge_key, rotate_badge_key, show_badge_key
from bakery.hooks.badges import badge
from bakery.hooks.decide import Decision
from bakery.hooks.provision import add_to_github
from bakery.hooks.receive import LARGEST_DELIVERY, redeliver
from bakery.hooks.rows import find_hook_of
from bakery.hooks.signatures import signing_token
from bakery.hooks.webhooks import (
    WebhookDetail,
    change_webhook,
    list_deliveries,
    make_secret,
    reveal_secret,
    show_webhook,
)
from bakery.model.actor import Actor
from bakery.model.names import PRODUCTION, AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.api.listing import PAGE, After, Listing, number_in, page
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.hooks import Received, Signed, received, told

_READ = {"permission": Permission.READ}
_DEPLOY = {"permission": Permission.DEPLOY}


class Webhook(msgspec.Struct, kw_only=True):
    """`github_path` is where GitHub delivers, below Bakery's address; null: there is none yet, or, with a
    `changed_at`, the GitHub App's own webhook tells of pushes. `paths` are globs
    of files that matter beside the base folder; `tags` is a glob of tags that deploy. `head` is the newest commit that
    a push brought."""

    github_path: str | None
    path: str
    is_on: bool
    paths: list[str]
    tags: str
    head: str | None
    changed_by: str
    changed_at: datetime | None


class WebhookChanges(msgspec.Struct, kw_only=True):
    """What is null stays as it is."""

    is_on: bool | None = None
    paths: Annotated[list[Annotated[str, msgspec.Meta(max_length=1000)]], msgspec.Meta(max_length=100)] | None = None
    tags: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class WebhookSecret(msgspec.Struct):
    """`gitlab_signing_token` is the same secret, as GitLab takes it to sign with."""

    secret: str
    gitlab_signing_token: str


class BadgeAddress(msgspec.Struct):
    """Below Bakery's address."""

    path: str


class WebhookAtGitHub(msgspec.Struct):
    """owner/name."""

    repository: str


class WebhookDelivery(msgspec.Struct, kw_only=True):
    """`decision` is deploys, previews (it is of a pull request), coalesced (a newer push took its place), ignored,
    refused or failed; `why` says it in a sentence. `times` is how often it came; what had no good signature is counted
    and not kept one by one."""

    id: int
    delivery: str
    is_signed: bool
    provider: str
    event: str
    decision: Decision
    why: str
    ref: str
    commit: str
    title: str
    pusher: str
    deployment: int | None
    redelivers: int | None
    times: int
    at: datetime


@post(
    "/apps/{app:str}/webhook",
    operation_id="deliverPush",
    operation_class=Signed,
    summary="Deliver a push",
    opt={"permission": Permission.PUBLIC, "is_signed": True},
    status_code=202,
    request_max_body_size=LARGEST_DELIVERY,
    responses=problems(413),
    security=[{}],
    tags=["Webhooks"],
)
async def post_delivery(request: WebRequest, parts: Parts, where: AppAt) -> Received:
    """As GitHub, GitLab and Gitea send it, signed with the webhook's secret (HMAC-SHA256 of the body; GitLab's of
    its id and moment too), or with it as X-Gitlab-Token. The answer says what was decided."""
    return await received(request, parts, await find_hook_of(parts.store, where))


@get(
    "/apps/{app:str}/webhook",
    operation_id="getWebhook",
    summary="Show an app's webhook",
    opt=_READ,
    responses=problems(),
    tags=["Webhooks"],
)
async def get_webhook(parts: Parts, actor: Actor, where: AppAt) -> Webhook:
    """Without its secret, which is asked for apart."""
    return _shown(where, await show_webhook(parts.store, where, actor=actor))


@patch(
    "/apps/{app:str}/webhook",
    operation_id="changeWebhook",
    summary="Say what a push does",
    opt=_DEPLOY,
    responses=problems(409),
    tags=["Webhooks"],
)
async def patch_webhook(parts: Parts, actor: Actor, where: AppAt, data: WebhookChanges) -> Webhook:
    """It counts from the next push on."""
    changed = await change_webhook(parts.store, where, is_on=data.is_on, paths=data.paths, tags=data.tags, actor=actor)
    return _shown(where, changed)


@post(
    "/apps/{app:str}/webhook/rotate",
    operation_id="rotateWebhookSecret",
    summary="Make a webhook, or another secret for it",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(),
    tags=["Webhooks"],
)
async def post_rotate(parts: Parts, actor: Actor, where: AppAt) -> WebhookSecret:
    """The one that was there opens nothing any more."""
    return _secret(await make_secret(parts.store, where, actor=actor))


@post(
    "/apps/{app:str}/webhook/github",
    operation_id="addWebhookAtGitHub",
    summary="Add the webhook at GitHub, or put it right there",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(409, 429, 503),
    tags=["Webhooks"],
)
async def post_github(parts: Parts, actor: Actor, where: AppAt) -> WebhookAtGitHub:
    """By the link that opens the app's repository. A webhook that is not there yet is made here first."""
    return WebhookAtGitHub(await add_to_github(parts.store, where, base=parts.general.base_url, actor=actor))


@post(
    "/apps/{app:str}/webhook/reveal",
    operation_id="revealWebhookSecret",
    summary="Look at the webhook's secret",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(409),
    tags=["Webhooks"],
)
async def post_reveal(parts: Parts, actor: Actor, where: AppAt) -> WebhookSecret:
    """It is written down who looked."""
    return _secret(await reveal_secret(parts.store, where, actor=actor))


@get(
    "/apps/{app:str}/webhook/deliveries",
    operation_id="listDeliveries",
    summary="List what was delivered",
    opt=_READ,
    responses=problems(),
    tags=["Webhooks"],
)
async def get_deliveries(parts: Parts, actor: Actor, where: AppAt, after: After = "") -> Listing[WebhookDelivery]:
    """The newest first, 50 a page. They are kept for 30 days."""
    found = await list_deliveries(parts.store, where, before=number_in(after), limit=PAGE + 1, actor=actor)
    return page(WebhookDelivery, found)


@post(
    "/apps/{app:str}/webhook/deliveries/{delivery:int}/redeliver",
    operation_id="redeliverPush",
    summary="Deliver a push or a pull request again",
    opt=_DEPLOY,
    status_code=202,
    responses=problems(409),
    tags=["Webhooks"],
)
async def post_redeliver(parts: Parts, actor: Actor, where: AppAt, delivery: int) -> Received:
    """Decided anew, with what is set today."""
    return told(await redeliver(parts.store, parts.queue, parts.pushes, where, delivery, actor=actor))


def _secret(secret: Secret) -> WebhookSecret:
    return WebhookSecret(secret.reveal(), signing_token(secret))


def _shown(where: AppAt, found: WebhookDetail) -> Webhook:
    suffix = "" if where.arguments == where.app else f"?env={where.environment}"
    return Webhook(
        github_path=f"/hooks/github/{found.hook}" if found.hook else None,
        path=f"/api/apps/{where.app}/webhook{suffix}",
        is_on=found.is_on,
        paths=list(found.paths),
        tags=found.tags,
        head=found.head,
        changed_by=found.changed_by,
        changed_at=found.changed_at,
    )


@get(
    "/apps/{app:str}/badge.svg",
    opt={"permission": Permission.PUBLIC},
    include_in_schema=False,
)
async def get_badge(
    request: WebRequest, parts: Parts, where: AppAt, key: Annotated[str, Parameter(max_length=100)] = ""
) -> Response[bytes | None]:
    """For who knows its address."""
    await expect_badge_key(parts.store, parts.signing_key, where, key)
    app = await show_app(parts.store, where, actor=Actor.system())
    picture = badge(app.slug, app.status)
    tag = f'"{hashlib.sha256(picture).hexdigest()[:24]}"'
    # Shown on other sites; caches ask each time.
    headers = {"etag": tag, "cache-control": "no-cache", "cross-origin-resource-policy": "cross-origin"}
    if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
        return Response(None, status_code=304, headers=headers)
    return Response(picture, media_type="image/svg+xml", headers=headers)


@get(
    "/apps/{app:str}/badge",
    operation_id="showBadge",
    summary="Show where an app's badge is",
    opt=_DEPLOY,
    responses=problems(),
    tags=["Webhooks"],
)
async def get_badge_address(parts: Parts, actor: Actor, where: AppAt) -> BadgeAddress:
    """Nobody can guess it: who puts it somewhere decides that others see the app's name and state."""
    return _badge_at(where, await show_badge_key(parts.store, parts.signing_key, where, actor=actor))


@post(
    "/apps/{app:str}/badge/rotate",
    operation_id="rotateBadge",
    summary="Make another address for an app's badge",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(),
    tags=["Webhooks"],
)
async def post_badge_rotate(parts: Parts, actor: Actor, where: AppAt) -> BadgeAddress:
    """Those of before show nothing any more."""
    return _badge_at(where, await rotate_badge_key(parts.store, parts.signing_key, where, actor=actor))


def _badge_at(where: AppAt, key: str) -> BadgeAddress:
    suffix = "" if where.environment == PRODUCTION else f"env={where.environment}&"
    return BadgeAddress(f"/api/apps/{where.app}/badge.svg?{suffix}key={key}")


ROUTES = (
    get_badge,
    get_badge_address,
    post_badge_rotate,
    post_delivery,
    get_webhook,
    patch_webhook,
    post_rotate,
    post_github,
    post_reveal,
    get_deliveries,
    post_redeliver,
)
