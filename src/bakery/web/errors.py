"""One table from what went wrong to what is answered: a page for people, problem details for programs."""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
import psycopg
import structlog
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect

from bakery.delivery.uploads import LARGEST_UPLOAD
from bakery.model.actor import Actor
from bakery.model.errors import (
    BadInput,
    BakeryError,
    ChangedMeanwhile,
    CommandFailed,
    Conflict,
    NodeUnreachable,
    NoSpace,
    NotAllowed,
    NotFound,
    NotReady,
    NotSignedIn,
    TooMany,
    Unavailable,
)
from bakery.model.labels import shown_part
from bakery.web.addresses import wanted_by
from bakery.web.context import WebRequest
from bakery.web.identity import PasswordChangeDue
from bakery.web.moments import now
from bakery.web.presenters.errors import error_page
from bakery.web.rendering import render_error, render_second_factor

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024
PROBLEM = "application/problem+json"
_MISSING = re.compile(r"missing required field `(.+?)`")
_UNKNOWN = re.compile(r"unknown field `(.+)`", re.DOTALL)

STATUS: Mapping[type[BakeryError], HTTPStatus] = {
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    ChangedMeanwhile: HTTPStatus.PRECONDITION_FAILED,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    NoSpace: HTTPStatus.INSUFFICIENT_STORAGE,
    NodeUnreachable: HTTPStatus.BAD_GATEWAY,
    CommandFailed: HTTPStatus.BAD_GATEWAY,
    BakeryError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
TITLES: Mapping[int, str] = {
    400: "This request makes no sense",
    401: "Please sign in",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address does not do that",
    409: "Not in this state",
    412: "This was changed meanwhile",
    413: "This is too large",
    421: "Not this host",
    422: "Something in it is not right",
    429: "Slow down for a moment",
    500: "Bakery has a bug here",
    502: "The server did not do it",
    503: "Bakery is away for a moment",
    507: "A disk is full",
}


def status_of(error: BakeryError) -> int:
    return int(next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS))


def retry_after(error: BakeryError) -> dict[str, str]:
    return {"retry-after": str(error.retry_after)} if isinstance(error, TooMany | Unavailable) else {}


def on_bakery_error(request: WebRequest, error: BakeryError) -> Response[bytes] | Response[str] | Redirect:
    status = status_of(error)
    actor: Actor = request.scope["state"]["actor"]
    if not wants_json(request) and request.method == "GET":
        if isinstance(error, PasswordChangeDue):
            return Redirect(request.app.state["urls"].url("/account/security"))
        if isinstance(error, NotSignedIn) and actor.second_factor_due:
            return render_second_factor(request, wanted=wanted_by(request))
        if isinstance(error, NotSignedIn) and actor.person_id is None:
            return Redirect(request.app.state["urls"].login_for(request))
    headers = retry_after(error)
    if isinstance(error, NotSignedIn):
        headers["www-authenticate"] = "Bearer"
    field = error.field if isinstance(error, BadInput) else ""
    return _answer(request, status, error.message, error.hint, field=field, headers=headers)


def on_database_error(request: WebRequest, error: psycopg.Error) -> Response[bytes] | Response[str]:
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        gone = Unavailable("The database is not answering.", hint="Bakery goes on by itself as soon as it is back.")
        return _answer(request, 503, gone.message, gone.hint, headers={"retry-after": str(gone.retry_after)})
    return on_bug(request, error)


