"""An error as a page, and as text for whoever can help."""

from datetime import datetime

from bakery.web.context import WebRequest
from bakery.web.moments import moment
from bakery.web.views.errors import ErrorPage

_HOLD_TOKENS = {"invite", "reset"}


def error_page(request: WebRequest, status: int, title: str, text: str, hint: str, *, now: datetime) -> ErrorPage:
    request_id = request.scope["state"]["request_id"]
    lines = (
        f"{status} {title}",
        text,
        hint,
        f"{request.method} {_where(request)}",
        moment(now, now).exact,
        f"Error {request_id}",
    )
    return ErrorPage(
        status=status,
        title=title,
        text=text,
        hint=hint,
        id=request_id,
        details="\n".join(line for line in lines if line),
        retry=status == 503,
    )


def _where(request: WebRequest) -> str:
    """Without the query, and without the token of a link: whoever has it can use it."""
    path = request.scope["path"]
    first = path.split("/")[1]
    url = request.app.state["urls"].url
    return f"{request.scope['state']['origin']}{url(f'/{first}/') + '…' if first in _HOLD_TOKENS else url(path)}"
