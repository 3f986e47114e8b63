"""Where the GitHub App is installed, and which repositories were chosen for it there, as it was seen last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from bakery.github.app import GitHubApp, read_app
from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.permissions import Permission
from bakery.model.sources import server_of
from bakery.store.rows import typed
from bakery.store.store import Connection, Store

MOST_REPOSITORIES = 1000
_SELECT = """
SELECT number, account, settings_url, has_all, suspended_at, gone_at,
       (SELECT count(*) FROM github_repositories WHERE installation = number) AS repositories
FROM github_installations
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """`number` is as GitHub counts, `settings_url` where its repositories are chosen."""

    number: int
    account: str
    settings_url: str
    has_all: bool
    suspended_at: datetime | None
    gone_at: datetime | None
    repositories: int

    @property
    def problem(self) -> tuple[str, str]:
        """Why it opens nothing, and what to do; empty: it does."""
        if self.gone_at is not None:
            return (
                f"The GitHub App was uninstalled from {self.account}.",
                f"An owner of {self.account} installs it again, under Settings → GitHub. Or choose another connection.",
            )
        if self.suspended_at is not None:
            return (
                f"{self.account} suspended the GitHub App.",
                f"An owner of {self.account} ends that: {self.settings_url}",
            )
        return "", ""


@dataclass(frozen=True, slots=True)
class AppDetail:
    """`names`: of the repositories that were chosen, by installation."""

    app: GitHubApp
    installations: Sequence[Installation]
    names: Mapping[int, Sequence[str]]


async def show_app(store: Store, *, actor: Actor) -> AppDetail | None:
    """As it was seen last; None: there is none."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        app = await read_app(connection)
        if app is None:
            return None
        installations = await read_installations(connection)
        found = await connection.execute("SELECT installation, full_name FROM github_repositories ORDER BY full_name")
        rows = await found.fetchall()
    names = {one.number: [name for number, name in rows if number == one.number] for one in installations}
    return AppDetail(app, installations, names)


async def accounts_of_app(store: Store, *, actor: Actor) -> list[str]:
    """Whose repositories it opens, for choosing an app's source."""
    actor.require(Permission.READ)
    async with store.connection() as connection:
        return [one.account for one in await read_installations(connection) if not any(one.problem)]


async def read_installations(connection: Connection) -> list[Installation]:
    async with connection.cursor(row_factory=typed(Installation)) as cursor:
        await cursor.execute(f"{_SELECT} ORDER BY lower(account), number".encode())
        return await cursor.fetchall()


async def find_installation(connection: Connection, url: str) -> Installation | None:
    """That opens the repository at this address, by its owner. One that is there goes before one that was."""
    app = await read_app(connection)
    if app is None or server_of(url) != server_of(f"{app.url}/owner/name.git"):
        return None
    owner = urlsplit(url).path.strip("/").partition("/")[0]
    async with connection.cursor(row_factory=typed(Installation)) as cursor:
        await cursor.execute(
            f"{_SELECT} WHERE lower(account) = lower(%s) ORDER BY gone_at IS NOT NULL, number DESC LIMIT 1".encode(),
            (owner,),
        )
        return await cursor.fetchone()


async def is_chosen(connection: Connection, found: Installation, repository: int) -> bool:
    """As far as all of them were read."""
    rows = await connection.execute(
        "SELECT FROM github_repositories WHERE installation = %s AND number = %s", (found.number, repository)
    )
    return rows.rowcount > 0 or found.repositories >= MOST_REPOSITORIES


async def note_chosen(store: Store, installation: int, number: int, full_name: str) -> None:
    """GitHub just showed it, before the next look does."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO github_repositories (installation, number, full_name)
            SELECT number, %s, %s FROM github_installations WHERE number = %s
            ON CONFLICT (installation, number) DO UPDATE SET full_name = excluded.full_name
            """,
            (number, full_name, installation),
        )


async def find_account(connection: Connection, account: str) -> Installation:
    for one in await read_installations(connection):
        if one.account.lower() == account.lower() and one.gone_at is None:
            return one
    raise NotFound(f"The GitHub App is not installed at {account}.", hint="See Settings → GitHub.")


async def look_soon(store: Store) -> None:
    """GitHub told that something changed: it is asked what is so, and not believed."""
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE github_apps SET due_at = now()")
