"""The webhook of an environment: its address and secret, and what a push does."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bakery.delivery.find import FoundApp, find_app
from bakery.hooks.path_globs import parse_globs, parse_tag_glob
from bakery.hooks.rows import Delivery, find_hook_of, read_deliveries, seal_secret
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import Conflict
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class WebhookDetail:
    """`hook` is the last part of its address for GitHub; None: there is none yet. `is_heard`: pushes are decided about,
    by whatever webhook they come."""

    hook: str | None = None
    is_on: bool = False
    paths: Sequence[str] = ()
    tags: str = ""
    repository_id: str | None = None
    head: str | None = None
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def is_heard(self) -> bool:
        return self.changed_at is not None


async def show_webhook(store: Store, where: AppAt, *, actor: Actor) -> WebhookDetail:
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection, connection.cursor(row_factory=typed(WebhookDetail)) as cursor:
        await cursor.execute(f"{_SHOWN} WHERE environment_id = %s".encode(), (app.environment_id,))
        return await cursor.fetchone() or WebhookDetail()


async def make_secret(store: Store, where: AppAt, *, actor: Actor) -> Secret:
    """A new one, and the webhook if there is none yet. One that was there opens nothing any more."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    secret = Secret(secrets.token_urlsafe(32))
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            INSERT INTO webhooks (environment_id, hook, secret, changed_by)
            VALUES (%(environment)s, %(hook)s, %(secret)s, %(by)s)
            ON CONFLICT (environment_id) DO UPDATE SET secret = excluded.secret,
                hook = coalesce(webhooks.hook, excluded.hook), changed_by = excluded.changed_by,
                changed_at = now()
            RETURNING xmax = 0
            """,
            {
                "environment": app.environment_id,
                "hook": secrets.token_urlsafe(18),
                "secret": seal_secret(store.vault, app.environment_id, secret),
                "by": actor.label,
            },
        )
        row = await cursor.fetchone()
        if row and row[0]:
            _record(tx, app, "webhook.made", actor)
        else:
            _record(tx, app, "webhook.secret_rotated", actor)
    return secret


async def reveal_secret(store: Store, where: AppAt, *, actor: Actor) -> Secret:
    """For setting it up elsewhere. It is written down who looked."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    hook = await find_hook_of(store, where)
    if hook is None:
        raise _none_yet(where)
    async with store.transaction() as tx:
        _record(tx, app, "webhook.secret_revealed", actor)
    return hook.open_secret(store.vault)


async def change_webhook(
    store: Store,
    where: AppAt,
    *,
    is_on: bool | None = None,
    paths: Sequence[str] | None = None,
    tags: str | None = None,
    actor: Actor,
) -> WebhookDetail:
    """What is None stays as it is."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        async with tx.connection.cursor(row_factory=typed(WebhookDetail)) as cursor:
            await cursor.execute(f"{_SHOWN} WHERE environment_id = %s FOR UPDATE".encode(), (app.environment_id,))
            was = await cursor.fetchone()
        if was is None:
            raise _none_yet(where)
        globs = None if paths is None else parse_globs(paths)
        glob = None if tags is None else parse_tag_glob(tags)
        wanted: dict[str, object] = {
            "is_on": was.is_on if is_on is None else is_on,
            "paths": list(was.paths if globs is None else globs),
            "tags": was.tags if glob is None else glob,
        }
        before: dict[str, object] = {"is_on": was.is_on, "paths": list(was.paths), "tags": was.tags}
        if wanted != before:
            await tx.connection.execute(
                """
                UPDATE webhooks SET is_on = %(is_on)s, paths = %(paths)s, tags = %(tags)s, changed_by = %(by)s,
                    changed_at = now() WHERE environment_id = %(environment)s
                """,
                {**wanted, "by": actor.label, "environment": app.environment_id},
            )
            target = ("app", str(app.id), app.slug)
            tx.record(AuditEntry(actor, "webhook.changed", *target, app_id=app.id, before=before, after=wanted))
            tx.publish(f"app:{app.slug}")
    return await show_webhook(store, where, actor=actor)


async def list_deliveries(
    store: Store, where: AppAt, *, before: int | None = None, limit: int, actor: Actor
) -> list[Delivery]:
    """The newest first. `before` is the id of one: those that are older."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        return await read_deliveries(connection, app.environment_id, before=before, limit=limit)


_SHOWN = "SELECT hook, is_on, paths, tags, repository_id, head, changed_by, changed_at FROM webhooks"


def _record(tx: Transaction, app: FoundApp, action: str, actor: Actor) -> None:
    tx.record(AuditEntry(actor, action, "app", str(app.id), app.slug, app_id=app.id))
    tx.publish(f"app:{app.slug}")


def _none_yet(where: AppAt) -> Conflict:
    return Conflict(f"{where} has no webhook yet.", hint=f"Make one with: bakery webhook rotate {where.arguments}")
