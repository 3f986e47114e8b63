"""Deleting an app: what goes is listed first, and nothing of it stays on the node."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from bakery.delivery import tasks
from bakery.delivery.apps import AppDetail, show_app
from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.moves import move_deployment
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.volumes import clear_going, mark_going, volumes_of
from bakery.github.left_hooks import drop_hook
from bakery.ingress.certificates import certificates_of
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import DeploymentState
from bakery.model.errors import NotFound
from bakery.model.names import PRODUCTION, AppAt
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.nodes.leaving import forget_environments
from bakery.nodes.node import Node
from bakery.store.queue import Queue, expect_turn
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Departure:
    """What goes with an app."""

    address: str | None
    ports: tuple[int, ...]
    releases: int  # folders on the node
    deployments: int  # with their logs
    variables: int = 0
    volumes: tuple[str, ...] = ()  # stay on the node, unless somebody wants them to go
    environments: tuple[str, ...] = ()  # that go with it
    domains: tuple[str, ...] = ()  # that another app may have then


async def what_goes(store: Store, where: AppAt, *, actor: Actor) -> Departure:
    actor.require(Permission.DELETE_APP)
    return await what_goes_with(store, await show_app(store, where, actor=actor))


async def what_goes_with(store: Store, app: AppDetail) -> Departure:
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            WITH going AS (
                SELECT environment_id AS id, environment FROM environment_facts
                WHERE environment_facts.id = %(app)s AND %(environment)s IN ('production', environment)
            )
            SELECT array(SELECT port FROM slots JOIN going ON id = environment_id WHERE port IS NOT NULL ORDER BY 1),
                   (SELECT count(*) FROM releases JOIN going ON going.id = environment_id
                    WHERE live_at IS NOT NULL AND removed_at IS NULL),
                   (SELECT count(*) FROM deployments JOIN going ON going.id = environment_id),
                   (SELECT count(*) FROM variables JOIN going ON going.id = environment_id WHERE until IS NULL),
                   array(SELECT environment FROM going WHERE environment <> %(environment)s ORDER BY 1),
                   array(SELECT shown FROM domains JOIN going ON going.id = environment_id
                         ORDER BY is_primary DESC, domains.id)
            """,
            {"app": app.id, "environment": app.environment},
        )
        ports, releases, deployments, variables, others, domains = await only(cursor)
    made = [volume.name for volume in await volumes_of(store, app) if volume.is_made]
    return Departure(
        app.address, tuple(ports), releases, deployments, variables, tuple(made), tuple(others), tuple(domains)
    )


async def delete_app(
    store: Store,
    queue: Queue,
    where: AppAt,
    *,
    actor: Actor,
    volumes: Collection[str] = (),
    then: Callable[[Transaction], Awaitable[None]] | None = None,
) -> None:
    """Nobody sees it from now on; its slug is free again when the worker has cleared the nodes. With production go all
    its environments; another one goes alone. `volumes` are those of this environment that go with it; the others stay
    there, for an app of the same name. `then` is done with it, or nothing is."""
    actor.require(Permission.DELETE_APP)
    app = await show_app(store, where, actor=actor)
    is_whole = where.environment == PRODUCTION
    async with store.transaction() as tx:
        going = await (_mark_app(tx, app.id) if is_whole else _mark_environment(tx, app.environment_id))
        if not going:
            raise NotFound("There is no such app.")
        if volumes:
            await mark_going(tx, app.environment_id, volumes)
        waiting = await tx.connection.execute(
            "SELECT id FROM deployments WHERE environment_id = ANY(%s) AND state IN ('scheduled', 'queued') FOR UPDATE",
            (going,),
        )
        for (deployment_id,) in await waiting.fetchall():
            await move_deployment(tx, deployment_id, DeploymentState.CANCELLED, actor=actor)
        await tx.connection.execute(
            """
            UPDATE deployments SET cancel_asked_at = now() WHERE environment_id = ANY(%s) AND state = 'running'
            AND NOT EXISTS (SELECT FROM steps WHERE deployment_id = id AND key = 'switch' AND state <> 'waiting')
            """,
            (going,),
        )
        for environment_id in going:
            await queue.enqueue(tx, tasks.DELETE_APP, environment_id, lock=tasks.environment_lock(environment_id))
        tx.publish("apps", f"app:{where.app}")
        before: dict[str, object] = {"name": app.name, **({"volumes": sorted(volumes)} if volumes else {})}
        tx.record(
            AuditEntry(
                actor,
                "app.deleted" if is_whole else "environment.deleted",
                "app",
                str(app.id),
                where.app,
                app_id=app.id,
                before=before if is_whole else {**before, "environment": where.environment},
            )
        )
        if then is not None:
            await then(tx)


async def _mark_app(tx: Transaction, app_id: int) -> list[int]:
    """Its environments; none when somebody was first."""
    cursor = await tx.connection.execute(
        """
        WITH marked AS (UPDATE apps SET deleted_at = now() WHERE id = %s AND deleted_at IS NULL RETURNING id)
        SELECT environments.id FROM environments JOIN marked ON marked.id = app_id ORDER BY 1
        """,
        (app_id,),
    )
    return [int(environment_id) for (environment_id,) in await cursor.fetchall()]


async def _mark_environment(tx: Transaction, environment_id: int) -> list[int]:
    cursor = await tx.connection.execute(
        "UPDATE environments SET going_since = now() WHERE id = %s AND going_since IS NULL RETURNING id",
        (environment_id,),
    )
    return [int(marked) for (marked,) in await cursor.fetchall()]


async def clear_environment(store: Store, node: Node, environment_id: int) -> None:
    """Takes everything of it from the node, and then its rows; with the last one those of its app, when that goes.
    Harmless when that was done."""
    environment = await look_at_environment(store, environment_id)
    if environment is None:
        return
    await _clear_node(store, node, environment)
    await expect_turn()
    await drop_hook(store, environment_id)
    async with store.transaction() as tx:
        await forget_environments(tx, [environment_id])
        tx.publish("apps", f"app:{environment.app}")


async def _clear_node(store: Store, node: Node, environment: Environment) -> None:
    premises = environment.premises(node)
    await expect_turn()
    if node.ingress is not None:
        await node.ingress.remove_site(premises.site)
    for colour, slot in environment.slots.items():
        if slot.port is not None:
            await expect_turn()
            await slot_programs(store, node, environment, colour).remove()
    for build, archive in await _builds(store, environment.id):
        if archive:
            await node.homes.remove_upload(archive)
        if environment.runtime is Runtime.DOCKER:
            await node.images.remove(environment.app, build)
    await expect_turn()
    await clear_going(store, node, environment.id, premises.place, environment.runtime)
    if node.certificates is not None:
        async with store.connection() as connection:
            held = [one.name for one in await certificates_of(connection, environment.id) if one.held]
        for certificate in held:
            await node.certificates.remove(certificate)
    await expect_turn()
    await node.homes.remove(premises.place)


async def _builds(store: Store, environment_id: int) -> list[tuple[int, str | None]]:
    """Those that no other environment has a release of. Each with what was uploaded for it."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT id, archive FROM builds
            WHERE EXISTS (SELECT FROM releases WHERE build_id = builds.id AND environment_id = %(environment)s)
            AND NOT EXISTS (SELECT FROM releases WHERE build_id = builds.id AND environment_id <> %(environment)s)
            ORDER BY id
            """,
            {"environment": environment_id},
        )
        return await cursor.fetchall()
