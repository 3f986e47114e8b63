"""Going back: a release that was live before is made live again, by a deployment of its own that builds nothing."""

from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.history import DeploymentSummary, show_deployment
from bakery.delivery.new_deployment import make_deployment, make_release_of, next_number
from bakery.delivery.request import put_in_line
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import Conflict, NotFound
from bakery.model.permissions import Permission
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def request_rollback(
    store: Store,
    queue: Queue,
    slug: str,
    *,
    actor: Actor,
    release: int | None = None,
    with_todays_variables: bool = False,
) -> DeploymentSummary:
    """To `release`, by its number; None: to the one that was live before. Its variables are as they were then, unless
    today's are asked for."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, slug, actor)
    async with store.transaction() as tx:
        number = await next_number(tx, app)
        release_id, to = await _choose(tx, app, release)
        if with_todays_variables:
            release_id = await make_release_of(tx, app, number, to)
        deployment_id = await make_deployment(tx, app, number, release_id, actor, None, None)
        await put_in_line(tx, queue, deployment_id, app.environment_id, None)
        tx.publish("apps", f"app:{slug}")
        tx.record(
            AuditEntry(
                actor,
                "deployment.rolled_back",
                "deployment",
                str(deployment_id),
                f"{slug} #{number}",
                app_id=app.id,
                after={"release": to, "variables": "today's" if with_todays_variables else "as they were"},
            )
        )
    return (await show_deployment(store, slug, number, actor=Actor.system())).deployment


async def _choose(tx: Transaction, app: FoundApp, wanted: int | None) -> tuple[int, int]:
    """The release's id and number."""
    cursor = await tx.connection.execute(_KEPT, (app.environment_id,))
    kept = await cursor.fetchall()
    live = [number for _, number, is_live in kept if is_live]
    others = [(release_id, number) for release_id, number, is_live in kept if not is_live]
    if wanted is None:
        if not others:
            raise Conflict(f"There is no earlier release of {app.slug} to go back to.")
        return others[0]
    if wanted in live:
        raise Conflict(f"Release #{wanted} of {app.slug} is live already.")
    found = [one for one in others if one[1] == wanted]
    if not found:
        numbers = ", ".join(f"#{number}" for _, number in others) or "none"
        raise NotFound(f"{app.slug} has no release #{wanted} any more.", hint=f"These are kept: {numbers}.")
    return found[0]


# Those that were live, the last first.
_KEPT = """
SELECT releases.id, number, EXISTS (SELECT FROM slots WHERE slots.release_id = releases.id AND state = 'live')
FROM releases WHERE environment_id = %s AND live_at IS NOT NULL AND removed_at IS NULL
ORDER BY live_at DESC
"""
