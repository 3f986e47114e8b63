"""API tokens: for programs, shown once, with a scope, an end, and never more than their owner's role."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from bakery.access.second_factor import expect_fresh_code
from bakery.access.sessions import granted
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_token
from bakery.model.emails import email_key, parse_email
from bakery.model.errors import BadInput, NotAllowed, NotFound
from bakery.model.labels import parse_label
from bakery.model.names import parse_app_name
from bakery.model.permissions import HELD_BY, Permission, Role, Scope
from bakery.model.secret import Secret
from bakery.store.rows import only
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

PREFIX = "bky_"
DEFAULT_DAYS = 90
LONGEST_DAYS = 365
_SHOWN = len(PREFIX) + 4


@dataclass(frozen=True, slots=True)
class ApiToken:
    """All but the token itself; `prefix` is how it begins. `app` is the slug of the one app it is good for."""

    id: int
    name: str
    prefix: str
    scope: Scope
    app: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    is_expired: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", Scope(self.scope))


@dataclass(frozen=True, slots=True)
class NewToken:
    """The secret is shown this once."""

    secret: Secret
    token: ApiToken


@dataclass(frozen=True, slots=True)
class _Holder:
    token_id: int
    scope: str
    app_id: int | None
    is_stale: bool
    person_id: int
    email: str
    role: str
    password_change_due: bool
    all_apps: bool
    apps: list[int]


async def create_token(
    store: Store,
    name: str,
    scope: Scope,
    *,
    app: str | None = None,
    days: int = DEFAULT_DAYS,
    code: str = "",
    actor: Actor,
) -> NewToken:
    """One's own. `code` is of the second factor, needed when that is on."""
    actor.require(Permission.OWN_ACCOUNT)
    actor.require_own_password()
    label = parse_label(name)
    lasts = _lifetime(days)
    if scope is Scope.DEPLOY and actor.role not in HELD_BY[Permission.DEPLOY]:
        raise BadInput("Viewers do not deploy.", field="scope", hint="Choose “read”.")
    async with store.connection() as connection:
        app_id = await _app_for(connection, app, scope, actor) if app is not None else None
    await expect_fresh_code(store, code, actor=actor)
    async with store.transaction() as tx:
        return await add_token(tx, actor, actor.person_id or 0, label, scope, app_id=app_id, lasts=lasts)


async def create_token_for(
    store: Store, email: str, name: str, scope: Scope, *, days: int = DEFAULT_DAYS, actor: Actor
) -> NewToken:
    """On the server, for automating an installation."""
    actor.require(Permission.MANAGE_SYSTEM)
    if not actor.is_system:
        raise NotAllowed("Tokens of other people are made on the server only.", hint="bakery admin token EMAIL")
    label = parse_label(name)
    lasts = _lifetime(days)
    async with store.transaction() as tx:
        found = await tx.connection.execute(
            "SELECT id FROM people WHERE email_key = %s AND suspended_at IS NULL", (email_key(parse_email(email)),)
        )
        row = await found.fetchone()
        if row is None:
            raise NotFound("There is no active account with this e-mail address.", hint="bakery admin create EMAIL")
        return await add_token(tx, actor, row[0], label, scope, lasts=lasts)


async def add_token(
    tx: Transaction,
    actor: Actor,
    person_id: int,
    name: str,
    scope: Scope,
    *,
    app_id: int | None = None,
    lasts: timedelta = timedelta(days=DEFAULT_DAYS),
) -> NewToken:
    """For use cases that decided who gets it."""
    secret = mint_token(PREFIX)
    made = await tx.connection.execute(
        """
        INSERT INTO api_tokens (person_id, name, prefix, token_hash, scope, app_id, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, now() + %s) RETURNING id
        """,
        (person_id, name, secret.reveal()[:_SHOWN], digest(secret), scope, app_id, lasts),
    )
    (token_id,) = await only(made)
    async with tx.connection.cursor(row_factory=class_row(ApiToken)) as cursor:
        await cursor.execute(_TOKENS, {"person": person_id, "before": None, "limit": None})
        token = next(token for token in await cursor.fetchall() if token.id == token_id)
    after = {"scope": scope, "app": token.app, "expires_at": token.expires_at.isoformat()}
    tx.record(AuditEntry(actor, "token.created", "token", str(token.id), name, after=after))
    tx.publish(f"person:{person_id}")
    return NewToken(secret, token)


