"""Waiting for a node that is away for a while: what was asked of it is asked again, and finds what is done of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bakery.delivery.log import DeploymentLog
from bakery.model.errors import NodeUnreachable, NotUnderstood
from bakery.nodes.touch import chance, pause_after

_LONGEST_PAUSE = 3  # misses; the pause grows no more
_WAS_REACHED = 10.0  # seconds: a try that took so long was at work there
_AT_MOST = 6 * 3600.0  # however often it is reached meanwhile


async def although_away(log: DeploymentLog, act: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Tries for so long after it was last reached. An answer that cannot be understood is not waited for."""
    misses, began = 0, time.monotonic()
    until = began + seconds
    while True:
        tried = time.monotonic()
        try:
            await act()
        except NotUnderstood:
            raise
        except NodeUnreachable as error:
            now = time.monotonic()
            if now - tried >= _WAS_REACHED:
                until = min(now + seconds, began + _AT_MOST)
            if now >= until:
                raise
            if misses == 0:
                log.write(f"{error.message} Bakery tries again.")
            misses += 1
            await asyncio.sleep(pause_after(min(misses, _LONGEST_PAUSE), chance()))
        else:
            if misses:
                log.write("The node answers again.")
            return
