"""Volumes as rows and on nodes: made before something runs that has them, kept when their app goes, and never lost from
sight until somebody deletes them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bakery.delivery.apps import AppDetail, show_app
from bakery.delivery.premises import Release
from bakery.delivery.work import Work
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.nodes.catalogue import show_node
from bakery.nodes.homes import Place
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction

# An app that is there, or is still being taken away, and whether anything of it has this volume.
_WHOSE = """
SELECT volumes.app, volumes.environment, volumes.name, volumes.runtime,
    environments.id IS NOT NULL AS has_app,
    apps.deleted_at IS NOT NULL OR environments.volumes ? volumes.name OR EXISTS (
        SELECT FROM deployments WHERE environment_id = environments.id AND state = 'running')
    OR EXISTS (
        SELECT FROM slots JOIN releases ON releases.id = slots.release_id JOIN builds ON builds.id = build_id
        WHERE slots.environment_id = environments.id
        AND (releases.volumes ? volumes.name OR builds.recipe->'volumes' ? volumes.name)) AS is_used
FROM volumes LEFT JOIN (apps JOIN environments ON environments.app_id = apps.id)
    ON apps.slug = volumes.app AND environments.name = volumes.environment
    AND environments.node_id = volumes.node_id AND environments.runtime = volumes.runtime
WHERE volumes.node_id = %(node)s
"""


# Of a deployment.


async def ensure(work: Work) -> None:
    """Those of its release are there, and it finds them. May be done again."""
    environment, release = work.deployment.environment, work.deployment.release
    is_process = release.runtime is Runtime.PROCESS
    if release.volumes:
        async with work.store.transaction() as tx:
            for name in sorted(release.volumes):
                await _note(tx, environment.id, name)
    without = await _earlier_paths(work, release) if is_process and release.files_of is not None else set()
    if is_process and (release.volumes or without):
        place = environment.premises(work.node).place
        await work.node.volumes.link(place, release.number, release.base, release.volumes, without=without)


async def _note(tx: Transaction, environment_id: int, name: str) -> None:
    await tx.connection.execute(
        """
        INSERT INTO volumes (node_id, runtime, app, environment, name)
        SELECT node_id, runtime, apps.slug, environments.name, %s
        FROM environments JOIN apps ON apps.id = app_id WHERE environments.id = %s
        ON CONFLICT (node_id, runtime, app, environment, name) DO UPDATE SET going_at = NULL
        """,
        (name, environment_id),
    )


async def _earlier_paths(work: Work, release: Release) -> set[str]:
    """At which the files that it starts from may have a link."""
    async with work.store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT DISTINCT path FROM releases, jsonb_each_text(volumes) AS said (name, path)
            WHERE environment_id = %s
            """,
            (work.deployment.environment.id,),
        )
        paths = {str(path) for (path,) in await cursor.fetchall()}
    return paths - set(release.volumes.values())


# Of an app.


class NamedBy(StrEnum):
    SETTINGS = "settings"
    BAKERY_TOML = "bakery.toml"
    NOBODY = ""  # any more


@dataclass(frozen=True, slots=True)
class AppVolume:
    """`path` is where a release finds it from the next deployment on; None: nobody names it any more, and its files are
    kept. `is_made`: there are files of it."""

    name: str
    path: str | None
    named_by: NamedBy
    is_made: bool


async def list_volumes(store: Store, where: AppAt, *, actor: Actor) -> Sequence[AppVolume]:
    return await volumes_of(store, await show_app(store, where, actor=actor))


async def volumes_of(store: Store, app: AppDetail) -> Sequence[AppVolume]:
    async with store.transaction() as tx:
        made = await names_made(tx, app.environment_id)
    found: dict[str, AppVolume] = {name: AppVolume(name, None, NamedBy.NOBODY, is_made=True) for name in made}
    for named_by, volumes in ((NamedBy.BAKERY_TOML, app.found_volumes), (NamedBy.SETTINGS, app.volumes)):
        for name, path in volumes.items():
            found[name] = AppVolume(name, path, named_by, is_made=name in made)
    return [found[name] for name in sorted(found)]


async def names_made(tx: Transaction, environment_id: int) -> tuple[str, ...]:
    cursor = await tx.connection.execute(
        """
        SELECT volumes.name FROM volumes JOIN environments ON environments.node_id = volumes.node_id
            AND environments.name = volumes.environment AND environments.runtime = volumes.runtime
        JOIN apps ON apps.id = app_id AND apps.slug = volumes.app WHERE environments.id = %s ORDER BY 1
        """,
        (environment_id,),
    )
    return tuple(str(name) for (name,) in await cursor.fetchall())


async def mark_going(tx: Transaction, environment_id: int, names: Collection[str]) -> None:
    """They go with the app."""
    unknown = sorted(set(names) - set(await names_made(tx, environment_id)))
    if unknown:
        raise BadInput(f"There is no volume {unknown[0]} of this app.", field="volumes")
    await tx.connection.execute(
        """
        UPDATE volumes SET going_at = now() FROM environments JOIN apps ON apps.id = app_id
        WHERE environments.id = %s AND environments.node_id = volumes.node_id AND volumes.name = ANY(%s)
        AND volumes.app = apps.slug AND volumes.environment = environments.name
        AND volumes.runtime = environments.runtime
        """,
        (environment_id, list(names)),
    )


