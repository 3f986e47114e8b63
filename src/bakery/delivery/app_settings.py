"""Changing how an app runs, after it was made. What runs already stays as it is until the next deployment."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from bakery.delivery.apps import AppDetail, show_app
from bakery.delivery.defaults import stored, told
from bakery.delivery.find import find_app
from bakery.model.actor import Actor
from bakery.model.app_changes import RunSettings, changed
from bakery.model.audit import AuditEntry
from bakery.model.errors import NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.model.terms import Said
from bakery.model.unit import Limits
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def change_app(
    store: Store,
    where: AppAt,
    wanted: Mapping[str, str],
    *,
    volumes_also: Mapping[str, str | None] | None = None,
    actor: Actor,
) -> AppDetail:
    """What is not in `wanted` stays as it is; the runtime always does. `volumes_also` are named beside those that are,
    or moved; with None one is named no more."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        row = await _read(tx, app.environment_id)
        was = row.settings
        if volumes_also:
            wanted = {**wanted, "volumes": _volumes_text(was.volumes, volumes_also, where)}
        becomes = changed(was, wanted, app=where.app, runtime=row.runtime)
        if becomes != was:
            await _write(tx, app.environment_id, becomes)
            if becomes.strategy is Strategy.RECREATE:
                await _end_warm_slot(tx, app.environment_id)
            before, after = _told(was), _told(becomes)
            differing = [name for name in after if before[name] != after[name]]
            tx.publish("apps", f"app:{where.app}")
            tx.record(
                AuditEntry(
                    actor,
                    "app.changed",
                    "app",
                    str(app.id),
                    where.app,
                    app_id=app.id,
                    before={name: before[name] for name in differing},
                    after={name: after[name] for name in differing},
                )
            )
    return await show_app(store, where, actor=Actor.system())


def _volumes_text(named: Mapping[str, str], also: Mapping[str, str | None], where: AppAt) -> str:
    for name, path in also.items():
        if path is None and name not in named:
            raise NotFound(
                f"The settings of {where} name no volume {name}.", hint=f"See: bakery volumes list {where.app}"
            )
    return " ".join(f"{name}:{path}" for name, path in {**named, **also}.items() if path is not None)


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    runtime: Runtime
    command: tuple[str, ...] | None
    health_path: str | None
    strategy: Strategy | None
    memory_bytes: int | None
    cpu_percent: int | None
    terms: Said
    volumes: Mapping[str, str]

    @property
    def settings(self) -> RunSettings:
        limits = Limits(self.memory_bytes, self.cpu_percent)
        return RunSettings(
            self.name, self.command or (), self.health_path, self.strategy, limits, self.terms, self.volumes
        )


async def _read(tx: Transaction, environment_id: int) -> _Row:
    """Whoever has it is alone with it until the transaction ends."""
    async with tx.connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT apps.name, runtime, command, health_path, strategy, memory_bytes, cpu_percent, terms, volumes
            FROM environments JOIN apps ON apps.id = app_id WHERE environments.id = %s FOR UPDATE
            """,
            (environment_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such app.")
    return row


async def _write(tx: Transaction, environment_id: int, new: RunSettings) -> None:
    await tx.connection.execute(
        """
        WITH renamed AS (
            UPDATE apps SET name = %(name)s FROM environments
            WHERE apps.id = environments.app_id AND environments.id = %(environment)s
        )
        UPDATE environments SET command = %(command)s, health_path = %(health)s, strategy = %(strategy)s,
                                memory_bytes = %(memory)s, cpu_percent = %(cpu)s, terms = %(terms)s,
                                volumes = %(volumes)s
        WHERE id = %(environment)s
        """,
        {
            "environment": environment_id,
            "name": new.name,
            "command": list(new.command) or None,
            "health": new.health_path,
            "strategy": new.strategy,
            "memory": new.limits.memory_bytes,
            "cpu": new.limits.cpu_percent,
            "terms": Jsonb(stored(new.terms)),
            "volumes": Jsonb(dict(new.volumes)),
        },
    )


async def _end_warm_slot(tx: Transaction, environment_id: int) -> None:
    """Nothing of an app that may not run twice runs beside what is live: the next round ends it."""
    await tx.connection.execute(
        "UPDATE slots SET warm_until = now() WHERE environment_id = %s AND state = 'warm'", (environment_id,)
    )


def _told(settings: RunSettings) -> dict[str, object]:
    return {
        **told(settings.terms),
        "name": settings.name,
        "command": list(settings.command),
        "health": settings.health_path,
        "strategy": settings.strategy,
        "memory_bytes": settings.limits.memory_bytes,
        "cpu_percent": settings.limits.cpu_percent,
        "volumes": dict(settings.volumes),
    }
