"""What the rows say of a source in Git, and of the commits that builds were made of."""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from bakery.github.ways import Way, how_it_opens, open_to_fetch
from bakery.model.errors import BakeryError, Conflict
from bakery.model.names import AppName, EnvironmentName
from bakery.model.repository_paths import TOP, RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.model.sources import USUAL_USER, Branch, GitUrl, Ref
from bakery.nodes.git_sources import GitCommit, GitCredentials, GitFetch
from bakery.nodes.homes import Place
from bakery.store.rows import only, typed
from bakery.store.store import Connection, Store
from bakery.store.vault import Place as Sealed
from bakery.store.vault import Vault


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A row. Its secrets stay sealed until somebody opens them."""

    environment_id: int
    url: GitUrl | None = None
    branch: Branch | None = None
    base: RepositoryPath = TOP
    submodules: bool = True
    username: str | None = None
    token: bytes | None = None
    key_public: str | None = None
    key_secret: bytes | None = None
    host_keys: tuple[str, ...] = ()
    github_person: int | None = None
    github_installation: int | None = None
    github_repository: int | None = None
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def github(self) -> Way:
        """By what GitHub opens it."""
        return Way(self.github_person, self.github_installation, self.github_repository)

    def open_token(self, vault: Vault) -> Secret | None:
        return None if self.token is None else vault.open(_place(self.environment_id, "token"), self.token)

    def open_key(self, vault: Vault) -> Secret | None:
        if self.key_secret is None:
            return None
        return vault.open(_place(self.environment_id, "key_secret"), self.key_secret)


async def read_source(connection: Connection, environment_id: int, *, for_update: bool = False) -> StoredSource | None:
    """None: folders are uploaded."""
    if for_update:
        await connection.execute("SELECT FROM environments WHERE id = %s FOR NO KEY UPDATE", (environment_id,))
    async with connection.cursor(row_factory=typed(StoredSource)) as cursor:
        await cursor.execute(
            """
            SELECT environment_id, url, branch, base, submodules, username, token, key_public, key_secret, host_keys,
                   github_person, github_installation, github_repository, changed_by, changed_at
            FROM git_sources WHERE environment_id = %s
            """,
            (environment_id,),
        )
        return await cursor.fetchone()


@dataclass(frozen=True, slots=True)
class Opener:
    """What opens a repository at GitHub, for people: whose link, or at which account the App is installed, and why it
    opens nothing now."""

    person: str | None = None
    account: str | None = None
    problem: str = ""
    hint: str = ""


async def read_opener(connection: Connection, source: StoredSource) -> Opener:
    if source.github.is_app:
        account, problem, hint = await how_it_opens(connection, source.github)
        return Opener(account=account, problem=problem, hint=hint)
    if source.github_person is None:
        return Opener()
    rows = await connection.execute(
        """
        SELECT coalesce(nullif(name, ''), email), EXISTS (SELECT FROM github_links WHERE person_id = people.id)
        FROM people WHERE id = %s
        """,
        (source.github_person,),
    )
    name, is_linked = await only(rows)
    if is_linked:
        return Opener(person=name)
    return Opener(
        name,
        problem=f"{name} is not linked to GitHub any more, so nothing opens the repository.",
        hint="They link again under Account → GitHub, or choose another connection below.",
    )


async def write_source(connection: Connection, source: StoredSource) -> None:
    await connection.execute(
        """
        INSERT INTO git_sources (environment_id, url, branch, base, submodules, username, token, key_public,
                                 key_secret, host_keys, github_person, github_installation, github_repository,
                                 changed_by)
        VALUES (%(environment)s, %(url)s, %(branch)s, %(base)s, %(submodules)s, %(username)s, %(token)s, %(public)s,
                %(secret)s, %(host_keys)s, %(github)s, %(installation)s, %(repository)s, %(by)s)
        ON CONFLICT (environment_id) DO UPDATE SET url = excluded.url, branch = excluded.branch,
            base = excluded.base, submodules = excluded.submodules, username = excluded.username,
            token = excluded.token, key_public = excluded.key_public, key_secret = excluded.key_secret,
            host_keys = excluded.host_keys,
            github_person = excluded.github_person, github_installation = excluded.github_installation,
            github_repository = excluded.github_repository, changed_by = excluded.changed_by,
            changed_at = now()
        """,
        {
            "environment": source.environment_id,
            "url": source.url,
            "branch": source.branch,
            "base": source.base,
            "submodules": source.submodules,
            "username": source.username,
            "token": source.token,
            "public": source.key_public,
            "secret": source.key_secret,
            "host_keys": list(source.host_keys),
            "github": source.github_person,
            "installation": source.github_installation,
            "repository": source.github_repository,
            "by": source.changed_by,
        },
    )


async def listen_by_app(connection: Connection, source: StoredSource) -> None:
    """The App's own webhook tells of its pushes, by the repository's number from the first one on."""
    await connection.execute(
        """
        INSERT INTO webhooks (environment_id, repository_url, repository_id, changed_by) VALUES (%s, %s, %s, %s)
        ON CONFLICT (environment_id) DO UPDATE SET repository_url = excluded.repository_url,
            repository_id = excluded.repository_id
        """,
        (source.environment_id, source.url, f"github:{source.github_repository}", source.changed_by),
    )


async def credentials_of(store: Store, source: StoredSource) -> GitCredentials:
    """What opens it today. GitHub may have to be asked for that."""
    key = source.open_key(store.vault)
    token = source.open_token(store.vault)
    if token is None and source.github.is_known and source.url is not None:
        token = await open_to_fetch(store, source.github, source.url)
        return GitCredentials(USUAL_USER, token, key, source.host_keys)
    return GitCredentials(source.username, token, key, source.host_keys)


def seal_token(vault: Vault, environment_id: int, token: Secret) -> bytes:
    return vault.seal(_place(environment_id, "token"), token)


def seal_key(vault: Vault, environment_id: int, key: Secret) -> bytes:
    return vault.seal(_place(environment_id, "key_secret"), key)


def _place(environment_id: int, column: str) -> Sealed:
    return Sealed("git_sources", environment_id, column)


# For a deployment.


async def read_fetch(store: Store, release_id: int) -> GitFetch:
    """What a release is fetched from, with today's credentials: these are in no plan, and in no row but their own."""
    async with store.connection() as connection:
        async with connection.cursor(row_factory=typed(_Asked)) as cursor:
            await cursor.execute(_ASKED, (release_id,))
            asked = await cursor.fetchone()
        source = await read_source(connection, asked.environment_id) if asked else None
    if asked is None or source is None or source.url is None:
        raise Conflict("There is no repository any more to fetch this from.", hint="Set the app's source, and deploy.")
    return GitFetch(
        place=Place(AppName(asked.app), EnvironmentName(asked.environment)),
        number=asked.number,
        url=source.url,
        ref=asked.ref,
        credentials=await credentials_of(store, source),
        submodules=source.submodules,
        for_visitors=asked.runtime is Runtime.STATIC,
    )


