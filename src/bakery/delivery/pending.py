"""Which variables are not live yet, and whether making them so needs a build."""

from dataclasses import dataclass

from bakery.delivery.find import find_app
from bakery.delivery.variable_sets import StoredSet, newest_version, read_set
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.variables import Difference, VariableName, difference
from bakery.store.store import Connection, Store
from bakery.store.vault import CannotOpen, Vault


@dataclass(frozen=True, slots=True)
class Pending:
    """What differs from the live release. Some of it the app sees when it is started anew (`to_apply`), some a build
    has to know (`to_build`)."""

    live_number: int
    version: int
    difference: Difference
    to_apply: tuple[VariableName, ...]
    to_build: tuple[VariableName, ...]


async def what_is_not_live(store: Store, where: AppAt, *, actor: Actor) -> Pending | None:
    """None: nothing, or nothing is live."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        return await pending_of(connection, store.vault, app.environment_id)


async def pending_of(connection: Connection, vault: Vault, environment_id: int) -> Pending | None:
    """Values count, not versions: what was changed and changed back is live."""
    cursor = await connection.execute(_LIVE, (environment_id,))
    live = await cursor.fetchone()
    version = await newest_version(connection, environment_id)
    if live is None or set(live[1:]) == {version}:
        return None
    number, run_with, built_with = live
    now = await read_set(connection, environment_id, version)
    run = await differs_since(connection, vault, environment_id, run_with, now, build=False)
    build = await differs_since(connection, vault, environment_id, built_with, now, build=True)
    found = _together(run, build)
    if not found:
        return None
    return Pending(number, version, found, tuple(sorted(run.names)), tuple(sorted(build.names)))


# A build was made with the variables of the first release that came of it.
_LIVE = """
SELECT releases.number, coalesce(releases.variables_version, 0), coalesce(built.variables_version, 0)
FROM slots JOIN releases ON releases.id = slots.release_id
JOIN releases AS built ON built.build_id = releases.build_id AND built.environment_id = releases.environment_id
    AND built.files_of IS NULL
WHERE slots.environment_id = %s AND slots.state = 'live'
"""


async def differs_since(
    connection: Connection, vault: Vault, environment_id: int, version: int, now: StoredSet, *, build: bool
) -> Difference:
    """Of what is seen while something is built, or while it runs."""
    then = await read_set(connection, environment_id, version)
    # The same row is the same value: nothing has to be opened to see that.
    same = {name for name, one in then.items() if name in now and now[name].id == one.id}
    old, new = (
        _values({name: one for name, one in some.items() if name not in same}, vault, build=build)
        for some in (then, now)
    )
    return difference(old, new)


def _values(some: StoredSet, vault: Vault, *, build: bool) -> dict[VariableName, object]:
    """Those that are seen there. One that nobody can open is like no other."""
    found: dict[VariableName, object] = {}
    for name, one in some.items():
        if one.scope.reaches_build if build else one.scope.reaches_run:
            try:
                found[name] = one.open(vault).value
            except CannotOpen:
                found[name] = one.id
    return found


def _together(run: Difference, build: Difference) -> Difference:
    """A variable that comes to one and goes from the other has changed."""
    added = {*run.added, *build.added} - {*run.removed, *build.removed, *run.changed, *build.changed}
    removed = {*run.removed, *build.removed} - {*run.added, *build.added, *run.changed, *build.changed}
    changed = (run.names | build.names) - added - removed
    return Difference(tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(removed)))
