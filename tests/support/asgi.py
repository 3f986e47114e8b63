"""Bakery's web server without a socket."""

import httpx
from litestar.types import ASGIApp


def way_to(web: ASGIApp, *, peer: str = "127.0.0.1") -> httpx.ASGITransport:
    """`peer` is the address that its clients come from."""
    return httpx.ASGITransport(web, client=(peer, 40000))  # type: ignore[arg-type]  # Litestar's ASGI types are stricter
