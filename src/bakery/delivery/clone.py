"""Cloning an app: another one that is set up the same, with nothing deployed yet."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from psycopg import errors

from bakery.delivery.apps import AppDetail, make_slots, show_app
from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.git_rows import read_source, seal_key, seal_token, write_source
from bakery.delivery.image_rows import read_image, seal_password, write_image
from bakery.delivery.placing import expect_room_on
from bakery.delivery.variable_sets import newest_version, open_all, read_set, write_version
from bakery.delivery.volume_rows import expect_no_others
from bakery.ingress.owners import expect_own_name
from bakery.model.actor import Actor
from bakery.model.apps import parse_slug
from bakery.model.audit import AuditEntry
from bakery.model.errors import Conflict
from bakery.model.names import PRODUCTION, AppAt, EnvironmentName
from bakery.model.nodes import NodeName
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.sources import Branch
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.store.transaction import Transaction

# Whatever is set about how it runs comes along, also what later versions add. What happened to it does not.
_ENVIRONMENT = """
INSERT INTO environments OVERRIDING SYSTEM VALUE
SELECT (jsonb_populate_record(original, jsonb_build_object(
    'id', nextval(pg_get_serial_sequence('environments', 'id')), 'app_id', %(app)s::bigint, 'name', %(name)s::text,
    'node_id', %(node)s::bigint, 'going_since', null, 'is_stopped', false, 'generation', 0, 'created_at', now()))).*
FROM environments AS original WHERE id = %(environment)s
RETURNING id
"""

_COUNTS = """
INSERT INTO process_counts (environment_id, process, count)
SELECT %s, process, count FROM process_counts WHERE environment_id = %s
"""


async def clone_app(store: Store, where: AppAt, new_slug: str, *, node: NodeName | None, actor: Actor) -> AppDetail:
    """Same source, settings and variables; secrets never leave the vault. `node` None: where the original lives."""
    actor.require(Permission.CREATE_APP)
    actor.require(Permission.DEPLOY)
    original = await show_app(store, where, actor=actor)
    wanted = parse_slug(new_slug)
    found = await find_app(store, where, actor)
    try:
        async with store.transaction() as tx:
            place = await expect_room_on(tx, node or NodeName(original.node), original.runtime)
            await expect_no_others(tx, wanted, place.id, actor=actor)
            cursor = await tx.connection.execute(
                "INSERT INTO apps (slug, name) VALUES (%s, %s) RETURNING id", (wanted, wanted)
            )
            app_id = int((await only(cursor))[0])
            copied = Copied(app_id, PRODUCTION, place.id, original.runtime)
            environment_id = await copy_environment(store, tx, found, copied, actor=actor)
            names = await copy_variables(store, tx, found, environment_id, actor)
            await tx.connection.execute(
                "INSERT INTO grants (person_id, app_id) SELECT id, %s FROM people WHERE id = %s AND NOT all_apps",
                (app_id, actor.person_id),
            )
            tx.publish("apps", f"app:{wanted}")
            told = {"of": original.slug, "node": place.slug, "variables": names}
            tx.record(AuditEntry(actor, "app.cloned", "app", str(app_id), wanted, app_id=app_id, after=told))
    except errors.UniqueViolation as error:
        raise Conflict(f"There is already an app with the name {wanted}.", hint="Choose another name.") from error
    return await show_app(store, AppAt(wanted), actor=Actor.system())


@dataclass(frozen=True, slots=True)
class Copied:
    """Where a copy of an environment comes to. `branch` None: that of the original. Without `submodules` it is fetched
    alone, wherever the original has them."""

    app_id: int
    name: EnvironmentName
    node_id: int
    runtime: Runtime
    branch: Branch | None = None
    submodules: bool = True


async def copy_environment(store: Store, tx: Transaction, original: FoundApp, copied: Copied, *, actor: Actor) -> int:
    """Its settings and its source."""
    told = {
        "app": copied.app_id,
        "name": copied.name,
        "node": copied.node_id,
        "environment": original.environment_id,
    }
    environment_id = int((await only(await tx.connection.execute(_ENVIRONMENT, told)))[0])
    field = "slug" if copied.name == PRODUCTION else "name"
    await expect_own_name(tx, environment_id, field=field, actor=actor)
    await make_slots(tx, environment_id, copied.node_id, copied.runtime)
    await tx.connection.execute(_COUNTS, (environment_id, original.environment_id))
    await _copy_source(store, tx, original, environment_id, copied, actor)
    await _copy_image(store, tx, original, environment_id, actor)
    return environment_id


async def _copy_source(
    store: Store, tx: Transaction, original: FoundApp, environment_id: int, to: Copied, actor: Actor
) -> None:
    """What opens the repository is sealed anew, for its new place."""
    source = await read_source(tx.connection, original.environment_id)
    if source is None:
        return
    token, key = source.open_token(store.vault), source.open_key(store.vault)
    copied = replace(
        source,
        environment_id=environment_id,
        branch=to.branch or source.branch,
        submodules=source.submodules and to.submodules,
        token=seal_token(store.vault, environment_id, token) if token else None,
        key_secret=seal_key(store.vault, environment_id, key) if key else None,
        changed_by=actor.label,
    )
    await write_source(tx.connection, copied)


async def _copy_image(store: Store, tx: Transaction, original: FoundApp, environment_id: int, actor: Actor) -> None:
    """Likewise what opens its registry."""
    image = await read_image(tx.connection, original.environment_id)
    if image is None:
        return
    password = image.open_password(store.vault)
    sealed = seal_password(store.vault, environment_id, password) if password else None
    copied = replace(image, environment_id=environment_id, password=sealed, changed_by=actor.label)
    await write_image(tx.connection, copied)


async def copy_variables(
    store: Store,
    tx: Transaction,
    original: FoundApp,
    environment_id: int,
    actor: Actor,
    *,
    named: Collection[str] | None = None,
) -> list[str]:
    """Today's, as the first version: all, or those that are named and are there. Their names."""
    newest = await newest_version(tx.connection, original.environment_id)
    stored = await read_set(tx.connection, original.environment_id, newest)
    wanted = {name: one for name, one in stored.items() if named is None or name in named}
    variables = open_all(wanted, store.vault)
    await write_version(tx, store.vault, environment_id, {}, variables, after=0, actor=actor)
    return sorted(variables)
