"""The previews of an app: what people set, see and decide."""

from dataclasses import asdict, dataclass
from datetime import datetime

from bakery.delivery.find import FoundApp, find_app
from bakery.hooks.preview_rows import read_settings, write_settings
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus, app_address, app_status
from bakery.model.audit import AuditEntry
from bakery.model.deployments import DeploymentState, Health
from bakery.model.errors import Conflict, NotFound
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.previews import PreviewSettings, PreviewState, preview_name
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Preview:
    """A pull request, and what it has here. `status` and `address` are of its environment; `deployment` and
    `deployed_at` of the last one, `deployed` its commit. `ended` says why it has none although it is open."""

    app: AppName
    number: int
    title: str
    branch: str
    author: str
    url: str
    is_fork: bool
    is_open: bool
    head: str
    state: PreviewState
    ended: str
    problem: str
    approved: str
    approved_by: str
    pushed_at: datetime
    environment: EnvironmentName | None
    deployment: int | None
    deployment_state: DeploymentState | None
    deployed: str
    deployed_at: datetime | None
    comment_problem: str
    is_live: bool
    is_stopped: bool
    is_deploying: bool
    has_failed: bool
    health: Health | None
    apps_domain: str | None
    site_port: int | None
    port: int | None

    @property
    def waits_for_approval(self) -> bool:
        return self.is_open and not self.ended and self.is_fork and self.approved != self.head

    @property
    def status(self) -> AppStatus | None:
        """None: there is no environment."""
        if self.environment is None:
            return None
        return app_status(
            is_live=self.is_live,
            is_stopped=self.is_stopped,
            is_deploying=self.is_deploying,
            health=self.health or Health.UNKNOWN,
            has_failed=self.has_failed,
        )

    @property
    def address(self) -> str | None:
        if self.environment is None or self.apps_domain is None:
            return None
        where = AppAt(self.app, self.environment)
        return app_address(where, domain=self.apps_domain, site_port=self.site_port, port=self.port)


COLUMNS = """
apps.slug AS app, previews.number, previews.title, previews.branch, previews.author, previews.url, is_fork, is_open,
head, previews.state, ended, problem, approved, approved_by, pushed_at,
environment_facts.environment, previews.deployment,
last.state AS deployment_state, coalesce(last.version, '') AS deployed, last.created_at AS deployed_at,
comment_problem, environment_facts.live_number IS NOT NULL AS is_live,
coalesce(environment_facts.is_stopped, false) AS is_stopped,
coalesce(environment_facts.is_deploying, false) AS is_deploying,
EXISTS (SELECT FROM deployments AS failed WHERE failed.environment_id = environment_facts.environment_id
        AND failed.state = 'failed') AS has_failed,
environment_facts.health, environment_facts.apps_domain, environment_facts.site_port, environment_facts.port
"""
ROWS = """
FROM previews JOIN apps ON apps.id = previews.app_id AND deleted_at IS NULL
LEFT JOIN environment_facts ON environment_facts.environment_id = previews.environment_id
LEFT JOIN LATERAL (
    SELECT state, version, created_at FROM deployment_facts
    WHERE deployment_facts.environment_id = environment_facts.environment_id ORDER BY number DESC LIMIT 1
) AS last ON true
"""


async def list_previews(store: Store, where: AppAt, *, limit: int, before: int | None, actor: Actor) -> list[Preview]:
    """The highest number first. `before` is a number: those that are lower."""
    actor.require(Permission.READ)
    app = await find_app(store, AppAt(where.app), actor)
    async with store.connection() as connection, connection.cursor(row_factory=typed(Preview)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} {ROWS} WHERE previews.app_id = %s AND (%s::bigint IS NULL OR previews.number < %s) "
            "ORDER BY previews.number DESC LIMIT %s".encode(),
            (app.id, before, before, limit),
        )
        return await cursor.fetchall()


async def show_settings(store: Store, where: AppAt, *, actor: Actor) -> PreviewSettings:
    actor.require(Permission.READ)
    app = await find_app(store, AppAt(where.app), actor)
    async with store.connection() as connection:
        return await read_settings(connection, app.id)


async def change_settings(store: Store, where: AppAt, new: PreviewSettings, *, actor: Actor) -> PreviewSettings:
    """They count from the next pull request, and for what there is. With previews off, all that there are go."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    app = await find_app(store, AppAt(where.app), actor)
    like = await find_app(store, AppAt(where.app, new.like), actor)
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT FROM apps WHERE id = %s FOR UPDATE", (app.id,))
        if await _is_preview(tx, like.environment_id):
            raise Conflict(f"{new.like} is a preview itself.", hint="Previews are made like production, or staging.")
        was = await read_settings(tx.connection, app.id)
        if was != new:
            await write_settings(tx, app.id, like.environment_id, new, actor.label)
            _record(tx, app, "preview.settings_changed", actor, before=asdict(was), after=asdict(new))
    return new


async def approve_preview(store: Store, where: AppAt, number: int, commit: str, *, actor: Actor) -> None:
    """That this very commit of a fork is built and run. A later one is asked for anew."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    app = await find_app(store, AppAt(where.app), actor)
    async with store.transaction() as tx:
        row = await _lock(tx, app, number)
        if not row.is_fork:
            raise Conflict(f"Pull request #{number} comes from no fork: it needs no approval.")
        if not row.is_open:
            raise Conflict(f"Pull request #{number} is closed.")
        if commit.strip().lower() != row.head:  # all of it: a stranger makes two commits that begin alike
            raise Conflict(
                f"Pull request #{number} is at {row.head}, which is not the commit that was looked at.",
                hint="Look at what it changes now, and approve that, by all 40 letters of it.",
            )
        if row.approved == row.head:
            return
        await tx.connection.execute(
            "UPDATE previews SET approved = head, approved_by = %s, next_at = now() WHERE id = %s",
            (actor.label, row.id),
        )
        _record(tx, app, "preview.approved", actor, after={"number": number, "commit": row.head})


async def close_preview(store: Store, where: AppAt, number: int, *, actor: Actor) -> None:
    """Its environment goes; the next push to the pull request brings another."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, AppAt(where.app), actor)
    async with store.transaction() as tx:
        row = await _lock(tx, app, number)
        if not row.is_open or row.ended:
            raise Conflict(f"The preview of pull request #{number} is closed already.")
        await tx.connection.execute(
            "UPDATE previews SET ended = 'person', state = 'closed', next_at = now() WHERE id = %s", (row.id,)
        )
        _record(tx, app, "preview.closed", actor, before={"number": number, "environment": preview_name(number)})


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    is_fork: bool
    is_open: bool
    ended: str
    head: str
    approved: str


async def _lock(tx: Transaction, app: FoundApp, number: int) -> _Row:
    async with tx.connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(
            "SELECT id, is_fork, is_open, ended, head, approved FROM previews "
            "WHERE app_id = %s AND number = %s::numeric FOR UPDATE",
            (app.id, number),
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"Nothing is known here of a pull request #{number}.")
    return found


async def _is_preview(tx: Transaction, environment_id: int) -> bool:
    cursor = await tx.connection.execute("SELECT FROM previews WHERE environment_id = %s", (environment_id,))
    return await cursor.fetchone() is not None


def _record(
    tx: Transaction,
    app: FoundApp,
    action: str,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    tx.record(AuditEntry(actor, action, "app", str(app.id), app.slug, app_id=app.id, before=before, after=after))
    tx.publish(f"app:{app.slug}")
