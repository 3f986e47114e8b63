"""Deleting an app: what goes is listed first, and nothing of it stays on the node."""

from collections.abc import Collection
from dataclasses import dataclass

from bakery.delivery import tasks
from bakery.delivery.apps import show_app
from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.moves import move_deployment
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.volumes import clear_going, list_volumes, mark_going
from bakery.model.actor import Actor
from bakery.model.apps import Runtime
from bakery.model.audit import AuditEntry
from bakery.model.deployments import DeploymentState
from bakery.model.errors import NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class Departure:
    """What goes with an app."""

    address: str | None
    ports: tuple[int, ...]
    releases: int  # folders on the node
    deployments: int  # with their logs
    variables: int = 0
    volumes: tuple[str, ...] = ()  # stay on the node, unless somebody wants them to go


async def what_goes(store: Store, where: AppAt, *, actor: Actor) -> Departure:
    actor.require(Permission.DELETE_APP)
    app = await show_app(store, where, actor=actor)
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT array(SELECT port FROM slots WHERE environment_id = %(environment)s AND port IS NOT NULL ORDER BY 1),
                   (SELECT count(*) FROM releases WHERE environment_id = %(environment)s
                    AND live_at IS NOT NULL AND removed_at IS NULL),
                   (SELECT count(*) FROM deployments WHERE app_id = %(app)s),
                   (SELECT count(*) FROM variables WHERE environment_id = %(environment)s AND until IS NULL)
            """,
            {"app": app.id, "environment": app.environment_id},
        )
        ports, releases, deployments, variables = await cursor.fetchone() or ((), 0, 0, 0)
    made = [volume.name for volume in await list_volumes(store, where, actor=actor) if volume.is_made]
    return Departure(app.address, tuple(ports), releases, deployments, variables, tuple(made))


async def delete_app(store: Store, queue: Queue, where: AppAt, *, actor: Actor, volumes: Collection[str] = ()) -> None:
    """Nobody sees it from now on; its slug is free again when the worker has cleared the node. `volumes` go with it;
    the others stay there, for an app of the same name."""
    actor.require(Permission.DELETE_APP)
    app = await show_app(store, where, actor=actor)
    async with store.transaction() as tx:
        marked = await tx.connection.execute(
            "UPDATE apps SET deleted_at = now() WHERE id = %s AND deleted_at IS NULL", (app.id,)
        )
        if marked.rowcount == 0:
            raise NotFound("There is no such app.")
        if volumes:
            await mark_going(tx, app.environment_id, volumes)
        waiting = await tx.connection.execute(
            "SELECT id FROM deployments WHERE app_id = %s AND state IN ('scheduled', 'queued') FOR UPDATE", (app.id,)
        )
        for (deployment_id,) in await waiting.fetchall():
            await move_deployment(tx, deployment_id, DeploymentState.CANCELLED, actor=actor)
        await tx.connection.execute(
            """
            UPDATE deployments SET cancel_asked_at = now() WHERE app_id = %s AND state = 'running'
            AND NOT EXISTS (SELECT FROM steps WHERE deployment_id = id AND key = 'switch' AND state <> 'waiting')
            """,
            (app.id,),
        )
        await queue.enqueue(tx, tasks.DELETE_APP, app.environment_id, lock=tasks.environment_lock(app.environment_id))
        tx.publish("apps", f"app:{where.app}")
        before: dict[str, object] = {"name": app.name, **({"volumes": sorted(volumes)} if volumes else {})}
        tx.record(AuditEntry(actor, "app.deleted", "app", str(app.id), where.app, app_id=app.id, before=before))


async def clear_app(store: Store, node: Node, environment_id: int) -> None:
    """Takes everything of it from the node, and then its rows. Harmless when that was done."""
    environment = await look_at_environment(store, environment_id)
    if environment is None:
        return
    await _clear_node(store, node, environment)
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            "SELECT array_agg(log_stream_id) FROM deployments WHERE app_id = %s", (environment.app_id,)
        )
        (streams,) = await cursor.fetchone() or (None,)
        await tx.connection.execute("DELETE FROM apps WHERE id = %s", (environment.app_id,))
        await tx.connection.execute("DELETE FROM log_streams WHERE id = ANY(%s)", (streams or [],))
        await tx.connection.execute(
            "DELETE FROM log_streams WHERE id IN (SELECT stream_id FROM log_tails WHERE app_id = %s)",
            (environment.app_id,),
        )
        tx.publish("apps")


async def _clear_node(store: Store, node: Node, environment: Environment) -> None:
    premises = environment.premises(node)
    if node.ingress is not None:
        await node.ingress.remove_site(premises.site)
    for colour, slot in environment.slots.items():
        if slot.port is not None:
            await slot_programs(store, node, environment, colour).remove()
    for build, archive in await _builds(store, environment.app_id):
        if archive:
            await node.homes.remove_upload(archive)
        if environment.runtime is Runtime.DOCKER:
            await node.images.remove(environment.app, build)
    await clear_going(store, node, environment.id, premises.place, environment.runtime)
    await node.homes.remove(premises.place)


async def _builds(store: Store, app_id: int) -> list[tuple[int, str | None]]:
    """Each with what was uploaded for it."""
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT id, archive FROM builds WHERE app_id = %s ORDER BY id", (app_id,))
        return await cursor.fetchall()
