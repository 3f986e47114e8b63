"""The signs of life of a deployment, and what is learned with them: that somebody cancelled it, or took it over."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine

from bakery.delivery.look import Deployment
from bakery.delivery.steps import CancelAsked
from bakery.model.errors import Unavailable
from bakery.store.ending import end_tasks
from bakery.store.queue import TakenOver
from bakery.store.store import Store

_EVERY = 1.0


async def while_ours(
    store: Store, deployment: Deployment, act: Callable[[], Coroutine[None, None, None]], *, may_end: bool
) -> None:
    """Raises TakenOver when another process goes on with it, and CancelAsked when somebody cancels what may end, with
    whatever command was running ended."""
    why: type[CancelAsked | TakenOver] | None = None

    async def beat() -> None:
        nonlocal why
        while True:
            with contextlib.suppress(Unavailable):
                heard = await _beat(store, deployment)
                if heard is TakenOver or (heard and may_end):
                    why = heard
                    deadline.reschedule(asyncio.get_running_loop().time())
                    return
            await asyncio.sleep(_EVERY)

    try:
        # A deadline without a date; it becomes now when a heartbeat learns something.
        async with asyncio.timeout(None) as deadline, beside(beat()):
            await act()
    except TimeoutError:
        if why is None or not deadline.expired():
            raise
        raise why from None


async def _beat(store: Store, deployment: Deployment) -> type[CancelAsked] | type[TakenOver] | None:
    """A heartbeat, and what it learns: somebody cancelled it, or deleted its app, or it is another's by now."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            UPDATE deployments SET heartbeat_at = CASE WHEN generation = %(ours)s THEN now() ELSE heartbeat_at END
            WHERE id = %(id)s RETURNING generation = %(ours)s, cancel_asked_at IS NOT NULL
            """,
            {"id": deployment.id, "ours": deployment.generation},
        )
        is_ours, is_cancelled = await cursor.fetchone() or (True, True)
    if not is_ours:
        return TakenOver
    return CancelAsked if is_cancelled else None


@contextlib.asynccontextmanager
async def beside(*coroutines: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs them meanwhile, and ends them."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        await end_tasks(*tasks)
