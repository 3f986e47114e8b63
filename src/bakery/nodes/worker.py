"""The work on nodes as the queue knows it: each task by its name, with the number of a row."""

from bakery.nodes import tasks
from bakery.nodes.follow import run_job
from bakery.nodes.jobs import DEFAULT_LOG_BYTES
from bakery.nodes.links import Links
from bakery.nodes.rotation import rotate
from bakery.nodes.verify import verify
from bakery.store.queue import Queue
from bakery.store.store import Store


def register_tasks(queue: Queue, store: Store, links: Links, *, log_bytes: int = DEFAULT_LOG_BYTES) -> None:
    """`log_bytes` is how much of a job's log is kept."""

    async def verify_node(node_id: int) -> None:
        await verify(store, links, queue, node_id)

    async def rotate_key(node_id: int) -> None:
        await rotate(store, links, node_id)

    async def follow(job_id: int) -> None:
        await run_job(store, links, job_id, log_bytes=log_bytes)

    queue.register(tasks.VERIFY_NODE, verify_node)
    queue.register(tasks.ROTATE_KEY, rotate_key)
    queue.register(tasks.RUN_JOB, follow)
