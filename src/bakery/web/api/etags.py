"""An answer that a program has already need not be sent again, and what it changes is what it has seen."""

from collections.abc import Collection
from hashlib import blake2b
from typing import TypeVar

import msgspec
from litestar import Response

from bakery.web.context import WebRequest

T = TypeVar("T")


def tagged(request: WebRequest, content: T, *, version: str = "") -> Response[T | None]:
    """With a weak tag of the content, or of its version; 304 when the program's `If-None-Match` says that it has it."""
    version = version or blake2b(msgspec.json.encode(content), digest_size=12).hexdigest()
    headers = {"etag": f'W/"{version}"', "cache-control": "private, no-cache"}
    if {version, "*"} & _versions(request.headers.get("if-none-match", "")):
        return Response(None, status_code=304, headers=headers)
    return Response(content, headers=headers)


def versions_seen(request: WebRequest) -> Collection[str] | None:
    """Those of the request's `If-Match`, of which one must be true for the change; None: it asks for nothing."""
    seen = _versions(request.headers.get("if-match", "*"))
    return None if "*" in seen else seen


def _versions(tags: str) -> set[str]:
    return {part.strip().removeprefix("W/").strip('"') for part in tags.split(",")}
