"""Nodes with a history, as rows: what pages show, without a machine behind them."""

import shlex
from datetime import timedelta

from psycopg.types.json import Jsonb

from bakery.model.actor import Actor
from bakery.model.jobs import JobState
from bakery.model.nodes import parse_new_node
from bakery.nodes import registry
from bakery.nodes.catalogue import NodeSummary
from bakery.nodes.login import Handshake, mint_key
from bakery.nodes.touch import Kept, note_reached
from bakery.nodes.transcript import Transcript
from bakery.nodes.vitals import Disk, Vitals
from bakery.nodes.work import move_job, request_exec
from bakery.store import logs
from bakery.store.metrics import MetricsWriter
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.support.people import SYSTEM

_CHECKS = [
    {"name": "SSH", "is_well": True, "said": "Answered as bakery-agent, handshake in 48 ms.", "fix": ""},
    {"name": "Docker", "is_well": True, "said": "27.1.2", "fix": ""},
    {"name": "certbot", "is_well": False, "said": "certbot is missing.", "fix": "It gets certificates. Repair it."},
]


async def a_new_node(store: Store, slug: str = "oven-3", host: str = "203.0.113.9") -> NodeSummary:
    return await registry.add_node(store, parse_new_node(slug=slug, host=host), apps_domain="example.com", actor=SYSTEM)


async def a_node_that_answers(store: Store, queue: Queue, slug: str = "oven-2") -> NodeSummary:
    """It was verified, and has told how it is doing for an hour."""
    node = await a_new_node(store, slug, "203.0.113.8")
    host_key = mint_key("")[0].strip()
    await note_reached(store, queue, Kept(node.id, slug), Handshake(host_key, None, seconds=0.048, at=now()))
    async with store.connection() as connection:
        await connection.execute(
            "UPDATE nodes SET checks = %s, checked_at = clock_timestamp() WHERE id = %s", (Jsonb(_CHECKS), node.id)
        )
        await connection.execute(
            "INSERT INTO leases VALUES (%s, gen_random_uuid(), now() + interval '1 hour')", (f"node:{slug}",)
        )
    metrics = MetricsWriter(store)
    for minute in range(59, -1, -1):
        metrics.add(node.id, vitals(cpu=20.0 + minute % 17), now() - timedelta(minutes=minute))
    await metrics.flush()
    return node


async def some_work(store: Store, queue: Queue, slug: str = "oven-2", *, actor: Actor = SYSTEM) -> None:
    """A job that ended, one that runs, and what was run meanwhile."""
    for words, state in ((("df", "-h"), JobState.SUCCEEDED), (("sh", "-c", "make all"), JobState.RUNNING)):
        job = await request_exec(store, queue, slug, words, actor=actor)
        await logs.append(
            store, job.log_stream, b"Filesystem  Size  Used\n\x1b[32m/dev/vda    200G  182G\x1b[0m\n" * 20
        )
        async with store.transaction() as tx:
            await move_job(tx, job.id, JobState.RUNNING)
            if state is not JobState.RUNNING:
                await move_job(tx, job.id, state, exit_status=0)
        transcript = Transcript(store, now)
        transcript.add(job.node_id, shlex.join(words), began=0.0, exit_status=0, output="said\n")
        await transcript.flush()


def vitals(*, cpu: float = 34.0) -> Vitals:
    disk = Disk(
        path="/", total=200 * 2**30, used=182 * 2**30, free=18 * 2**30, inodes_total=1_000_000, inodes_used=200_000
    )
    return Vitals(
        at=0.0,
        cpu=cpu,
        cpus=4,
        memory_used=5 * 2**30,
        memory_total=8 * 2**30,
        swap_used=0,
        swap_total=0,
        disks=(disk,),
        load=(1.2, 1.0, 0.8),
        uptime=86_400.0,
        boot_id="0" * 36,
    )
