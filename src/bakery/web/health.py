"""For machines that watch Bakery: is it alive, is it ready, and how is it."""

import resource
import time

from litestar import Response, get

from bakery import __version__
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest

_STARTED = time.monotonic()
_PLAIN = "text/plain; version=0.0.4"


@get("/healthz", opt={"permission": Permission.PUBLIC}, include_in_schema=False)
async def healthz() -> Response[str]:
    """The process answers."""
    return Response("ok\n", media_type="text/plain", headers={"cache-control": "no-store"})


@get("/readyz", opt={"permission": Permission.PUBLIC}, include_in_schema=False)
async def readyz(parts: Parts) -> Response[str]:
    """It can do its work: the database answers, and it is not about to end."""
    if parts.is_ending:
        return _not_ready("Bakery is shutting down.")
    if not await parts.store.is_reachable():
        return _not_ready("The database is not answering.")
    return Response("ready\n", media_type="text/plain", headers={"cache-control": "no-store"})


@get("/metrics", opt={"permission": Permission.PUBLIC}, include_in_schema=False)
async def metrics(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """Open on this machine, and to a token that may read."""
    if not request.scope["state"]["is_here"]:
        actor.require(Permission.METRICS)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pool = parts.store.pool.get_stats()
    values: list[tuple[str, str, str, float]] = [
        ("bakery_info", "gauge", f'{{version="{__version__}"}}', 1),
        ("bakery_uptime_seconds", "gauge", "", time.monotonic() - _STARTED),
        ("bakery_cpu_seconds_total", "counter", "", usage.ru_utime + usage.ru_stime),
        ("bakery_resident_memory_peak_bytes", "gauge", "", usage.ru_maxrss * 1024),
        ("bakery_database_connections", "gauge", "", pool.get("pool_size", 0)),
        ("bakery_database_waiting", "gauge", "", pool.get("requests_waiting", 0)),
        ("bakery_event_subscribers", "gauge", "", parts.hub.subscribers),
        ("bakery_event_listener_up", "gauge", "", float(parts.hub.is_listening.is_set())),
    ]
    lines = [
        line for name, kind, labels, value in values for line in (f"# TYPE {name} {kind}", f"{name}{labels} {value:g}")
    ]
    return Response("\n".join(lines) + "\n", media_type=_PLAIN, headers={"cache-control": "no-store"})


def _not_ready(reason: str) -> Response[str]:
    headers = {"retry-after": "2", "cache-control": "no-store"}
    return Response(f"{reason}\n", status_code=503, media_type="text/plain", headers=headers)
