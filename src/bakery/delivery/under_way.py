"""All that Bakery is at, or will be: deployments and commands, of all apps and nodes that somebody may see."""

from dataclasses import dataclass, replace

from bakery.delivery.history import DeploymentSummary, Turn
from bakery.delivery.tasks import DEPLOY, environment_lock
from bakery.model.actor import Actor
from bakery.model.deployments import DeploymentState
from bakery.model.permissions import Permission
from bakery.nodes.work import JobSummary, list_busy_jobs
from bakery.store.queue import held
from bakery.store.rows import typed
from bakery.store.store import Store

MOST = 100  # of deployments that wait or run
FAILED = 20
_RECENT = "24 hours"


@dataclass(frozen=True, slots=True)
class Placed(DeploymentSummary):
    """`behind`, `position` and `is_held` are of its turn."""

    node: str
    behind: int | None
    position: int | None
    is_held: bool = False

    @property
    def turn(self) -> Turn | None:
        return Turn(self.position, self.behind, self.is_held) if self.state is DeploymentState.QUEUED else None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """`failed` are those of the last day that nothing newer of their environment has made good. `commands` are for
    who manages nodes. `more`: there are more deployments than `MOST`."""

    running: tuple[Placed, ...]
    waiting: tuple[Placed, ...]
    scheduled: tuple[Placed, ...]
    failed: tuple[Placed, ...]
    commands: tuple[JobSummary, ...]
    more: bool


async def list_under_way(store: Store, *, actor: Actor) -> UnderWay:
    """Four queries, however much there is."""
    actor.require(Permission.READ)
    granted = None if actor.is_system or actor.apps is None else sorted(actor.apps)
    async with store.connection() as connection, connection.cursor(row_factory=typed(Placed)) as cursor:
        await cursor.execute(
            """
            WITH line AS (
                SELECT id, row_number() OVER (PARTITION BY back_to IS NULL ORDER BY id) AS position
                FROM deployments WHERE state = 'queued'
            )
            SELECT deployment_facts.*, nodes.slug AS node,
                   (SELECT ahead.number FROM deployments AS ahead
                    WHERE ahead.environment_id = deployment_facts.environment_id AND ahead.state = 'running'
                    AND ahead.id <> deployment_facts.id) AS behind,
                   line.position
            FROM deployment_facts
            JOIN environments ON environments.id = deployment_facts.environment_id
            JOIN nodes ON nodes.id = environments.node_id
            LEFT JOIN line ON line.id = deployment_facts.id
            WHERE deployment_facts.state IN ('scheduled', 'queued', 'running')
            AND (%(granted)s::bigint[] IS NULL OR deployment_facts.app_id = ANY(%(granted)s))
            ORDER BY scheduled_at NULLS FIRST, deployment_facts.id LIMIT %(most)s
            """,
            {"granted": granted, "most": MOST + 1},
        )
        found = await cursor.fetchall()
        await cursor.execute(
            """
            SELECT deployment_facts.*, nodes.slug AS node, NULL::int AS behind, NULL::bigint AS position
            FROM deployment_facts
            JOIN environments ON environments.id = deployment_facts.environment_id
            JOIN nodes ON nodes.id = environments.node_id
            WHERE deployment_facts.state IN ('failed', 'rolled_back')
            AND ended_at > now() - %(recent)s::interval
            AND (%(granted)s::bigint[] IS NULL OR deployment_facts.app_id = ANY(%(granted)s))
            AND NOT EXISTS (
                SELECT FROM deployments AS later WHERE later.environment_id = deployment_facts.environment_id
                AND later.id > deployment_facts.id AND later.state = 'succeeded')
            ORDER BY ended_at DESC LIMIT %(most)s
            """,
            {"granted": granted, "most": FAILED, "recent": _RECENT},
        )
        failed = await cursor.fetchall()
        locks = {one.environment_id: environment_lock(one.environment_id) for one in found}
        busy = await held(connection, locks.values(), besides=DEPLOY)
    commands = await list_busy_jobs(store, actor=actor) if actor.may(Permission.MANAGE_NODES) else ()
    shown = [replace(one, is_held=locks[one.environment_id] in busy) for one in found[:MOST]]
    return UnderWay(
        running=tuple(one for one in shown if one.state is DeploymentState.RUNNING),
        waiting=tuple(one for one in shown if one.state is DeploymentState.QUEUED),
        scheduled=tuple(one for one in shown if one.state is DeploymentState.SCHEDULED),
        failed=tuple(failed),
        commands=commands,
        more=len(found) > MOST,
    )
