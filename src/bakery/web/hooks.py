"""Deliveries of servers of Git, at their own addresses. Who may send them is a matter of their signature."""

from dataclasses import dataclass

import msgspec
from litestar import post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from bakery.hooks.decide import Decision
from bakery.hooks.from_app import receive_from_app
from bakery.hooks.receive import LARGEST_DELIVERY, Answer, Parcel, receive
from bakery.hooks.rows import Hook, find_hook
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now


class Received(msgspec.Struct):
    """What was decided about a delivery and why. `delivery` is its number here, `deployment` that of what it became."""

    delivery: int | None
    decision: Decision
    why: str
    deployment: int | None


@dataclass
class Signed(Operation):
    """The body is read as it comes: what it is, is asked when its signature holds."""

    def __post_init__(self) -> None:
        body = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        self.request_body = RequestBody(content={"application/json": body}, required=True)


@post(
    "/hooks/github/{hook:str}",
    opt={"permission": Permission.PUBLIC, "is_signed": True},
    status_code=202,
    request_max_body_size=LARGEST_DELIVERY,
    include_in_schema=False,
)
async def receive_from_github(request: WebRequest, parts: Parts, hook: str) -> Received:
    """The address of one environment's webhook."""
    return await received(request, parts, await find_hook(parts.store, hook))


@post(
    "/hooks/github",
    opt={"permission": Permission.PUBLIC, "is_signed": True},
    status_code=202,
    request_max_body_size=LARGEST_DELIVERY,
    include_in_schema=False,
)
async def receive_from_github_app(request: WebRequest, parts: Parts) -> Received:
    """The address of the GitHub App's own webhook."""
    return told(await receive_from_app(parts.store, parts.queue, parts.pushes, parts.refusals, await _parcel(request)))


async def received(request: WebRequest, parts: Parts, hook: Hook | None) -> Received:
    return told(await receive(parts.store, parts.queue, parts.pushes, parts.rejections, hook, await _parcel(request)))


async def _parcel(request: WebRequest) -> Parcel:
    state = request.scope["state"]
    return Parcel(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        at=now().timestamp(),
        address=state["address"],
        request_id=state["request_id"],
    )


def told(answer: Answer) -> Received:
    return Received(answer.delivery, answer.decision, answer.why, answer.deployment)
