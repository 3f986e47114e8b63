"""Deliveries that nobody signed are written down for the app's people, when their sender has been answered: who knows
no secret hears the same, as soon, of a webhook that is there and of one that is not."""

import asyncio

import psycopg
import structlog

from bakery.hooks.rows import Hook, keep_rejections
from bakery.hooks.signatures import Provider
from bakery.model.errors import BakeryError
from bakery.store.store import Store

log = structlog.get_logger()

_LATER = 0.2  # seconds; of those that come meanwhile one row is made


class Rejections:
    """Of this process."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Hook, Provider, str], int] = {}
        self._begins: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def tell(self, store: Store, hook: Hook, provider: Provider, why: str) -> None:
        told = (hook, provider, why)
        self._counts[told] = self._counts.get(told, 0) + 1
        if self._begins is None:
            self._begins = asyncio.get_running_loop().call_later(_LATER, self._begin, store)

    async def written(self, store: Store) -> None:
        """Whoever looks sees all that were told."""
        if self._begins is not None:
            self._begins.cancel()
            self._begin(store)
        if self._writing is not None:
            await self._writing

    def _begin(self, store: Store) -> None:
        told, self._counts, self._begins = self._counts, {}, None
        self._writing = asyncio.create_task(self._write(store, told, self._writing))

    async def _write(
        self, store: Store, told: dict[tuple[Hook, Provider, str], int], before: asyncio.Task[None] | None
    ) -> None:
        """One after the other: two at once would make two rows of what is one."""
        if before is not None:
            await before
        for (hook, provider, why), times in told.items():
            try:
                await keep_rejections(store, hook, provider, why, times)
            except (BakeryError, psycopg.Error) as error:
                log.warning("rejection_not_kept", app=hook.app, why=why, times=times, error=str(error))
