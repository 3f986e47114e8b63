"""After a deployment: taking away what a failed one left, and what a good one made superfluous."""

import asyncio
import time

from bakery.delivery.actions import Work
from bakery.delivery.plan import StepKey
from bakery.delivery.premises import Release
from bakery.delivery.slots import free_slot
from bakery.delivery.steps import read_steps
from bakery.model.deployments import SlotState, StepState
from bakery.model.errors import BakeryError, Unavailable
from bakery.model.names import Port
from bakery.nodes.health import Healthy, ask_app, wait_until_healthy

KEPT_RELEASES = 5


async def undo(work: Work) -> None:
    """Visitors go on with what they had. What cannot be taken away now is named in the log; it harms nobody."""
    environment = work.deployment.environment
    premises = environment.premises(work.node)
    slot = work.plan.slot
    try:
        await _put_back_site(work)
        if work.plan.replaced is not None and slot.port is not None:
            await _run_again(work, work.plan.replaced, slot.port)
        elif slot.state is not SlotState.LIVE:
            await work.node.units.remove(premises.unit(slot.colour))
        await work.node.homes.remove_release(premises.place, work.deployment.number)
        await _forget_archive(work)
    except Unavailable:
        raise
    except (BakeryError, OSError) as error:
        work.log.write(f"Not everything could be taken away: {error}")
    async with work.store.transaction() as tx:
        if slot.state is not SlotState.LIVE:
            await free_slot(tx, environment.id, slot.colour)
        await tx.connection.execute(
            "UPDATE releases SET removed_at = now() WHERE id = %s", (work.deployment.release.id,)
        )
    live = environment.live
    if live is not None and live.release is not None:
        work.log.write(f"Release #{live.release.number} is still live; nothing changed for visitors.")


async def tidy(work: Work) -> None:
    """Of the releases that were live the last five stay, to come back to."""
    try:
        await _forget_archive(work)
        await _remove_superfluous(work)
    except Unavailable:
        raise
    except (BakeryError, OSError) as error:
        work.log.write(f"An old release could not be removed; Bakery tries again with the next deployment: {error}")


async def _remove_superfluous(work: Work) -> None:
    async with work.store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT id, number FROM releases
            WHERE environment_id = %(environment)s AND live_at IS NOT NULL AND removed_at IS NULL
            AND id NOT IN (SELECT release_id FROM slots WHERE release_id IS NOT NULL)
            ORDER BY live_at DESC OFFSET %(kept)s
            """,
            {"environment": work.deployment.environment.id, "kept": KEPT_RELEASES - 1},
        )
        superfluous = await cursor.fetchall()
    premises = work.deployment.environment.premises(work.node)
    for release_id, number in superfluous:
        await work.node.homes.remove_release(premises.place, number)
        async with work.store.transaction() as tx:
            await tx.connection.execute("UPDATE releases SET removed_at = now() WHERE id = %s", (release_id,))


async def _run_again(work: Work, release: Release, port: Port) -> None:
    premises = work.deployment.environment.premises(work.node)
    await work.node.units.start(premises.describe_unit(release, work.plan.slot.colour, port))
    found = await wait_until_healthy(
        lambda: ask_app(work.node.transport, port, release.health_path),
        deadline=work.patience.check,
        clock=time.monotonic,
        sleep=asyncio.sleep,
    )
    if isinstance(found, Healthy):
        work.log.write(f"Release #{release.number} runs again.")
    else:
        work.log.write(f"Release #{release.number} was started again and does not answer: {found.answer.said}.")


async def _put_back_site(work: Work) -> None:
    """Only a switch that began can have changed it."""
    switch = (await read_steps(work.store, work.deployment.id)).get(StepKey.SWITCH, StepState.WAITING)
    if work.node.ingress is None or switch in {StepState.WAITING, StepState.SKIPPED}:
        return
    environment = work.deployment.environment
    premises = environment.premises(work.node)
    live = environment.live
    if live is not None and live.release is not None:
        await work.node.ingress.apply_site(premises.describe_site(live.release, live.port))
    else:
        await work.node.ingress.remove_site(premises.site)


async def _forget_archive(work: Work) -> None:
    await work.node.homes.remove_upload(work.deployment.archive)
