"""A deployment's log: as text, or as it grows."""

from litestar import get
from litestar.response import Stream

from bakery.delivery.history import show_deployment
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.log_stream import Offset, log_answer


@get(
    "/apps/{app:str}/deployments/{number:int}/log",
    operation_id="readLog",
    summary="Read a deployment's log",
    opt={"permission": Permission.READ},
    media_type="text/plain",
    responses=problems(429),
    tags=["Deployments"],
)
async def get_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    number: int,
    from_byte: Offset = 0,
    to_byte: Offset | None = None,
) -> Stream:
    """Text, or with `Accept: text/event-stream` events as it grows: `log` with the text, and `end`. An event's id is
    the byte offset after it, so that `Last-Event-ID` goes on where a lost connection ended."""
    found = (await show_deployment(parts.store, where, number, actor=actor)).deployment
    return log_answer(
        request,
        parts,
        actor,
        found.log_stream,
        topic=f"deployment:{found.id}",
        from_byte=from_byte,
        to_byte=to_byte,
    )


ROUTES = (get_log,)
