"""Waiting for a condition, with a bound: what tests use instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

_PAUSE = 0.02


def wait_until(is_so: Callable[[], bool], *, what: str, seconds: float = 10.0) -> None:
    """Return as soon as `is_so()`; after `seconds` raise TimeoutError naming `what` was awaited."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:g} s in vain: {what}.")
        time.sleep(_PAUSE)


async def until(is_so: Callable[[], bool | Awaitable[bool]], *, what: str, seconds: float = 20.0) -> None:
    """Likewise, where what is awaited goes on in this process."""
    deadline = time.monotonic() + seconds
    while True:
        found = is_so()
        if await found if inspect.isawaitable(found) else found:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:g} s in vain: {what}.")
        await asyncio.sleep(_PAUSE)
