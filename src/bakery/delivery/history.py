"""What was deployed: the list of an app's deployments, and one of them with its steps and log."""

from dataclasses import dataclass, replace
from datetime import datetime

from bakery.delivery.find import find_app
from bakery.delivery.tasks import DEPLOY, environment_lock
from bakery.model.actor import Actor
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import NotFound
from bakery.model.names import AppAt, AppName, Colour, EnvironmentName
from bakery.model.permissions import Permission
from bakery.store.queue import held
from bakery.store.rows import Page, typed
from bakery.store.store import Connection, Store

PAGE = 50


@dataclass(frozen=True, slots=True)
class DeploymentSummary:
    """A deployment in a list. `title` and `version` say what was deployed: “Uploaded folder”, a SHA-256.

    `release` is what it makes live: a new one with its own number, or the one that it goes back to. `files_of` is the
    release whose files it takes, with other variables; `back_to` the one that it brings back, with its own variables
    or today's. `is_kept`: the release is still on its node. `is_live`: it was this deployment that made it so.
    """

    id: int
    app_id: int
    app: AppName
    environment: EnvironmentName
    environment_id: int
    number: int
    state: DeploymentState
    trigger: str
    asked_by: str
    title: str
    version: str
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    failure: str
    hint: str
    log_stream: int
    is_cancelling: bool
    is_interrupted: bool | None  # no sign of life for a minute; Bakery goes on with it by itself
    release: int
    files_of: int | None
    back_to: int | None
    is_kept: bool
    is_release_live: bool
    is_live: bool
    watched_until: datetime | None  # so long Bakery takes its release back by itself when that does worse

    @property
    def where(self) -> AppAt:
        return AppAt(self.app, self.environment)

    @property
    def goes_back(self) -> bool:
        return self.back_to is not None

    @property
    def applies(self) -> bool:
        """Changed variables to what was live."""
        return self.files_of is not None and self.back_to is None

    @property
    def can_be_back(self) -> bool:
        """One can go back to what it made live."""
        return self.is_kept and not self.is_release_live


@dataclass(frozen=True, slots=True)
class Step:
    """`from_byte` to `to_byte` is its part of the deployment's log; `to_byte` is None while it runs."""

    position: int
    key: str
    title: str
    state: StepState
    started_at: datetime | None
    ended_at: datetime | None
    from_byte: int | None
    to_byte: int | None


@dataclass(frozen=True, slots=True)
class Live:
    """What visitors get at this moment."""

    number: int
    colour: Colour


@dataclass(frozen=True, slots=True)
class Turn:
    """What a queued one waits for: its place in its line, and the deployment of its environment that runs, or
    other work on it. What goes back has a line of its own."""

    position: int | None
    behind: int | None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentDetail:
    """`turn`: while it is queued."""

    deployment: DeploymentSummary
    steps: tuple[Step, ...]
    live: Live | None
    turn: Turn | None = None


async def list_deployments(store: Store, where: AppAt, *, actor: Actor, after: str = "") -> Page[DeploymentSummary]:
    """The newest first, 50 a page. `after` is a page's `next`."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else None
    async with store.connection() as connection, connection.cursor(row_factory=typed(DeploymentSummary)) as cursor:
        await cursor.execute(
            """
            SELECT * FROM deployment_facts
            WHERE environment_id = %(environment)s AND (%(before)s::int IS NULL OR number < %(before)s)
            ORDER BY number DESC LIMIT %(size)s
            """,
            {"environment": app.environment_id, "before": before, "size": PAGE + 1},
        )
        return Page.cut(await cursor.fetchall(), PAGE, lambda row: str(row.number))


async def show_deployment(store: Store, where: AppAt, number: int, *, actor: Actor) -> DeploymentDetail:
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        async with connection.cursor(row_factory=typed(DeploymentSummary)) as found:
            await found.execute(
                "SELECT * FROM deployment_facts WHERE app_id = %s AND number = %s::numeric", (app.id, number)
            )
            deployment = await found.fetchone()
        if deployment is None:
            raise NotFound(f"{where.app} has no deployment #{number}.")
        async with connection.cursor(row_factory=typed(Step)) as steps:
            await steps.execute(
                """
                SELECT position, key, title, state, started_at, ended_at, from_byte, to_byte
                FROM steps WHERE deployment_id = %s ORDER BY position
                """,
                (deployment.id,),
            )
            taken = tuple(await steps.fetchall())
        async with connection.cursor(row_factory=typed(Live)) as live:
            await live.execute(
                """
                SELECT releases.number, slots.colour FROM slots JOIN releases ON releases.id = slots.release_id
                WHERE slots.environment_id = %s AND slots.state = 'live'
                """,
                (deployment.environment_id,),
            )
            now_live = await live.fetchone()
        turn = await _turn(connection, deployment) if deployment.state is DeploymentState.QUEUED else None
        return DeploymentDetail(deployment, taken, now_live, turn)


async def _turn(connection: Connection, deployment: DeploymentSummary) -> Turn | None:
    async with connection.cursor(row_factory=typed(Turn)) as cursor:
        await cursor.execute(
            """
            SELECT (SELECT count(*) FROM deployments WHERE state = 'queued' AND id <= %(id)s
                    AND (back_to IS NOT NULL) = %(goes_back)s) AS position,
                   (SELECT number FROM deployments WHERE environment_id = %(environment)s AND state = 'running'
                    AND id <> %(id)s) AS behind
            """,
            {"id": deployment.id, "environment": deployment.environment_id, "goes_back": deployment.goes_back},
        )
        turn = await cursor.fetchone()
    lock = environment_lock(deployment.environment_id)
    return replace(turn, is_held=lock in await held(connection, [lock], besides=DEPLOY)) if turn else None
