"""A person's link to their GitHub: made, shown, and ended here and there."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from bakery.github.asking import asking
from bakery.github.oauth import Tokens, authorize_address, expect_state, mint_state, refresh, revoke, trade
from bakery.github.registration import Registration, expect_registration, read_registration
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.github import GitHubUrl
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

log = structlog.get_logger()

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_EARLY = timedelta(minutes=5)  # before its end a token is renewed
_SELECT = "SELECT person_id, login, token, ends_at, refresh_token, linked_at FROM github_links WHERE person_id = %s"


@dataclass(frozen=True, slots=True)
class LinkDetail:
    """`server` None: nobody can link, for no OAuth app is known. `login` None: this person has not."""

    server: GitHubUrl | None
    login: str | None
    linked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unlinked:
    """`left` says what is still granted at GitHub, and how to take it back; empty: nothing."""

    left: str = ""


@dataclass(frozen=True, slots=True)
class _Link:
    person_id: int
    login: str
    token: bytes
    ends_at: datetime | None
    refresh_token: bytes | None
    linked_at: datetime


class _Account(msgspec.Struct):
    login: str


async def show_link(store: Store, *, actor: Actor) -> LinkDetail:
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection:
        registration = await read_registration(connection)
        link = await _read(connection, actor)
    return LinkDetail(
        server=registration.url if registration else None,
        login=link.login if link else None,
        linked_at=link.linked_at if link else None,
    )


async def begin_link(store: Store, key: Secret, *, callback: str, now: datetime, actor: Actor) -> str:
    """Where the browser goes: GitHub asks the person, and sends them back to `callback`."""
    session = _session_of(actor)
    registration = await expect_registration(store)
    return authorize_address(registration, key, state=mint_state(key, session, now), callback=callback)


async def complete_link(
    store: Store, key: Secret, *, code: str, state: str, problem: str, callback: str, now: datetime, actor: Actor
) -> LinkDetail:
    """What GitHub sent the browser back with. `problem` is its name for why there is no code."""
    session = _session_of(actor)
    expect_state(key, session, state, now)
    if problem == "access_denied":
        raise Conflict(
            "You did not allow it at GitHub, so nothing is linked.", hint="Link GitHub again if you want to."
        )
    if problem == "redirect_uri_mismatch":
        raise Conflict(
            "GitHub does not know this Bakery's callback URL.",
            hint=f"An Admin sets it in the OAuth app at GitHub: {callback}",
        )
    if problem or not _CODE.fullmatch(code):
        raise BadInput("GitHub sent no code.", field="code", hint="Begin again under Account → GitHub.")
    registration = await expect_registration(store)
    secret = registration.open_secret(store.vault)
    tokens = await trade(registration, secret, key, code=code, state=state, callback=callback, now=now)
    async with asking(registration.url, tokens.access) as github:
        account = msgspec.convert(await github.getitem("/user"), _Account)
    async with store.transaction() as tx:
        still = await read_registration(tx.connection, for_update=True)
        if still is None or (still.url, still.client_id) != (registration.url, registration.client_id):
            raise Conflict("The OAuth app was changed meanwhile.", hint="Begin again under Account → GitHub.")
        await _write(tx, store.vault, actor, account.login, tokens)
        _record(tx, actor, "github.linked", after={"server": registration.url, "login": account.login})
    return await show_link(store, actor=actor)


async def unlink(store: Store, *, now: datetime, actor: Actor) -> Unlinked:
    """Ends it here whatever GitHub says, and there when it answers. Harmless when there is none."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection:
        registration = await read_registration(connection)
        link = await _read(connection, actor)
    if link is None or registration is None:
        return Unlinked()
    left = ""
    try:
        await _revoke(store.vault, registration, link, now)
    except BakeryError as error:
        log.warning("github_not_revoked", error=error.message)
        left = f"{error.message} Take Bakery's access back yourself, at {registration.url}/settings/applications"
    async with store.transaction() as tx:
        gone = await tx.connection.execute("DELETE FROM github_links WHERE person_id = %s", (link.person_id,))
        if gone.rowcount:
            _record(tx, actor, "github.unlinked", before={"server": registration.url, "login": link.login})
    return Unlinked(left)


async def _revoke(vault: Vault, registration: Registration, link: _Link, now: datetime) -> None:
    """GitHub wants a token that is still good, to know what to take back."""
    secret = registration.open_secret(vault)
    token = vault.open(_place(link.person_id, "token"), link.token)
    if link.ends_at and link.ends_at - _EARLY < now and link.refresh_token:
        renewed = await refresh(
            registration, secret, vault.open(_place(link.person_id, "refresh_token"), link.refresh_token), now
        )
        token = renewed.access
    await revoke(registration, secret, token)


async def _read(connection: Connection, actor: Actor) -> _Link | None:
    async with connection.cursor(row_factory=typed(_Link)) as cursor:
        await cursor.execute(_SELECT, (actor.person_id,))
        return await cursor.fetchone()


async def _write(tx: Transaction, vault: Vault, actor: Actor, login: str, tokens: Tokens) -> None:
    person = actor.person_id or 0
    renewing = vault.seal(_place(person, "refresh_token"), tokens.refresh) if tokens.refresh else None
    await tx.connection.execute(
        """
        INSERT INTO github_links (person_id, login, token, ends_at, refresh_token) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (person_id) DO UPDATE SET login = excluded.login, token = excluded.token,
            ends_at = excluded.ends_at, refresh_token = excluded.refresh_token, linked_at = now()
        """,
        (person, login, vault.seal(_place(person, "token"), tokens.access), tokens.ends_at, renewing),
    )


def _place(person: int, column: str) -> Place:
    return Place("github_links", person, column)


def _session_of(actor: Actor) -> str:
    """What a state fits: one session of one person."""
    actor.require(Permission.OWN_ACCOUNT)
    actor.require_own_password()
    if actor.session_id is None:
        raise Conflict("GitHub is linked in a browser.", hint="Open Account → GitHub there.")
    return f"{actor.person_id} {actor.session_id}"


def _record(
    tx: Transaction,
    actor: Actor,
    action: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    tx.record(AuditEntry(actor, action, "person", str(actor.person_id), actor.label, before=before, after=after))
    tx.publish(f"person:{actor.person_id}")
