"""An answer that a program has already need not be sent again."""

from hashlib import blake2b
from typing import TypeVar

import msgspec
from litestar import Response

from bakery.web.context import WebRequest

T = TypeVar("T")


def tagged(request: WebRequest, content: T) -> Response[T | None]:
    """With a weak tag of the content; 304 when the program's `If-None-Match` says that it has it."""
    tag = f'W/"{blake2b(msgspec.json.encode(content), digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    known = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, tag.removeprefix("W/"), "*"}:
        return Response(None, status_code=304, headers=headers)
    return Response(content, headers=headers)
