"""A worker that starts work and never ends it, to be killed: `python -m tests.support.doomed_worker DSN`."""

import asyncio
import sys

from bakery.store.queue import Queue
from tests.support.store import a_store


async def _bake(subject: int) -> None:
    sys.stdout.write(f"started {subject}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _work(dsn: str) -> None:
    async with a_store(dsn) as store:
        queue = Queue(store)
        queue.register("bake", _bake)
        await queue.open()
        await queue.work()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1]))