async def list_tokens(
    store: Store, *, before: int | None = None, limit: int | None = None, actor: Actor
) -> list[ApiToken]:
    """One's own, the newest first. `before` is the id of one: those that are older."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection, connection.cursor(row_factory=class_row(ApiToken)) as cursor:
        await cursor.execute(_TOKENS, {"person": actor.person_id, "before": before, "limit": limit})
        return await cursor.fetchall()


async def revoke_token(store: Store, token_id: int, *, actor: Actor) -> None:
    """One of one's own. Its next call is refused."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.transaction() as tx:
        revoked = await tx.connection.execute(
            "DELETE FROM api_tokens WHERE id = %s AND person_id = %s RETURNING name", (token_id, actor.person_id)
        )
        row = await revoked.fetchone()
        if row is None:
            raise NotFound("There is no such token.")
        tx.record(AuditEntry(actor, "token.revoked", "token", str(token_id), row[0]))
        tx.publish(f"person:{actor.person_id}")


async def actor_of_token(store: Store, token: Secret, origin: Origin) -> Actor | None:
    """None when the token is unknown, expired or revoked, or its owner suspended."""
    async with store.connection() as connection:
        async with connection.cursor(row_factory=class_row(_Holder)) as cursor:
            holder = await (await cursor.execute(_HOLDER, (digest(token),))).fetchone()
        if holder is None:
            return None
        if holder.is_stale:
            await connection.execute("UPDATE api_tokens SET last_used_at = now() WHERE id = %s", (holder.token_id,))
    role = Role(holder.role)
    apps = granted(role, holder.apps, all_apps=holder.all_apps)
    if holder.app_id is not None:
        only = frozenset({holder.app_id})
        apps = only if apps is None else only & apps
    return Actor(
        origin=origin,
        person_id=holder.person_id,
        label=holder.email,
        role=role,
        apps=apps,
        scope=Scope(holder.scope),
        token_id=holder.token_id,
        password_change_due=holder.password_change_due,
    )


_HOLDER = """
SELECT t.id AS token_id, t.scope, t.app_id, p.id AS person_id, p.email, p.role, p.password_change_due, p.all_apps,
       coalesce(t.last_used_at < now() - interval '1 minute', true) AS is_stale,
       ARRAY(SELECT grants.app_id FROM grants WHERE grants.person_id = p.id) AS apps
FROM api_tokens t JOIN people p ON p.id = t.person_id
WHERE t.token_hash = %s AND t.expires_at > now() AND p.suspended_at IS NULL
"""

_TOKENS = """
SELECT t.id, t.name, t.prefix, t.scope, apps.slug AS app, t.created_at, t.expires_at, t.last_used_at,
       t.expires_at <= now() AS is_expired
FROM api_tokens t LEFT JOIN apps ON apps.id = t.app_id
WHERE t.person_id = %(person)s AND (%(before)s::bigint IS NULL OR t.id < %(before)s)
ORDER BY t.id DESC LIMIT %(limit)s
"""


def _lifetime(days: int) -> timedelta:
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"Choose 1 to {LONGEST_DAYS} days.", field="expires")
    return timedelta(days=days)


async def _app_for(connection: Connection, app: str, scope: Scope, actor: Actor) -> int:
    if scope is not Scope.DEPLOY:
        raise BadInput("Only a deploy token is bound to an app.", field="app")
    found = await connection.execute("SELECT id FROM apps WHERE slug = %s", (parse_app_name(app, field="app"),))
    row = await found.fetchone()
    if row is None or not actor.sees_app(row[0]):
        raise BadInput("There is no such app.", field="app")
    return int(row[0])
