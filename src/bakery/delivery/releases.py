"""What was live: the releases of an app, and what going back to one of them would change."""

from dataclasses import dataclass
from datetime import datetime

from bakery.delivery.apps import AppDetail
from bakery.delivery.find import find_app
from bakery.delivery.pending import differs_since
from bakery.delivery.rollback import release_before
from bakery.delivery.variable_sets import newest_version, read_set
from bakery.model.actor import Actor
from bakery.model.names import AppAt, Colour
from bakery.model.permissions import Permission
from bakery.model.variables import Difference
from bakery.store.rows import Page, typed
from bakery.store.store import Store

PAGE = 50


@dataclass(frozen=True, slots=True)
class Release:
    """`title` and `version` say what was built; `live_at` when it last became live. `is_kept`: it is on its node, so
    one can go back to it. `slot` is where it runs. `variables_version` 0: there were none."""

    id: int
    environment_id: int
    number: int
    title: str
    version: str
    created_at: datetime
    live_at: datetime
    files_of: int | None
    variables_version: int
    is_kept: bool
    is_live: bool
    slot: Colour | None
    warm_until: datetime | None  # so long it runs on without visitors


@dataclass(frozen=True, slots=True)
class WayBack:
    """To `release`, from `live`. `variables` is how today's differ from those of then, as the app sees them."""

    release: Release
    live: Release
    variables: Difference


async def list_releases(store: Store, where: AppAt, *, actor: Actor, after: str = "") -> Page[Release]:
    """Those that were live, the newest first, 50 a page. `after` is a page's `next`."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else None
    async with store.connection() as connection, connection.cursor(row_factory=typed(Release)) as cursor:
        await cursor.execute(
            """
            SELECT * FROM release_facts
            WHERE environment_id = %(environment)s AND (%(before)s::int IS NULL OR number < %(before)s)
            ORDER BY number DESC LIMIT %(size)s
            """,
            {"environment": app.environment_id, "before": before, "size": PAGE + 1},
        )
        return Page.cut(await cursor.fetchall(), PAGE, lambda row: str(row.number))


async def find_release_before(store: Store, app: AppDetail) -> int | None:
    """The number of the one to go back to when nobody says which. None: there is none."""
    async with store.connection() as connection:
        return await release_before(connection, app.environment_id)


async def look_back(store: Store, where: AppAt, number: int, *, actor: Actor) -> WayBack | None:
    """None: there is no way back to that release, or nothing to come back from."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        async with connection.cursor(row_factory=typed(Release)) as cursor:
            await cursor.execute(
                """
                SELECT * FROM release_facts
                WHERE environment_id = %s AND (is_live OR (is_kept AND number = %s::numeric)) ORDER BY is_live
                """,
                (app.environment_id, number),
            )
            found = await cursor.fetchall()
        if [release.is_live for release in found] != [False, True]:
            return None
        release, live = found
        today = await read_set(connection, app.environment_id, await newest_version(connection, app.environment_id))
        variables = await differs_since(
            connection, store.vault, app.environment_id, release.variables_version, today, build=False
        )
    return WayBack(release, live, variables)
