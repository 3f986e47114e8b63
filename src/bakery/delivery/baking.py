"""A new release is watched for a while: one that does worse than the release before is taken back by Bakery itself.

Its deployment has succeeded by then. Going back is a deployment like any other, to what is still warm. It happens
once, never to a release that somebody went back to, and never while another deployment is on its way: that one ends
the watch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bakery.delivery import tasks
from bakery.delivery.find import FoundApp
from bakery.delivery.rollback import put_back_in_line, release_before
from bakery.delivery.traffic import Traffic, traffic_of
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import Health
from bakery.model.terms import NOTHING, Said, Terms, terms_of
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction

DOWN_FOR = 8.0  # seconds
RESTARTS = 3
FEWEST_REQUESTS = 50
LARGEST_SHARE, TIMES_THE_OLD = 0.05, 3.0
_HINT = "Its log and the app's own say more. Mend it, and deploy again."


@dataclass(frozen=True, slots=True)
class Fares:
    """How the new release does, and what visitors got from it and from the one before. `said` is of its last look."""

    health: Health
    down_for: float
    said: str
    restarts: int
    new: Traffic
    old: Traffic
    threshold: int = 2  # bad answers, after which it is down
    down_after: float = DOWN_FOR  # since it was found down: by then one look more is over, however late it answers


def why_back(fares: Fares) -> str:
    """A sentence; empty when it may stay."""
    if fares.health is Health.DOWN and fares.down_for >= fares.down_after:
        times = {2: "twice", 3: "three times"}.get(fares.threshold + 1, f"{fares.threshold + 1} times")
        return f"After the switch it did not answer well {times} in a row: {fares.said.rstrip('.')}."
    if fares.restarts >= RESTARTS:
        return f"Its program ended {fares.restarts} times after the switch."
    share = fares.new.error_share
    is_much = fares.new.requests >= FEWEST_REQUESTS and share >= LARGEST_SHARE
    if is_much and share >= TIMES_THE_OLD * fares.old.error_share:
        before = f"{fares.old.error_share:.1%} of the release before" if fares.old.requests else "none known before"
        return f"{fares.new.errors} of {fares.new.requests} visits failed after the switch: {share:.1%}; {before}."
    return ""


async def watch_for_a_while(tx: Transaction, deployment_id: int, environment_id: int, seconds: float) -> None:
    """Only where there is a release to go back to."""
    if seconds and await release_before(tx.connection, environment_id) is not None:
        await tx.connection.execute(
            "UPDATE deployments SET bake_until = now() + make_interval(secs => %s) WHERE id = %s",
            (seconds, deployment_id),
        )


async def end_watch_of(tx: Transaction, deployment_id: int) -> None:
    """This deployment begins: what its environment had watched until now has proved itself."""
    await tx.connection.execute(
        """
        UPDATE deployments SET bake_until = NULL WHERE bake_until IS NOT NULL
        AND environment_id = (SELECT environment_id FROM deployments WHERE id = %s)
        """,
        (deployment_id,),
    )


def always(_environment_id: int, _release_id: int) -> float:
    return math.inf


async def judge_new_releases(
    store: Store, queue: Queue, node_id: int, kept_for: Callable[[int, int], float] = always
) -> None:
    """`kept_for` says for how many seconds what keeps a release that is down has answered, as far as it was heard:
    while Docker is away, or has come back a moment ago, no release is to blame for it."""
    for baking in await _baking(store, node_id):
        environment, before, terms = baking.environment_id, baking.before_id, baking.terms
        fares = Fares(
            health=baking.health,
            down_for=min(baking.down_for, kept_for(environment, baking.release_id)),
            said=baking.health_note,
            restarts=baking.restarts,
            new=await traffic_of(store, environment, baking.release_id, baking.ended_at),
            old=await traffic_of(store, environment, before, baking.before_since) if before else Traffic(0, 0, None),
            threshold=terms.threshold,
            down_after=terms.interval + terms.timeout + 1,
        )
        why = why_back(fares)
        if why:
            await _take_back(store, queue, baking, why)


@dataclass(frozen=True, slots=True)
class _Baking:
    id: int
    number: int
    app_id: int
    app: str
    environment_id: int
    release_id: int
    ended_at: datetime
    health: Health
    health_note: str
    down_for: float
    restarts: int
    before_id: int | None
    before_since: datetime
    said: Said
    recipe_terms: Said | None

    @property
    def terms(self) -> Terms:
        """How it is asked, and how often."""
        return terms_of(self.said, self.recipe_terms or NOTHING)


async def _baking(store: Store, node_id: int) -> list[_Baking]:
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Baking)) as cursor:
        await cursor.execute(
            """
            SELECT deployments.id, deployments.number, deployments.app_id, apps.slug AS app, deployments.environment_id,
                   deployments.release_id, deployments.ended_at, slots.health, slots.health_note, slots.restarts::int,
                   extract(epoch FROM now() - slots.health_since)::float8 AS down_for,
                   before.id AS before_id, deployments.started_at - interval '1 hour' AS before_since,
                   releases.terms AS said, builds.recipe -> 'terms' AS recipe_terms
            FROM deployments
            JOIN apps ON apps.id = deployments.app_id
            JOIN environments ON environments.id = deployments.environment_id
            JOIN releases ON releases.id = deployments.release_id
            JOIN builds ON builds.id = releases.build_id
            JOIN slots ON slots.release_id = deployments.release_id AND slots.state = 'live'
            LEFT JOIN releases AS before ON before.environment_id = deployments.environment_id
                AND before.number = releases.follows AND before.removed_at IS NULL
            WHERE deployments.state = 'succeeded' AND deployments.bake_until > now() AND environments.node_id = %s
            AND NOT environments.is_stopped AND apps.deleted_at IS NULL AND going_since IS NULL
            """,
            (node_id,),
        )
        return await cursor.fetchall()


async def _take_back(store: Store, queue: Queue, baking: _Baking, why: str) -> None:
    """The row decides, when two want to: whoever changes it first. The app's is locked too, as by who asks for a
    deployment, which would be superseded. One that is being started anew is away for a moment."""
    bakery = Actor.system()
    app = FoundApp(baking.app_id, baking.app, baking.environment_id)
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT FROM apps WHERE id = %s FOR UPDATE", (baking.app_id,))
        before = await release_before(tx.connection, baking.environment_id)
        restarts = [await queue.has(tx, task, baking.environment_id) for task in (tasks.RESTART, tasks.SETTLE)]
        if before is None or any(restarts):
            return
        changed = await tx.connection.execute(
            """
            UPDATE deployments SET state = 'rolled_back', failure = %(why)s, hint = %(hint)s, bake_until = NULL
            WHERE id = %(id)s AND state = 'succeeded' AND bake_until > now() AND NOT EXISTS (
                SELECT FROM deployments AS other WHERE other.environment_id = deployments.environment_id
                AND other.state IN ('queued', 'running'))
            """,
            {"id": baking.id, "why": why, "hint": _HINT},
        )
        if not changed.rowcount:
            return
        number = await put_back_in_line(tx, queue, app, before, actor=bakery)
        target = ("deployment", str(baking.id), f"{baking.app} #{baking.number}")
        after = {"failure": why, "release": before, "deployment": number}
        tx.record(AuditEntry(bakery, "deployment.taken_back", *target, app_id=baking.app_id, after=after))
        tx.publish("apps", f"app:{baking.app}", f"deployment:{baking.id}")
