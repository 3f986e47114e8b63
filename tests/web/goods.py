"""Apps with a history, as rows: what pages show, without a machine that runs them."""

from psycopg.types.json import Jsonb

from bakery.delivery.apps import create_app
from bakery.delivery.history import DeploymentSummary
from bakery.delivery.request import request_deployment
from bakery.delivery.uploads import Upload
from bakery.model.actor import Actor
from bakery.model.apps import parse_new_app
from bakery.store import logs
from tests.api.site import Site
from tests.support.people import SYSTEM
from tests.support.places import at

STEPS = (
    ("unpack", "Unpack the source"),
    ("start", "Start the release on blue"),
    ("check", "Check that it answers"),
    ("switch", "Switch traffic to it"),
)


async def an_app(site: Site, slug: str = "shop", name: str = "") -> int:
    new = parse_new_app(slug=slug, name=name, command="python3 app.py", health="/health")
    return (await create_app(site.store, new, actor=SYSTEM)).id


async def a_queued_deployment(site: Site, slug: str = "shop", *, actor: Actor = SYSTEM) -> DeploymentSummary:
    number = await _one(site, "SELECT last_number FROM apps WHERE slug = %s", slug)
    source = Upload(f"{slug}-{number}.tar.gz", f"{number:02x}c0ffee" * 8, "Fix the cart total")
    return await request_deployment(site.store, site.parts.queue, at(slug), source, actor=actor)


async def a_running_deployment(site: Site, slug: str = "shop", *, log: bytes = b"") -> DeploymentSummary:
    """At its third step, to which all of the log belongs."""
    deployment = await a_queued_deployment(site, slug)
    await logs.append(site.store, deployment.log_stream, b"unpacked\nstarted\n" + log)
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE deployments SET state = 'running', started_at = now() - interval '51 s', heartbeat_at = now()
            WHERE id = %s
            """,
            (deployment.id,),
        )
        for position, (key, title) in enumerate(STEPS, 1):
            state = "done" if position < 3 else "running" if position == 3 else "waiting"
            await tx.connection.execute(
                """
                INSERT INTO steps (deployment_id, position, key, title, state, started_at, ended_at, from_byte, to_byte)
                VALUES (%(id)s, %(position)s, %(key)s, %(title)s, %(state)s,
                        CASE WHEN %(position)s < 4 THEN now() - interval '40 s' END,
                        CASE WHEN %(position)s < 3 THEN now() - interval '38 s' END,
                        (array[0, 9, 17])[%(position)s], (array[9, 17])[%(position)s])
                """,
                {"id": deployment.id, "position": position, "key": key, "title": title, "state": state},
            )
    return deployment


async def a_failed_deployment(site: Site, slug: str = "shop", *, log: bytes = b"") -> DeploymentSummary:
    deployment = await a_running_deployment(site, slug, log=log)
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE deployments SET state = 'failed', ended_at = now(), failure = 'GET /health answered 502.',
                hint = 'Look at what it wrote when it started.' WHERE id = %s
            """,
            (deployment.id,),
        )
        await tx.connection.execute(
            """
            UPDATE steps SET state = 'failed', ended_at = now(), to_byte =
                (SELECT bytes FROM log_streams WHERE id = %s) WHERE deployment_id = %s AND state = 'running'
            """,
            (deployment.log_stream, deployment.id),
        )
    return deployment


async def a_live_app(site: Site, slug: str = "shop", name: str = "", *, health: str = "healthy") -> DeploymentSummary:
    """`health` as the watch last saw it."""
    await an_app(site, slug, name)
    return await a_live_deployment(site, slug, health=health)


async def a_live_deployment(site: Site, slug: str, *, health: str = "healthy") -> DeploymentSummary:
    deployment = await a_running_deployment(site, slug, log=b"GET /health answered 200\n")
    note = "GET /health answered 502." if health == "down" else ""
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE deployments SET state = 'succeeded', ended_at = now() WHERE id = %s", (deployment.id,)
        )
        await tx.connection.execute(
            """
            UPDATE steps SET state = 'done', started_at = coalesce(started_at, now()), ended_at = now(),
                from_byte = coalesce(from_byte, 42), to_byte = coalesce(to_byte, 42) WHERE deployment_id = %s
            """,
            (deployment.id,),
        )
        await tx.connection.execute(
            """
            UPDATE releases SET live_at = now() - interval '2 days' + releases.number * interval '1 hour', follows =
                (SELECT releases.number FROM slots JOIN releases ON releases.id = slots.release_id
                 WHERE slots.environment_id = deployments.environment_id AND slots.state = 'live')
            FROM deployments WHERE deployments.id = %s AND releases.id = release_id
            """,
            (deployment.id,),
        )
        await tx.connection.execute(
            """
            UPDATE slots SET state = 'live', health = %s, health_note = %s,
                release_id = (SELECT release_id FROM deployments WHERE id = %s)
            WHERE environment_id = %s AND colour = 'blue'
            """,
            (health, note, deployment.id, deployment.environment_id),
        )
    return deployment


async def a_worker(site: Site, slug: str) -> None:
    """Beside the web process of the live release; it ended twice."""
    recipe = {"stack": "node", "why": [], "start": ["npm", "start"], "processes": {"worker": ["node", "worker.js"]}}
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE builds SET recipe = %s FROM apps WHERE apps.id = app_id AND slug = %s
            """,
            (Jsonb(recipe), slug),
        )
        await tx.connection.execute(
            """
            INSERT INTO slot_processes (environment_id, colour, process, number, is_running, restarts, last_exit)
            SELECT environments.id, 'blue', 'worker', 1, true, 2, 'ended with status 1'
            FROM environments JOIN apps ON apps.id = app_id WHERE slug = %s
            """,
            (slug,),
        )


async def stop(site: Site, slug: str) -> None:
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE environments SET is_stopped = true FROM apps WHERE apps.id = app_id AND slug = %s", (slug,)
        )


async def _one(site: Site, query: str, value: str) -> int:
    async with site.store.connection() as connection:
        row = await (await connection.execute(query, (value,))).fetchone()
    assert row is not None
    return int(row[0])