async def clear_going(store: Store, node: Node, environment_id: int, place: Place, runtime: Runtime) -> None:
    """Of an app that is being deleted; of a preview all of them. May be done again."""
    async with store.connection() as connection:
        await connection.execute(
            """
            UPDATE volumes SET going_at = now() FROM environments JOIN previews ON environment_id = environments.id
            WHERE environments.id = %s AND environments.node_id = volumes.node_id AND going_at IS NULL
            AND app = %s AND environment = %s AND volumes.runtime = %s
            """,
            (environment_id, place.app, place.environment, runtime),
        )
        cursor = await connection.execute(
            """
            SELECT volumes.node_id, volumes.name FROM volumes JOIN environments
                ON environments.node_id = volumes.node_id AND environments.id = %s
            WHERE app = %s AND environment = %s AND volumes.runtime = %s AND going_at IS NOT NULL
            """,
            (environment_id, place.app, place.environment, runtime),
        )
        going = [(int(node_id), str(name)) for node_id, name in await cursor.fetchall()]
    for node_id, name in going:
        await _remove(store, node, node_id, place, name, runtime)


async def _remove(store: Store, node: Node, node_id: int, place: Place, name: str, runtime: Runtime) -> None:
    await node.volumes.remove(place, name, runtime)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            DELETE FROM volumes WHERE node_id = %s AND app = %s AND environment = %s AND name = %s AND runtime = %s
            AND going_at IS NOT NULL
            """,
            (node_id, place.app, place.environment, name, runtime),
        )


# Of a node.


@dataclass(frozen=True, slots=True)
class NodeVolume:
    """`has_app`: the app is there. `is_used`: it has the volume now, or is to have it; else it may be deleted.
    `bytes` None: not counted."""

    app: str
    environment: str
    name: str
    runtime: Runtime
    has_app: bool
    is_used: bool
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    app: str
    environment: str
    name: str
    runtime: Runtime
    has_app: bool
    is_used: bool | None


async def list_node_volumes(store: Store, links: Links, slug: str, *, actor: Actor) -> Sequence[NodeVolume]:
    """The node counts, which may take a moment. What lies there without a row is told too."""
    actor.require(Permission.MANAGE_NODES)
    shown = await show_node(store, slug, actor=actor)
    found = await (await links.node(shown.id)).volumes.found()
    taken = {(one.app, one.environment, one.name, one.runtime): one.bytes for one in found}
    async with store.transaction() as tx:
        rows = await _rows(tx, shown.id)
    known = {(row.app, row.environment, row.name, row.runtime): row for row in rows}
    return [
        NodeVolume(*key, has_app=row.has_app, is_used=bool(row.is_used), bytes=taken.get(key))
        if (row := known.get(key)) is not None
        else NodeVolume(*key, has_app=False, is_used=False, bytes=taken[key])
        for key in sorted({*known, *taken})
    ]


async def remove_volume(
    store: Store, links: Links, slug: str, app: AppName, environment: EnvironmentName, name: str, *, actor: Actor
) -> None:
    """With all that is in it. Refused while an app has it, or is to have it."""
    actor.require(Permission.MANAGE_NODES)
    shown = await show_node(store, slug, actor=actor)
    node = await links.node(shown.id)
    async with store.transaction() as tx:
        rows = [
            row for row in await _rows(tx, shown.id) if (row.app, row.environment, row.name) == (app, environment, name)
        ]
        if any(row.is_used for row in rows):
            raise Conflict(
                f"{app} has the volume {name}.",
                hint=f"Take it out of the app's settings or its bakery.toml, deploy {app}, then delete the volume.",
            )
        runtimes = [row.runtime for row in rows] or await _runtimes_there(node, app, environment, name)
        if not runtimes:
            raise NotFound(f"There is no volume {name} of {app} on {slug}.")
        await tx.connection.execute(
            """
            UPDATE volumes SET going_at = now()
            WHERE node_id = %s AND app = %s AND environment = %s AND name = %s
            """,
            (shown.id, app, environment, name),
        )
        told = {"app": app, "environment": environment, "volume": name}
        tx.record(AuditEntry(actor, "volume.deleted", "node", str(shown.id), slug, before=told))
    for runtime in runtimes:
        await _remove(store, node, shown.id, Place(app, environment), name, runtime)


async def _runtimes_there(node: Node, app: AppName, environment: EnvironmentName, name: str) -> list[Runtime]:
    """Of one without a row."""
    found = await node.volumes.found()
    return [one.runtime for one in found if (one.app, one.environment, one.name) == (app, environment, name)]


async def _rows(tx: Transaction, node_id: int) -> list[_Row]:
    async with tx.connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(_WHOSE, {"node": node_id})
        return await cursor.fetchall()
