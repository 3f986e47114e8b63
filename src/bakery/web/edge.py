"""The outermost layer: who is calling, which host they mean, the path prefix, and the headers of every answer."""

import secrets
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

import structlog
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Method, Receive, Scope, Send

from bakery.web.context import Parts
from bakery.web.errors import PROBLEM, is_for_programs, problem

log = structlog.get_logger()

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def policy_with_forms_to(address: str) -> str:
    """For a page whose form goes to another site, and to no third one."""
    parts = urlsplit(address)
    return CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {parts.scheme}://{parts.netloc}")


_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_LOOPBACK = ("127.0.0.1", "::1")
# What proxies add. Who sends one of them from this machine speaks for somebody else.
_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._has_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        scope = cast(HTTPScope, {**scope, "method": _answered_like(scope["method"])})
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        request_id = secrets.token_hex(8)
        address, is_encrypted = self._caller(scope, headers)
        is_here = address in _LOOPBACK and not any(name in headers for name in _FORWARDED)
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, address=address, is_encrypted=is_encrypted, is_here=is_here)
        structlog.contextvars.bind_contextvars(request=request_id)
        extra = (*_HEADERS, (b"x-request-id", request_id.encode()), *((_HSTS,) if is_encrypted else ()))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in present)]
            await send(message)

        host = headers.get(b"host", "")
        self._strip_prefix(scope)
        if not self._is_ours(host):
            await _refuse_host(send_with_headers, scope["path"], request_id)
            return
        state["origin"] = f"{'https' if is_encrypted else 'http'}://{host.lower()}"
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            structlog.contextvars.unbind_contextvars("request")

    def _caller(self, scope: Scope, headers: dict[bytes, str]) -> tuple[str, bool]:
        """The peer's address; behind a proxy that we trust, the last address that it did not make up."""
        client = scope.get("client")
        address = client[0] if client else ""
        is_encrypted = scope.get("scheme") == "https"
        trusted = self._parts.settings.trusted_proxies
        if self._parts.has_own_site:
            trusted = (*trusted, *_LOOPBACK)
        if address not in trusted:
            if address in _LOOPBACK and b"x-forwarded-for" in headers:
                self._tell_of_proxy(address)
            return address, is_encrypted
        is_encrypted = headers.get(b"x-forwarded-proto", "").strip().lower() == "https"
        for hop in reversed(headers.get(b"x-forwarded-for", "").split(",")):
            try:
                address = str(ip_address(hop.strip()))
            except ValueError:
                break
            if address not in trusted:
                break
        return address, is_encrypted

    def _tell_of_proxy(self, address: str) -> None:
        """Once: it would be told with every request."""
        if not self._has_told:
            self._has_told = True
            log.warning(
                "proxy_is_not_trusted",
                address=address,
                text="A proxy on this machine passes requests on. What it says of their callers is not believed.",
                hint=f"Set BAKERY_TRUSTED_PROXIES={address} and start Bakery again.",
            )

    def _is_ours(self, host: str) -> bool:
        """This machine's loopback always; else the configured host, or any IP address while there is none."""
        name, port = _split_host(host.lower())
        if name in _LOOPBACK_NAMES:
            return True
        base_url = self._parts.general.base_url
        if base_url:
            scheme, _, rest = base_url.partition("://")
            ours, our_port = _split_host(rest.partition("/")[0])
            default = "443" if scheme == "https" else "80"
            return (name, port or default) == (ours, our_port or default)
        try:
            ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _strip_prefix(self, scope: Scope) -> None:
        """A proxy may pass the prefix on or take it off; both work."""
        prefix = self._parts.general.prefix
        path = scope["path"]
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            scope["path"] = path[len(prefix) :] or "/"
            scope["raw_path"] = scope["path"].encode()


def _answered_like(method: Method) -> Method:
    """HEAD is GET without its body, which the server leaves away by itself."""
    return HttpMethod.GET if method == "HEAD" else method


def _split_host(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):
        return host, ""
    return name, port


async def _refuse_host(send: Send, path: str, request_id: str) -> None:
    text, hint = "Bakery does not answer to this host name.", "Use the base URL that is set for it."
    kind, body = "text/plain; charset=utf-8", f"421 Misdirected Request: {text} {hint}\n".encode()
    if is_for_programs(path):
        kind, body = PROBLEM, problem(421, text, hint, instance=request_id)
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
