"""Many apps at a glance: the list, the sidebar and the dashboard's figures. A constant number of queries each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bakery.delivery.history import DeploymentSummary
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus, app_address, app_status
from bakery.model.deployments import Health
from bakery.model.names import AppAt, AppName, Colour, EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.store.rows import Page, typed
from bakery.store.store import Store

PAGE = 50
SIDEBAR = 30
RECENT = 10
_NAMED = 5


@dataclass(frozen=True, slots=True)
class AppSummary:
    """An app in a list. What begins with `live_`, and `title` and `version`, is of its live release."""

    id: int
    slug: AppName
    environment: EnvironmentName
    name: str
    runtime: Runtime
    is_stopped: bool
    is_deploying: bool
    created_at: datetime
    node: str
    site_port: int | None
    apps_domain: str
    colour: Colour | None
    port: int | None
    health: Health | None
    health_note: str | None
    live_since: datetime | None
    live_number: int | None
    title: str | None
    version: str | None
    has_failed: bool
    primary_name: str | None
    primary_has_tls: bool

    @property
    def where(self) -> AppAt:
        return AppAt(self.slug, self.environment)

    @property
    def status(self) -> AppStatus:
        return app_status(
            is_live=self.live_number is not None,
            is_stopped=self.is_stopped,
            is_deploying=self.is_deploying,
            health=self.health or Health.UNKNOWN,
            has_failed=self.has_failed,
        )

    @property
    def address(self) -> str | None:
        """Where people reach it; None while nothing is live and the address is not known yet."""
        return app_address(
            self.where,
            domain=self.apps_domain,
            site_port=self.site_port,
            port=self.port,
            primary=self.primary_name,
            has_tls=self.primary_has_tls,
        )


@dataclass(frozen=True, slots=True)
class AppList:
    page: Page[AppSummary]
    total: int  # of all that the filter finds


@dataclass(frozen=True, slots=True)
class SidebarApp:
    slug: str
    name: str
    status: AppStatus


@dataclass(frozen=True, slots=True)
class Sidebar:
    """Apps with problems first, then those that are busy, then the latest."""

    apps: tuple[SidebarApp, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Overview:
    """`down` names some of the apps that are, `failed` some that never ran, for their deployments failed."""

    counts: Mapping[AppStatus, int]
    down: tuple[str, ...]
    recent: tuple[DeploymentSummary, ...]
    failed: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


async def list_apps(store: Store, *, actor: Actor, containing: str = "", after: str = "") -> AppList:
    """By slug, 50 a page. `containing` is a part of the slug or the name; `after` is a page's `next`."""
    actor.require(Permission.READ)
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Counted)) as cursor:
        await cursor.execute(
            """
            WITH found AS (
                SELECT * FROM app_facts
                WHERE (%(granted)s::bigint[] IS NULL OR id = ANY(%(granted)s))
                AND (strpos(slug, lower(%(containing)s)) > 0 OR strpos(lower(name), lower(%(containing)s)) > 0)
            )
            SELECT id, slug, environment, name, runtime, is_stopped, is_deploying, created_at, node, site_port,
                   apps_domain, colour, port, health, health_note, live_since, live_number, title, version,
                   primary_name, primary_has_tls,
                   EXISTS (SELECT FROM deployments WHERE app_id = found.id AND state = 'failed') AS has_failed,
                   (SELECT count(*) FROM found) AS total
            FROM found WHERE slug > %(after)s ORDER BY slug LIMIT %(size)s
            """,
            {"granted": _granted(actor), "containing": containing.strip(), "after": after, "size": PAGE + 1},
        )
        rows = await cursor.fetchall()
    return AppList(Page.cut(rows, PAGE, lambda row: row.slug), rows[0].total if rows else 0)


async def sidebar(store: Store, actor: Actor) -> Sidebar:
    actor.require(Permission.READ)
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT slug, name, live_number IS NOT NULL, is_stopped, is_deploying, coalesce(health, 'unknown'),
                   EXISTS (SELECT FROM deployments WHERE app_id = app_facts.id AND state = 'failed'),
                   count(*) OVER ()
            FROM app_facts WHERE %(granted)s::bigint[] IS NULL OR id = ANY(%(granted)s)
            ORDER BY (health = 'down' AND NOT is_stopped) IS TRUE DESC, is_deploying DESC,
                     coalesce(live_since, created_at) DESC, slug
            LIMIT %(size)s
            """,
            {"granted": _granted(actor), "size": SIDEBAR},
        )
        rows = await cursor.fetchall()
    apps = tuple(SidebarApp(slug, name, _status(facts)) for slug, name, *facts, _ in rows)
    return Sidebar(apps, rows[0][-1] if rows else 0)


async def overview(store: Store, *, actor: Actor) -> Overview:
    """Two queries: what state the apps are in, and what was deployed lately."""
    actor.require(Permission.READ)
    counts: Counter[AppStatus] = Counter()
    down: list[str] = []
    failed: list[str] = []
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT live_number IS NOT NULL, is_stopped, is_deploying, coalesce(health, 'unknown'),
                   live_number IS NULL AND EXISTS (
                       SELECT FROM deployments WHERE app_id = app_facts.id AND state = 'failed'),
                   count(*), (array_agg(slug ORDER BY slug))[1:%(named)s]
            FROM app_facts WHERE %(granted)s::bigint[] IS NULL OR id = ANY(%(granted)s) GROUP BY 1, 2, 3, 4, 5
            """,
            {"granted": _granted(actor), "named": _NAMED},
        )
        for *facts, count, slugs in await cursor.fetchall():
            status = _status(facts)
            counts[status] += count
            if status is AppStatus.DOWN:
                down += slugs
            elif status is AppStatus.FAILED:
                failed += slugs
        async with connection.cursor(row_factory=typed(DeploymentSummary)) as latest:
            await latest.execute(
                """
                SELECT * FROM deployment_facts WHERE %(granted)s::bigint[] IS NULL OR app_id = ANY(%(granted)s)
                ORDER BY id DESC LIMIT %(size)s
                """,
                {"granted": _granted(actor), "size": RECENT},
            )
            recent = await latest.fetchall()
    return Overview(counts, tuple(sorted(down)[:_NAMED]), tuple(recent), tuple(sorted(failed)[:_NAMED]))


@dataclass(frozen=True, slots=True)
class _Counted(AppSummary):
    total: int


def _granted(actor: Actor) -> list[int] | None:
    return None if actor.is_system or actor.apps is None else sorted(actor.apps)


def _status(facts: Sequence[Any]) -> AppStatus:
    """From the columns that the queries above begin with."""
    is_live, is_stopped, is_deploying, health, has_failed = facts
    return app_status(
        is_live=is_live,
        is_stopped=is_stopped,
        is_deploying=is_deploying,
        health=Health(health),
        has_failed=has_failed,
    )
