"""The names by which CAA records know the authority of this installation: Let's Encrypt's own, else those that another
authority's ACME directory says (RFC 8555, `caaIdentities`)."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import msgspec
import structlog

from bakery.model.certificates import LETSENCRYPT, STAGING
from bakery.model.dns import AUTHORITY
from bakery.model.errors import BadInput
from bakery.model.names import parse_host_name
from bakery.nodes.certificates import Authority

log = structlog.get_logger()

_WITHIN = 5.0
_FOR = 3600.0
_AFTER_TROUBLE = 300.0
_MOST = 10
_LARGEST = 100_000


class _Meta(msgspec.Struct, rename="camel"):
    caa_identities: tuple[str, ...] = ()


class _Directory(msgspec.Struct):
    meta: _Meta = msgspec.field(default_factory=_Meta)


@dataclass(slots=True)
class Issuers:
    """Asked once an hour. An authority that is away, or says none, has no name here: then CAA records say nothing."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, authority: Authority | None) -> tuple[str, ...]:
        if authority is None:
            return ()
        if authority.directory in {LETSENCRYPT, STAGING}:
            return (AUTHORITY,)
        async with self._turn:
            until, names = self._known.get(authority.directory, (0.0, ()))
            if self.clock() >= until:
                found = await _ask(authority)
                names = names if found is None else found
                until = self.clock() + (_AFTER_TROUBLE if found is None else _FOR)
                self._known[authority.directory] = until, names
            return names


async def _ask(authority: Authority) -> tuple[str, ...] | None:
    """None: it does not say."""
    try:
        context = ssl.create_default_context(cadata=authority.trusted)
        async with (
            asyncio.timeout(_WITHIN),
            httpx.AsyncClient(verify=context, timeout=_WITHIN) as client,
            client.stream("GET", authority.directory) as answer,
        ):
            answer.raise_for_status()
            body = b""
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LARGEST:
                    return None
        said = msgspec.json.decode(body, type=_Directory).meta.caa_identities
        return tuple(parse_host_name(name) for name in said[:_MOST])
    except (httpx.HTTPError, OSError, TimeoutError, msgspec.DecodeError, BadInput) as error:
        log.info("issuers_unknown", directory=authority.directory, why=str(error))
        return None
