"""Going back: a release that was live before is made live again, by a deployment of its own that builds nothing.

Without a number it leads to the release that the live one followed when it was new. So going back twice goes two
releases back; it never leads forward to what was left.
"""

from dataclasses import dataclass

from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.history import DeploymentSummary, show_deployment
from bakery.delivery.new_deployment import make_deployment, make_release_of, next_number
from bakery.delivery.request import put_in_line
from bakery.delivery.variable_sets import newest_version
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import Conflict, NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.store.queue import Queue
from bakery.store.rows import only, typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction


async def request_rollback(
    store: Store,
    queue: Queue,
    where: AppAt,
    *,
    actor: Actor,
    release: int | None = None,
    with_todays_variables: bool = False,
) -> DeploymentSummary:
    """To what deployment `release` made live; None: to what was live before. Its variables are as they were then,
    unless today's are asked for."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        number = await next_number(tx, app)
        to = await _choose(tx, app, release)
        release_id = to.id
        if with_todays_variables and to.variables_version != await newest_version(tx.connection, app.environment_id):
            release_id = await make_release_of(tx, app, number, to.number)
        deployment_id = await make_deployment(tx, app, number, release_id, actor, None, None)
        await tx.connection.execute("UPDATE deployments SET back_to = %s WHERE id = %s", (to.number, deployment_id))
        await put_in_line(tx, queue, deployment_id, app.environment_id, None)
        tx.publish("apps", f"app:{where.app}")
        tx.record(
            AuditEntry(
                actor,
                "deployment.rolled_back",
                "deployment",
                str(deployment_id),
                f"{where.app} #{number}",
                app_id=app.id,
                after={"release": to.number, "variables": "today's" if with_todays_variables else "as they were"},
            )
        )
    return (await show_deployment(store, where, number, actor=Actor.system())).deployment


async def put_back_in_line(tx: Transaction, queue: Queue, app: FoundApp, release: int, *, actor: Actor) -> int:
    """A deployment back to a kept release, as it was; its number."""
    number = await next_number(tx, app)
    cursor = await tx.connection.execute(
        "SELECT id FROM releases WHERE environment_id = %s AND number = %s", (app.environment_id, release)
    )
    (release_id,) = await only(cursor)
    deployment_id = await make_deployment(tx, app, number, release_id, actor, None, None)
    await tx.connection.execute("UPDATE deployments SET back_to = %s WHERE id = %s", (release, deployment_id))
    await put_in_line(tx, queue, deployment_id, app.environment_id, None)
    return number


@dataclass(frozen=True, slots=True)
class _Release:
    id: int
    number: int
    variables_version: int
    is_live: bool


async def release_before(connection: Connection, environment_id: int) -> int | None:
    """The number of the one to go back to when nobody says which."""
    cursor = await connection.execute(_BEFORE, {"environment": environment_id})
    row = await cursor.fetchone()
    return int(row[0]) if row else None


async def _choose(tx: Transaction, app: FoundApp, wanted: int | None) -> _Release:
    kept = await _kept(tx, app)
    if wanted is None:
        return await _choose_the_one_before(tx, app, kept)
    number = await _made_live_by(tx, app, wanted)
    for release in kept:
        if release.number == number and release.is_live:
            raise Conflict(f"Release #{number} of {app.slug} is live already.")
        if release.number == number:
            return release
    raise Conflict(f"Release #{number} of {app.slug} is not kept any more.", hint=_name_them(kept))


async def _choose_the_one_before(tx: Transaction, app: FoundApp, kept: list[_Release]) -> _Release:
    """While something is on its way nobody knows what “before” will mean."""
    cursor = await tx.connection.execute(
        "SELECT live_number, is_deploying FROM environment_facts WHERE environment_id = %s", (app.environment_id,)
    )
    live_number, is_deploying = await cursor.fetchone() or (None, False)
    if is_deploying:
        raise Conflict(
            f"{app.slug} is being deployed.",
            hint="Cancel that, or wait until it ends; or say to which release to go back.",
        )
    if live_number is None:
        raise Conflict(f"{app.slug} was never deployed.", hint="Deploy it first.")
    before = await release_before(tx.connection, app.environment_id)
    for release in kept:
        if release.number == before:
            return release
    raise Conflict(f"There is no earlier release of {app.slug} to go back to.", hint=_name_them(kept))


async def _kept(tx: Transaction, app: FoundApp) -> list[_Release]:
    """Those that were live, the newest first."""
    async with tx.connection.cursor(row_factory=typed(_Release)) as cursor:
        await cursor.execute(
            """
            SELECT id, number, variables_version, is_live FROM release_facts
            WHERE environment_id = %s AND is_kept ORDER BY number DESC
            """,
            (app.environment_id,),
        )
        return await cursor.fetchall()


async def _made_live_by(tx: Transaction, app: FoundApp, number: int) -> int:
    """The release of a deployment: a new one, or that which it went back to."""
    cursor = await tx.connection.execute(
        """
        SELECT releases.number, releases.live_at IS NOT NULL
        FROM deployments JOIN releases ON releases.id = release_id
        WHERE deployments.environment_id = %s AND deployments.number = %s::numeric
        """,
        (app.environment_id, number),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"{app.slug} has no release #{number}.")
    if not row[1]:
        raise Conflict(f"Deployment #{number} of {app.slug} never became live, so there is no way back to it.")
    return int(row[0])


def _name_them(kept: list[_Release]) -> str:
    numbers = [f"#{release.number}" for release in kept if not release.is_live]
    return f"These are kept: {', '.join(numbers)}." if numbers else "No other release is kept."


# What the live release followed, and when that is gone, what it had followed.
_BEFORE = """
WITH RECURSIVE before AS (
    SELECT releases.follows AS number, 1 AS steps FROM slots JOIN releases ON releases.id = slots.release_id
    WHERE slots.environment_id = %(environment)s AND slots.state = 'live'
    UNION ALL
    SELECT releases.follows, steps + 1 FROM before JOIN releases ON releases.number = before.number
    WHERE releases.environment_id = %(environment)s
)
SELECT number FROM before JOIN release_facts USING (number)
WHERE environment_id = %(environment)s AND is_kept ORDER BY steps LIMIT 1
"""
