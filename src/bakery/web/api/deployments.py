"""Deployments."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import HeaderParameter

from bakery.delivery.history import DeploymentDetail, list_deployments, show_deployment
from bakery.delivery.request import cancel_deployment, request_deployment
from bakery.delivery.retry import request_retry
from bakery.model.actor import Actor
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import BadInput
from bakery.model.images import parse_image, parse_tag
from bakery.model.names import AppAt, Colour
from bakery.model.permissions import Permission
from bakery.model.sources import parse_ref
from bakery.web.api.etags import tagged
from bakery.web.api.listing import After, Listing, listing, position_in, shown
from bakery.web.api.problems import problems
from bakery.web.api.source_ids import read_source_id
from bakery.web.context import Parts, WebRequest

_READ = {"permission": Permission.READ}
_DEPLOY = {"permission": Permission.DEPLOY}
_Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key", max_length=200, description="The same key again gives the same deployment."
    ),
]


class Deployment(msgspec.Struct, kw_only=True):
    """`title` and `version` say what was built; `failure` and `hint` why it failed and what to do. `release` is what it
    makes live: a new one with its own number, or the earlier one that it goes back to. Nothing is built where it
    `goes_back` to `back_to`, with the variables of then or today's, or `applies` changed variables. Until
    `watched_until` Bakery takes its release back when that does worse than the one before."""

    app: str
    number: int
    state: DeploymentState
    trigger: str
    asked_by: str
    title: str
    version: str
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    failure: str
    hint: str
    is_cancelling: bool
    is_interrupted: bool | None
    is_live: bool
    release: int
    goes_back: bool
    back_to: int | None
    applies: bool
    watched_until: datetime | None


class Step(msgspec.Struct):
    """Its part of the log is `from_byte` to `to_byte`."""

    key: str
    title: str
    state: StepState
    started_at: datetime | None
    ended_at: datetime | None
    from_byte: int | None
    to_byte: int | None


class DeploymentInFull(Deployment, kw_only=True):
    """`live_number` and `active_slot` are what visitors get now."""

    environment: str = "production"
    steps: list[Step]
    live_number: int | None
    active_slot: Colour | None


class DeploymentWanted(msgspec.Struct, kw_only=True):
    """`source` is the id of an upload. Without one it is a commit of the app's repository: the newest, or what `ref`
    names: a branch, a commit's hash, or all of a name like refs/tags/v1. Of an app that is made from an image, `tag` is
    another one of that, or a digest; `image` is all of another name. `at` is when to begin, with its time zone.
    `skip_tests`: without the project's tests, this once."""

    source: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    ref: Annotated[str, msgspec.Meta(max_length=250)] | None = None
    image: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    tag: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    at: datetime | None = None
    skip_tests: bool = False


class RetryWanted(msgspec.Struct, kw_only=True):
    """`from_step` is the first step that is done again; without one it is the step at which the deployment ended."""

    from_step: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class RetriedDeployment(Deployment, kw_only=True):
    """`note` says what is taken over, and what is done again."""

    note: str


class CancelWanted(msgspec.Struct):
    number: int


@get(
    "/apps/{app:str}/deployments",
    operation_id="listDeployments",
    summary="List deployments",
    opt=_READ,
    responses=problems(),
    tags=["Deployments"],
)
async def get_deployments(parts: Parts, actor: Actor, where: AppAt, after: After = "") -> Listing[Deployment]:
    """The newest first."""
    page = await list_deployments(parts.store, where, actor=actor, after=position_in(after))
    return listing(Deployment, page.items, page.next)


@post(
    "/apps/{app:str}/deployments",
    operation_id="deploy",
    summary="Deploy",
    opt=_DEPLOY,
    responses=problems(409),
    tags=["Deployments"],
)
async def post_deployment(
    parts: Parts, actor: Actor, where: AppAt, data: DeploymentWanted, idempotency_key: _Key = None
) -> Deployment:
    """Deploys an upload, a commit or an image, now or later. One that waits is superseded by a newer one."""
    if data.source is not None and data.ref is not None:
        raise BadInput("An upload has no branches.", field="ref", hint="Name either a source or a ref.")
    named = [name for name in ("source", "ref", "image", "tag") if getattr(data, name) is not None]
    if len(named) > 1:
        raise BadInput(f"Name one of {' and '.join(named)}.", field=named[1])
    upload = None if data.source is None else read_source_id(parts.signing_key, where.app, data.source)
    ref = None if data.ref is None else parse_ref(data.ref)
    asked = await request_deployment(
        parts.store,
        parts.queue,
        where,
        upload,
        ref=ref,
        image=None if data.image is None else parse_image(data.image),
        tag=None if data.tag is None else parse_tag(data.tag),
        actor=actor,
        at=data.at,
        idempotency_key=idempotency_key,
        skips_tests=data.skip_tests,
    )
    return shown(Deployment, asked)


@get(
    "/apps/{app:str}/deployments/{number:int}",
    operation_id="showDeployment",
    summary="Show a deployment",
    opt=_READ,
    responses=problems(),
    tags=["Deployments"],
)
async def get_deployment(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int
) -> Response[DeploymentInFull | None]:
    """With its steps, where each is in the log, and what is live. Sends a weak ETag."""
    return tagged(request, _in_full(await show_deployment(parts.store, where, number, actor=actor)))


@post(
    "/apps/{app:str}/cancel",
    operation_id="cancelDeployment",
    summary="Cancel a deployment",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(409),
    tags=["Deployments"],
)
async def post_cancel(parts: Parts, actor: Actor, where: AppAt, data: CancelWanted) -> Deployment:
    """One that waits ends at once; one that runs ends when nothing of it is left."""
    return shown(Deployment, await cancel_deployment(parts.store, where, data.number, actor=actor))


@post(
    "/apps/{app:str}/deployments/{number:int}/retry",
    operation_id="retryDeployment",
    summary="Retry a deployment",
    opt=_DEPLOY,
    responses=problems(409),
    tags=["Deployments"],
)
async def post_retry(parts: Parts, actor: Actor, where: AppAt, number: int, data: RetryWanted) -> RetriedDeployment:
    """A new deployment of the same source, for one that failed or was cancelled. What was made is taken over for an
    hour; later it begins with the same commit."""
    made = await request_retry(parts.store, parts.queue, where, number, actor=actor, from_step=data.from_step)
    return RetriedDeployment(**msgspec.structs.asdict(shown(Deployment, made.deployment)), note=made.note)


def _in_full(found: DeploymentDetail) -> DeploymentInFull:
    summary = msgspec.structs.asdict(shown(Deployment, found.deployment))
    live = found.live
    return DeploymentInFull(
        **summary,
        steps=[shown(Step, step) for step in found.steps],
        live_number=live.number if live else None,
        active_slot=live.colour if live else None,
    )


ROUTES = (get_deployments, post_deployment, get_deployment, post_cancel, post_retry)