async def source_secrets(store: Store, environment_id: int) -> list[Secret]:
    """What opens the repository, if anything does. What cannot be opened reaches no node either."""
    async with store.connection() as connection:
        source = await read_source(connection, environment_id)
    found: list[Secret] = []
    if source is not None:
        with contextlib.suppress(BakeryError):
            opening = await credentials_of(store, source)
            found = [one for one in (opening.token, opening.private_key) if one is not None]
    return found


async def note_commit(store: Store, build_id: int, commit: GitCommit) -> None:
    """From now on everybody sees which commit it is. Again is harmless."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            UPDATE builds SET version = %(commit)s, title = %(title)s, author = %(author)s, committed_at = %(at)s
            FROM apps WHERE builds.id = %(build)s AND source = 'git' AND apps.id = app_id RETURNING apps.slug
            """,
            {
                "build": build_id,
                "commit": commit.commit,
                "title": commit.title or commit.commit[:7],
                "author": commit.author,
                "at": commit.committed_at,
            },
        )
        row = await cursor.fetchone()
        if row is not None:
            tx.publish(f"app:{row[0]}")


@dataclass(frozen=True, slots=True)
class _Asked:
    environment_id: int
    app: str
    environment: str
    number: int
    runtime: Runtime
    ref: Ref


_ASKED = """
SELECT environments.id AS environment_id, apps.slug AS app, environments.name AS environment, releases.number,
       releases.runtime, builds.ref
FROM releases JOIN builds ON builds.id = build_id JOIN environments ON environments.id = releases.environment_id
JOIN apps ON apps.id = environments.app_id WHERE releases.id = %s AND builds.source = 'git'
"""
