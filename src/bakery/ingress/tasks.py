"""The names under which work on sites waits in the queue, and what it must not overlap with."""

from bakery.store.queue import Queue
from bakery.store.transaction import Transaction

REFRESH_SITE = "refresh-site"  # an environment: its site as its rows say it now


def environment_lock(environment_id: int) -> str:
    return f"environment:{environment_id}"


def site_lock(environment_id: int) -> str:
    return f"site:{environment_id}"


async def ask_for_refresh(tx: Transaction, queue: Queue, environment_id: int) -> None:
    """After a change of rows that its site is made of, and with it. Harmless when nothing is live.

    It is done at once, beside a deployment that runs, whose own switch wins; and once more when that is over, for it
    may have read the rows before this."""
    cursor = await tx.connection.execute(
        """
        SELECT EXISTS (SELECT FROM deployments
                       WHERE environment_id = environments.id AND state IN ('queued', 'running'))
        FROM environments WHERE id = %s FOR SHARE
        """,
        (environment_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return
    await queue.enqueue(tx, REFRESH_SITE, environment_id, lock=environment_lock(environment_id))
    if row[0]:
        await queue.enqueue(tx, REFRESH_SITE, environment_id, lock=site_lock(environment_id))
