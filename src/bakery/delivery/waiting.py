"""Waiting for a node that is away for a while: what was asked of it is asked again, and finds what is done of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bakery.delivery.log import DeploymentLog
from bakery.model.errors import NodeUnreachable
from bakery.nodes.touch import chance, pause_after

_LONGEST_PAUSE = 3  # misses; the pause grows no more


async def although_away(log: DeploymentLog, act: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Tries for so long after it was last reached, as far as we know: since this began."""
    misses, until = 0, time.monotonic() + seconds
    while True:
        try:
            await act()
        except NodeUnreachable as error:
            if time.monotonic() >= until:
                raise
            if misses == 0:
                log.write(f"{error.message} Bakery tries again.")
            misses += 1
            await asyncio.sleep(pause_after(min(misses, _LONGEST_PAUSE), chance()))
        else:
            if misses:
                log.write("The node answers again.")
            return