def on_http_error(request: WebRequest, error: HTTPException) -> Response[bytes] | Response[str]:
    """What the framework refuses: an unknown address, a wrong method, a body that does not fit."""
    status = error.status_code
    description = request.app.state["urls"].url("/api/openapi.json")
    described = f"The API is described at {description}." if wants_json(request) else ""
    if isinstance(error, ValidationException) or (status == 400 and error.extra):
        unknown = _unknown_field(request, error)
        if unknown is not None:
            name, known = unknown
            return _answer(
                request, 422, f"There is no field “{name}” here.", f"Known are: {', '.join(known)}.", field=name
            )
        text, field = _first_mistake(error)
        return _answer(request, 422, text, described or "Correct it and try again.", field=field)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    text, hint = TITLES.get(status, error.detail), described
    if status == 404:
        text = "There is no such page, or it is not for you."
        hint = described or "Is the address written well? What you may see is in the menu."
    elif status == 400:
        text = "The request could not be read."
        hint = f"Send JSON. {described}" if described else "Go back, reload the page and try again."
    elif status == 405:
        hint = f"It takes {', '.join(sorted(''.join(headers.values()).replace(' ', '').split(',')))}."
    elif status == 413:
        text = "The request is larger than this address accepts."
        hint = f"A request has at most {LARGEST_BODY // 1024**2} MB, an upload {LARGEST_UPLOAD // 1024**2} MB."
    return _answer(request, status, text, hint, headers=headers)


def on_too_deep(request: WebRequest, _: RecursionError) -> Response[bytes] | Response[str]:
    """A body of braces within braces, at which the decoder gives up."""
    return _answer(request, 400, "The request is nested too deeply.", "Send what /api/openapi.json describes.")


def on_bug(request: WebRequest, error: Exception) -> Response[bytes] | Response[str]:
    """Loud in our log, quiet in the answer; the id joins them."""
    request_id = request.scope["state"]["request_id"]
    route = request.scope["path_template"]  # the path itself may hold the token of a link
    log.error("bug", route=route, method=request.method, exc_info=error, id=request_id)
    return _answer(
        request, 500, "This is a fault in Bakery, not in what you did.", f"Its log has the details under {request_id}."
    )


def wants_json(request: WebRequest) -> bool:
    if is_for_programs(request.scope["path"]):
        return True
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def is_for_programs(path: str) -> bool:
    return path.startswith(("/api/", "/hooks/")) or path in {"/api", "/events", "/metrics"}


def problem(status: int, text: str, hint: str, *, instance: str, field: str = "") -> bytes:
    """RFC 9457, as the API describes it."""
    what = {"type": "about:blank", "title": _title(status), "status": status, "detail": text, "instance": instance}
    return json.dumps({**what, **{name: value for name, value in (("hint", hint), ("field", field)) if value}}).encode()


def _answer(
    request: WebRequest,
    status: int,
    text: str,
    hint: str,
    *,
    field: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response[bytes] | Response[str]:
    request_id = request.scope["state"]["request_id"]
    if wants_json(request):
        return Response(
            problem(status, text, hint, instance=request_id, field=field),
            status_code=status,
            media_type=PROBLEM,
            headers=dict(headers or {}),
        )
    page = error_page(request, status, _title(status), text, hint, now=now())
    return render_error(request, page, headers=dict(headers or {}))


def _title(status: int) -> str:
    return TITLES.get(status, HTTPStatus(status).phrase)


def _unknown_field(request: WebRequest, error: HTTPException) -> tuple[str, Sequence[str]] | None:
    """Of a body that takes no others: its name, and the names that are known."""
    extra = error.extra if isinstance(error.extra, list) else []
    for entry in extra:
        found = _UNKNOWN.search(str(entry.get("message", ""))) if isinstance(entry, dict) else None
        if found and entry.get("key") == "data":
            body = request.route_handler.parsed_fn_signature.parameters["data"].annotation
            return shown_part(found[1], at_most=40), [field.encode_name for field in msgspec.structs.fields(body)]
    return None


def _first_mistake(error: HTTPException) -> tuple[str, str]:
    """The sentence, and the field. `data` is what handlers call the body itself."""
    extra = error.extra if isinstance(error.extra, list) else []
    for entry in extra:
        if isinstance(entry, dict) and entry.get("key"):
            field, message = str(entry["key"]).removesuffix("[...]"), str(entry.get("message", ""))
            if missing := _MISSING.search(message):
                field = missing[1] if field == "data" else f"{field}.{missing[1]}"
                return f"“{field}” is missing.", field
            if field != "data":
                return f"“{field}” is not acceptable: {message}.".replace("..", "."), field
    return "The body is not what this address expects.", ""
