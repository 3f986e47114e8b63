"""Apps: making one, and looking at it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from psycopg import errors

from bakery.delivery.find import FoundApp, no_such_app
from bakery.delivery.fleet import AppSummary
from bakery.delivery.placing import expect_room_on
from bakery.delivery.ports import free_port
from bakery.delivery.recipe import Recipe
from bakery.delivery.volume_rows import expect_no_others
from bakery.ingress.owners import expect_own_name
from bakery.model.actor import Actor
from bakery.model.apps import NewApp
from bakery.model.audit import AuditEntry
from bakery.model.errors import Conflict
from bakery.model.names import AppAt, Colour
from bakery.model.nodes import NodeState
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.model.terms import NOTHING, Said, TermShown, shown_terms, terms_of
from bakery.store.rows import only, typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AppDetail(AppSummary):
    """All that an app's page says of it."""

    environment_id: int
    command: tuple[str, ...] | None
    health_path: str | None
    strategy: Strategy | None  # what a person said
    node_state: NodeState
    memory_bytes: int | None
    cpu_percent: int | None
    volumes: Mapping[str, str]  # that a person named
    said: Said = NOTHING
    recipe: Recipe | None = None  # of its newest build
    defaults: Said = NOTHING

    @property
    def terms(self) -> tuple[TermShown, ...]:
        """How the next release will be checked, takes over, and what it may use, as far as it is known; and whose each
        is."""
        if self.runtime is Runtime.STATIC:
            return ()
        person = replace(self.said, path=self.health_path, memory_bytes=self.memory_bytes, cpu_percent=self.cpu_percent)
        recipe = self.recipe.said if self.recipe else NOTHING
        without = terms_of(NOTHING, recipe, self.defaults)
        return shown_terms(person, terms_of(person, recipe, self.defaults), without)

    @property
    def cpus(self) -> float | None:
        return None if self.cpu_percent is None else self.cpu_percent / 100

    @property
    def interrupts(self) -> bool:
        """A deployment stops the app for a moment: it may not run twice, or there is no nginx to switch."""
        return self.takes_over is Strategy.RECREATE or self.site_port is None

    @property
    def found_volumes(self) -> Mapping[str, str]:
        """That bakery.toml named when it was last looked at: a process with a command of a person's is not."""
        return self._found.volumes if self._found else {}

    @property
    def _found(self) -> Recipe | None:
        return self.recipe if self.runtime is Runtime.DOCKER or not self.command else None

    @property
    def takes_over(self) -> Strategy:
        """As `plan.strategy_of` decides it for a release."""
        usual = Strategy.RECREATE if self.volumes or self.found_volumes else Strategy.BLUE_GREEN
        return self.strategy or (self._found.strategy if self._found else None) or usual

    @property
    def warning(self) -> str:
        """Of a choice that a person may make, and should know."""
        if not (self.volumes or self.found_volumes) or self.interrupts:
            return ""
        return (
            "It has a volume and is deployed blue-green: while a new release starts, the old one and it have the same "
            "files open, and both may write to them."
        )


async def show_app(store: Store, where: AppAt, *, actor: Actor) -> AppDetail:
    actor.require(Permission.READ)
    async with store.connection() as connection, connection.cursor(row_factory=typed(AppDetail)) as cursor:
        await cursor.execute(
            """
            SELECT environment_facts.*, nodes.state AS node_state, environments.memory_bytes, environments.cpu_percent,
                   environments.terms AS said, environments.volumes,
                   coalesce((SELECT value FROM settings WHERE name = 'apps'), '{}') AS defaults,
                   (SELECT recipe FROM releases JOIN builds ON builds.id = build_id
                    WHERE releases.environment_id = environments.id AND recipe IS NOT NULL
                    ORDER BY number DESC LIMIT 1) AS recipe,
                   EXISTS (SELECT FROM deployments AS failed WHERE failed.environment_id = environments.id
                           AND state = 'failed') AS has_failed
            FROM environment_facts JOIN nodes ON nodes.slug = environment_facts.node
            JOIN environments ON environments.id = environment_id
            WHERE environment_facts.slug = %s AND environment_facts.environment = %s
            """,
            (where.app, where.environment),
        )
        app = await cursor.fetchone()
    if app is None or not actor.sees_app(app.id):
        raise await no_such_app(store, where, actor)
    return app


Then = Callable[[Transaction, FoundApp], Awaitable[None]]


async def create_app(store: Store, new: NewApp, *, actor: Actor, then: Then | None = None) -> AppDetail:
    """An app with its environment `production` on its node. Who sees only granted apps is granted this one.

    `then` says more of it in the same transaction, such as where its code is."""
    actor.require(Permission.CREATE_APP)
    try:
        async with store.transaction() as tx:
            app = await _insert(tx, new, actor)
            app_id = app.id
            await tx.connection.execute(
                "INSERT INTO grants (person_id, app_id) SELECT id, %s FROM people WHERE id = %s AND NOT all_apps",
                (app_id, actor.person_id),
            )
            tx.publish("apps", f"app:{new.slug}")
            tx.record(
                AuditEntry(
                    actor,
                    "app.created",
                    "app",
                    str(app_id),
                    new.slug,
                    app_id=app_id,
                    after={"name": new.name, "runtime": new.runtime, "command": list(new.command), "node": new.node},
                )
            )
            if then is not None:
                await then(tx, app)
    except errors.UniqueViolation as error:
        raise Conflict(f"There is already an app with the name {new.slug}.", hint="Choose another name.") from error
    return await show_app(store, AppAt(new.slug), actor=Actor.system())


async def _insert(tx: Transaction, new: NewApp, actor: Actor) -> FoundApp:
    node = await expect_room_on(tx, new.node, new.runtime)
    await expect_no_others(tx, new.slug, node.id, actor=actor)
    cursor = await tx.connection.execute(
        """
        WITH app AS (INSERT INTO apps (slug, name) VALUES (%(slug)s, %(name)s) RETURNING id)
        INSERT INTO environments (app_id, name, node_id, runtime, command, health_path)
        SELECT app.id, 'production', %(node)s, %(runtime)s, %(command)s, %(health)s FROM app RETURNING app_id, id
        """,
        {
            "slug": new.slug,
            "name": new.name,
            "runtime": new.runtime,
            "command": list(new.command) or None,
            "health": new.health_path,
            "node": node.id,
        },
    )
    app_id, environment_id = await only(cursor)
    await expect_own_name(tx, environment_id, field="slug", actor=actor)
    await make_slots(tx, environment_id, node.id, new.runtime)
    return FoundApp(int(app_id), new.slug, int(environment_id))


async def make_slots(tx: Transaction, environment_id: int, node_id: int, runtime: Runtime) -> None:
    for colour in Colour:
        port = None if runtime is Runtime.STATIC else await free_port(tx, node_id)
        await tx.connection.execute(
            "INSERT INTO slots (environment_id, colour, node_id, port) VALUES (%s, %s, %s, %s)",
            (environment_id, colour, node_id, port),
        )
