"""Restart, stop and start of what is live: asked for here, done by the worker."""

from bakery.delivery import keeping, tasks
from bakery.delivery.asking import wait_for_release
from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.planned import Slot
from bakery.delivery.sites import put_back_site, site_of
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.slots import free_slot, set_health
from bakery.delivery.step_jobs import end_step_jobs
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import Health, SlotState
from bakery.model.errors import BakeryError, Conflict, NodeUnreachable, Unavailable
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.nodes.health import Healthy
from bakery.nodes.node import Node
from bakery.store.queue import Queue, expect_turn
from bakery.store.store import Store
from bakery.store.transaction import Transaction

START_WITHIN = 60.0


async def stop_app(store: Store, queue: Queue, where: AppAt, *, actor: Actor) -> None:
    """It stays stopped, over restarts of the machine too, until somebody starts or deploys it."""
    await _ask(store, queue, where, actor, "app.stopped", tasks.SETTLE, is_stopped=True)


async def start_app(store: Store, queue: Queue, where: AppAt, *, actor: Actor) -> None:
    await _ask(store, queue, where, actor, "app.started", tasks.SETTLE, is_stopped=False)


async def restart_app(store: Store, queue: Queue, where: AppAt, *, actor: Actor) -> None:
    """The same release again; the app is away for a moment."""
    await _ask(store, queue, where, actor, "app.restarted", tasks.RESTART, is_stopped=False)


async def settle(store: Store, node: Node, environment_id: int) -> None:
    """Makes the machine agree with what is meant: the live release runs, or is stopped, and nothing else does."""
    environment = await look_at_environment(store, environment_id)
    if environment is None:
        return
    await _end_jobs(store, node, environment)
    await _clear_left_over(store, node, environment)
    live = environment.live
    if live is None:
        return
    try:
        await (_stop if environment.is_stopped else _start)(store, node, environment, live)
    except (Unavailable, NodeUnreachable):
        raise
    except BakeryError as error:
        await _note(store, environment, live, Health.DOWN, error.message)


async def note_away(store: Store, environment_id: int, error: NodeUnreachable) -> None:
    """Whether the app runs nobody knows until its node answers."""
    environment = await look_at_environment(store, environment_id)
    if environment is not None and environment.live is not None:
        await _note(store, environment, environment.live, Health.UNKNOWN, f"{error.message} Bakery tries again.")


async def restart(store: Store, node: Node, environment_id: int) -> None:
    environment = await look_at_environment(store, environment_id)
    if environment is not None and environment.live is not None and environment.live.port is not None:
        await expect_turn()
        await slot_programs(store, node, environment, environment.live.colour).stop()
    await settle(store, node, environment_id)


async def _ask(
    store: Store, queue: Queue, where: AppAt, actor: Actor, action: str, task: str, *, is_stopped: bool
) -> None:
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        await _refuse_unless_live(tx, app)
        await tx.connection.execute(
            "UPDATE environments SET is_stopped = %s WHERE id = %s", (is_stopped, app.environment_id)
        )
        await queue.enqueue(tx, task, app.environment_id, lock=tasks.environment_lock(app.environment_id))
        tx.publish("apps", f"app:{where.app}")
        tx.record(AuditEntry(actor, action, "app", str(app.id), where.app, app_id=app.id))


async def _refuse_unless_live(tx: Transaction, app: FoundApp) -> None:
    """The app's row is locked, as by who asks for a deployment, so that none begins meanwhile."""
    await tx.connection.execute("SELECT FROM apps WHERE id = %s FOR UPDATE", (app.id,))
    cursor = await tx.connection.execute(
        "SELECT live_number, is_deploying FROM environment_facts WHERE environment_id = %s", (app.environment_id,)
    )
    live_number, is_deploying = await cursor.fetchone() or (None, False)
    if is_deploying:
        raise Conflict(f"{app.slug} is being deployed.", hint="Wait until the deployment ends, or cancel it.")
    if live_number is None:
        raise Conflict(f"{app.slug} was never deployed.", hint="Deploy it first.")


async def _stop(store: Store, node: Node, environment: Environment, live: Slot) -> None:
    """First no more visitors, then the app."""
    premises = environment.premises(node)
    await expect_turn()
    if node.ingress is not None:
        await node.ingress.remove_site(premises.site)
        await expect_turn()
    if live.port is not None:
        await slot_programs(store, node, environment, live.colour).stop()
    await _note(store, environment, live, Health.UNKNOWN)


async def _start(store: Store, node: Node, environment: Environment, live: Slot) -> None:
    premises = environment.premises(node)
    release = live.release
    if release is None:
        raise LookupError(f"the live slot of environment {environment.id} has no release")
    health, note = Health.HEALTHY, ""
    if live.port is not None:
        port = live.port
        await expect_turn()
        await keeping.start(node, premises.describe_program(release, live.colour, port))
        workers = premises.workers(release, live.colour)
        await expect_turn()
        await slot_programs(store, node, environment, live.colour).start_workers(workers)
        found = await wait_for_release(node, premises, live.colour, release, port, within=START_WITHIN)
        if not isinstance(found, Healthy):
            health, note = Health.DOWN, found.answer.said
    await expect_turn()
    if node.ingress is not None:
        generation = environment.generation
        await node.ingress.apply_site(await site_of(store, node, environment, live, generation=generation))
    await _note(store, environment, live, health, note)


async def _end_jobs(store: Store, node: Node, environment: Environment) -> None:
    """Of the deployment that was the last, and could not end them while its node was away."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT id FROM deployments
            WHERE environment_id = %s AND generation = %s AND state IN ('failed', 'cancelled')
            """,
            (environment.id, environment.generation),
        )
        ended = [deployment_id for (deployment_id,) in await cursor.fetchall()]
    for deployment_id in ended:
        await expect_turn()
        await end_step_jobs(store, node.jobs, deployment_id)


async def _clear_left_over(store: Store, node: Node, environment: Environment) -> None:
    """An old slot that could not be stopped when it was retired, or what a failed deployment could not take away."""
    left = {SlotState.RETIRING, SlotState.WARM} if environment.is_stopped else {SlotState.RETIRING}
    if not await _is_deploying(store, environment.id):
        left.add(SlotState.STARTING)
    for slot in environment.slots.values():
        if slot.state in left:
            await expect_turn()
            if slot.state is SlotState.STARTING:  # its switch may have begun
                await put_back_site(store, node, environment, generation=environment.generation)
                await expect_turn()
            await slot_programs(store, node, environment, slot.colour).remove()
            await expect_turn()
            async with store.transaction() as tx:
                await free_slot(tx, environment.id, slot.colour)


async def _is_deploying(store: Store, environment_id: int) -> bool:
    """One that was interrupted goes on with its slot."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT FROM deployments WHERE environment_id = %s AND state = 'running'", (environment_id,)
        )
        return await cursor.fetchone() is not None


async def _note(store: Store, environment: Environment, live: Slot, health: Health, note: str = "") -> None:
    async with store.transaction() as tx:
        release_id = live.release.id if live.release else None
        if await set_health(tx, environment.id, live.colour, release_id, health, note):
            tx.publish("apps", f"app:{environment.app}")
