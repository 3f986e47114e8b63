"""Ending tasks for good."""

import asyncio
from typing import Any

_AGAIN = 1.0


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancels them, and returns when they have ended. What they raise is nobody's concern any more.

    They are told again while any is left: before Python 3.12, a task that waits for the database misses a cancellation
    that comes in the same moment as the answer, and would go on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)
