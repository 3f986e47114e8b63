"""A person's link to their GitHub: made, shown, and ended here and there."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from bakery.github.asking import LinkRefused, Opened, asking, by_link
from bakery.github.oauth import Tokens, authorize_address, expect_state, mint_state, refresh, revoke, trade
from bakery.github.registration import Registration, expect_registration, read_registration
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.github import GitHubUrl
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import server_of
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

log = structlog.get_logger()

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_EARLY = timedelta(minutes=5)  # before its end a token is renewed
_SELECT = """
SELECT person_id, login, number, token, ends_at, refresh_token, linked_at, now() AS now
FROM github_links WHERE person_id = %s
"""


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
    number: int | None
    token: bytes
    ends_at: datetime | None
    refresh_token: bytes | None
    linked_at: datetime
    now: datetime  # by the database's clock

    @property
    def is_ending(self) -> bool:
        return self.ends_at is not None and self.ends_at - _EARLY < self.now


class Account(msgspec.Struct):
    """At GitHub. Its number stays when it is renamed; None: it was not told yet."""

    login: str
    id: int | None = None


async def show_link(store: Store, *, actor: Actor) -> LinkDetail:
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection:
        registration = await read_registration(connection)
        link = await _read(connection, actor.person_id or 0)
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
    async with asking(Opened(registration.url, tokens.access, by_link("this account"))) as github:
        account = msgspec.convert(await github.getitem("/user"), Account)
    async with store.transaction() as tx:
        still = await read_registration(tx.connection, for_update=True)
        if still is None or (still.url, still.client_id) != (registration.url, registration.client_id):
            raise Conflict("The OAuth app was changed meanwhile.", hint="Begin again under Account → GitHub.")
        await _write(tx, store.vault, actor.person_id or 0, account, tokens)
        _record(tx, actor, "github.linked", after={"server": registration.url, "login": account.login})
    return await show_link(store, actor=actor)


async def unlink(store: Store, *, actor: Actor) -> Unlinked:
    """Ends it here whatever GitHub says, and there when it answers. Harmless when there is none."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection:
        registration = await read_registration(connection)
        link = await _read(connection, actor.person_id or 0)
    if link is None or registration is None:
        return Unlinked()
    left = ""
    try:
        await _revoke(store.vault, registration, link)
    except BakeryError as error:
        log.warning("github_not_revoked", error=error.message)
        left = f"{error.message} Take Bakery's access back yourself, at {registration.url}/settings/applications"
    async with store.transaction() as tx:
        gone = await tx.connection.execute("DELETE FROM github_links WHERE person_id = %s", (link.person_id,))
        if gone.rowcount:
            _record(tx, actor, "github.unlinked", before={"server": registration.url, "login": link.login})
    return Unlinked(left)


async def usable_link(store: Store, person: int) -> Opened:
    """A person's, renewed where its end is near: one process at a time, for the old pair is good no more."""
    registration = await expect_registration(store)
    async with store.connection() as connection:
        link = await _read(connection, person)
    if link is None:
        raise LinkRefused("This GitHub account is not linked.", hint="Link it under Account → GitHub.")
    if not link.is_ending:
        return _opened(store.vault, registration, link)
    async with store.transaction() as tx:
        link = await _read(tx.connection, person, for_update=True)
        if link is None or link.refresh_token is None:
            raise LinkRefused("The link to GitHub has ended.", hint="Link it again under Account → GitHub.")
        if not link.is_ending:  # somebody else was quicker
            return _opened(store.vault, registration, link)
        tokens = await _renewed(store.vault, registration, link)
        await _write(tx, store.vault, person, Account(link.login, link.number), tokens)
    return Opened(registration.url, tokens.access, by_link(link.login))


async def read_account(connection: Connection, person: int) -> Account | None:
    """None: this person has no link."""
    link = await _read(connection, person)
    return Account(link.login, link.number) if link else None


async def note_account(store: Store, person: int, seen: Account) -> None:
    """As GitHub names who tells it something by the link."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE github_links SET login = %(login)s, number = %(number)s
            WHERE person_id = %(person)s AND (number IS NULL OR number = %(number)s) AND %(number)s::bigint IS NOT NULL
                AND (login, number) IS DISTINCT FROM (%(login)s, %(number)s::bigint)
            """,
            {"login": seen.login, "number": seen.id, "person": person},
        )


async def token_for(store: Store, person: int, url: str) -> Secret:
    """For fetching a repository: it goes to no other server than the one that it is of."""
    opened = await usable_link(store, person)
    if server_of(url) != server_of(f"{opened.url}/owner/name.git"):
        raise Conflict(f"The link is to {opened.url}, and this repository lies elsewhere.", hint="Give a token.")
    return opened.token


def _opened(vault: Vault, registration: Registration, link: _Link) -> Opened:
    return Opened(registration.url, vault.open(_place(link.person_id, "token"), link.token), by_link(link.login))


async def _revoke(vault: Vault, registration: Registration, link: _Link) -> None:
    """GitHub wants a token that is still good, to know what to take back."""
    token = vault.open(_place(link.person_id, "token"), link.token)
    if link.is_ending and link.refresh_token:
        token = (await _renewed(vault, registration, link)).access
    await revoke(registration, registration.open_secret(vault), token)


async def _renewed(vault: Vault, registration: Registration, link: _Link) -> Tokens:
    token = vault.open(_place(link.person_id, "refresh_token"), link.refresh_token or b"")
    return await refresh(registration, registration.open_secret(vault), token, link.now)


async def _read(connection: Connection, person: int, *, for_update: bool = False) -> _Link | None:
    async with connection.cursor(row_factory=typed(_Link)) as cursor:
        await cursor.execute(f"{_SELECT}{' FOR UPDATE' if for_update else ''}".encode(), (person,))
        return await cursor.fetchone()


async def _write(tx: Transaction, vault: Vault, person: int, account: Account, tokens: Tokens) -> None:
    renewing = vault.seal(_place(person, "refresh_token"), tokens.refresh) if tokens.refresh else None
    await tx.connection.execute(
        """
        INSERT INTO github_links (person_id, login, number, token, ends_at, refresh_token)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (person_id) DO UPDATE SET login = excluded.login, number = excluded.number, token = excluded.token,
            ends_at = excluded.ends_at, refresh_token = excluded.refresh_token, linked_at = now()
        """,
        (
            person,
            account.login,
            account.id,
            vault.seal(_place(person, "token"), tokens.access),
            tokens.ends_at,
            renewing,
        ),
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
