"""The address of a badge: of one environment, whatever is called like it later, and made anew when it was shown too
widely."""

import hashlib
import hmac
from dataclasses import dataclass

from bakery.delivery.find import find_app
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.rows import typed
from bakery.store.store import Connection, Store


@dataclass(frozen=True, slots=True)
class _Badge:
    """`turn` counts addresses. `takes_name`: one of before, when they were of the name alone, holds too."""

    environment_id: int
    turn: int
    takes_name: bool


async def show_badge_key(store: Store, signing_key: Secret, where: AppAt, *, actor: Actor) -> str:
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        found = await _read(connection, where)
    return _key(signing_key, found or _Badge(app.environment_id, 0, takes_name=False))


async def rotate_badge_key(store: Store, signing_key: Secret, where: AppAt, *, actor: Actor) -> str:
    """All that were there before show nothing any more."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO badges (environment_id, turn) VALUES (%s, 1)
            ON CONFLICT (environment_id) DO UPDATE SET turn = badges.turn + 1, takes_name = false
            """,
            (app.environment_id,),
        )
        tx.record(AuditEntry(actor, "app.badge_rotated", "app", str(app.id), app.slug, app_id=app.id))
        tx.publish(f"app:{app.slug}")
        found = await _read(tx.connection, where)
    if found is None:
        raise NotFound("There is no such app.")
    return _key(signing_key, found)


async def expect_badge_key(store: Store, signing_key: Secret, where: AppAt, given: str) -> None:
    """Another key looks like an app that nobody has."""
    async with store.connection() as connection:
        found = await _read(connection, where)
    good = [_key(signing_key, found)] if found else []
    if found is not None and found.takes_name:
        good.append(_sign(signing_key, f"badge {where.app} {where.environment}"))
    if not any(hmac.compare_digest(given.encode(), key.encode()) for key in good):
        raise NotFound("There is no such badge.")


async def _read(connection: Connection, where: AppAt) -> _Badge | None:
    async with connection.cursor(row_factory=typed(_Badge)) as cursor:
        await cursor.execute(
            """
            SELECT environments.id AS environment_id, coalesce(turn, 0) AS turn,
                   coalesce(takes_name, false) AS takes_name
            FROM environments JOIN apps ON apps.id = app_id AND deleted_at IS NULL
            LEFT JOIN badges ON environment_id = environments.id
            WHERE slug = %s AND environments.name = %s AND going_since IS NULL
            """,
            (where.app, where.environment),
        )
        return await cursor.fetchone()


def _key(signing_key: Secret, badge: _Badge) -> str:
    return _sign(signing_key, f"badge of {badge.environment_id} {badge.turn}")


def _sign(signing_key: Secret, message: str) -> str:
    return hmac.new(signing_key.reveal().encode(), message.encode(), hashlib.sha256).hexdigest()[:32]
