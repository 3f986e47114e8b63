"""What the rows say of previews and of the pull requests that they are of."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bakery.hooks.preview_decisions import Known, Standing
from bakery.hooks.pull_requests import PullRequest
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.model.previews import Forks, PreviewSettings, preview_name
from bakery.model.variables import VariableName
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

_A_PAGE = 200
_SETTINGS = """
SELECT is_on, environments.name AS like, variables, most, days, preview_settings.memory_bytes,
       preview_settings.cpu_percent, forks
FROM preview_settings JOIN environments ON environments.id = environment_id AND going_since IS NULL
"""


async def read_settings(connection: Connection, app_id: int) -> PreviewSettings:
    async with connection.cursor(row_factory=typed(PreviewSettings)) as cursor:
        await cursor.execute(f"{_SETTINGS} WHERE preview_settings.app_id = %s".encode(), (app_id,))
        return await cursor.fetchone() or PreviewSettings()


async def write_settings(tx: Transaction, app_id: int, environment_id: int, new: PreviewSettings, by: str) -> None:
    await tx.connection.execute(
        """
        INSERT INTO preview_settings (app_id, environment_id, is_on, variables, most, days, memory_bytes, cpu_percent,
                                      forks, changed_by)
        VALUES (%(app)s, %(environment)s, %(is_on)s, %(variables)s, %(most)s, %(days)s, %(memory)s, %(cpu)s, %(forks)s,
                %(by)s)
        ON CONFLICT (app_id) DO UPDATE SET environment_id = excluded.environment_id, is_on = excluded.is_on,
            variables = excluded.variables, most = excluded.most, days = excluded.days,
            memory_bytes = excluded.memory_bytes, cpu_percent = excluded.cpu_percent, forks = excluded.forks,
            changed_by = excluded.changed_by, changed_at = now()
        """,
        {
            "app": app_id,
            "environment": environment_id,
            "is_on": new.is_on,
            "variables": list(new.variables),
            "most": new.most,
            "days": new.days,
            "memory": new.memory_bytes,
            "cpu": new.cpu_percent,
            "forks": new.forks,
            "by": by,
        },
    )
    if not new.is_on:  # those that are open come back with their next push, should previews be on again by then
        await tx.connection.execute(
            "UPDATE previews SET ended = 'off', state = 'closed', next_at = now() WHERE app_id = %s AND is_open",
            (app_id,),
        )
    else:
        await tx.connection.execute("UPDATE previews SET next_at = now() WHERE app_id = %s AND is_open", (app_id,))


async def read_known(tx: Transaction, app_id: int, number: int) -> Known | None:
    async with tx.connection.cursor(row_factory=typed(Known)) as cursor:
        await cursor.execute(
            "SELECT is_open, head, told_at FROM previews WHERE app_id = %s AND number = %s FOR UPDATE", (app_id, number)
        )
        return await cursor.fetchone()


async def note_request(tx: Transaction, app_id: int, request: PullRequest) -> None:
    """What it says counts from now on. Another head, or its opening anew, is another turn, and ends what ended it."""
    await tx.connection.execute(
        """
        INSERT INTO previews (app_id, number, title, branch, author, url, is_fork, head, is_open, told_at, state)
        VALUES (%(app)s, %(number)s, %(title)s, %(branch)s, %(author)s, %(url)s, %(is_fork)s, %(head)s, %(is_open)s,
                %(at)s, CASE WHEN %(is_open)s THEN 'new' ELSE 'closed' END)
        ON CONFLICT (app_id, number) DO UPDATE SET title = excluded.title, branch = excluded.branch,
            author = excluded.author, url = excluded.url, is_fork = previews.is_fork OR excluded.is_fork,
            head = excluded.head, is_open = excluded.is_open, told_at = excluded.told_at, next_at = now(), problem = '',
            turn = previews.turn + CASE WHEN excluded.is_open THEN 1 ELSE 0 END,
            pushed_at = CASE WHEN excluded.is_open THEN now() ELSE previews.pushed_at END,
            ended = CASE WHEN excluded.is_open THEN '' ELSE previews.ended END,
            state = CASE WHEN NOT excluded.is_open THEN 'closed' WHEN previews.state = 'placed' THEN 'placed'
                         ELSE 'new' END,
            comment_tries = 0, comment_at = now()
        """,
        {
            "app": app_id,
            "number": request.number,
            "title": request.title,
            "branch": request.branch,
            "author": request.author,
            "url": request.url,
            "is_fork": request.is_fork,
            "head": request.commit,
            "is_open": not request.is_closed,
            "at": request.at,
        },
    )


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One that may have to do with an environment."""

    id: int
    app_id: int
    app: AppName
    number: int
    author: str
    branch: str
    is_open: bool
    is_fork: bool
    head: str
    turn: int
    pushed_at: datetime
    ended: str
    approved: str
    deployed_turn: int
    environment_id: int | None
    has_environment: bool
    made_for_fork: bool
    is_going: bool
    others: int
    is_on: bool
    like: EnvironmentName
    variables: Sequence[VariableName]
    most: int
    days: int
    memory_bytes: int | None
    cpu_percent: int | None
    forks: Forks

    @property
    def where(self) -> AppAt:
        return AppAt(self.app, preview_name(self.number))

    @property
    def standing(self) -> Standing:
        return Standing(
            is_open=self.is_open,
            is_fork=self.is_fork,
            head=self.head,
            turn=self.turn,
            pushed_at=self.pushed_at,
            ended=self.ended,
            approved=self.approved,
            deployed_turn=self.deployed_turn,
            has_environment=self.has_environment,
            made_for_fork=self.made_for_fork,
            is_going=self.is_going,
            others=self.others,
        )

    @property
    def settings(self) -> PreviewSettings:
        return PreviewSettings(
            is_on=self.is_on,
            like=self.like,
            variables=self.variables,
            most=self.most,
            days=self.days,
            memory_bytes=self.memory_bytes,
            cpu_percent=self.cpu_percent,
            forks=self.forks,
        )


_ROWS = """
SELECT previews.id, previews.app_id, apps.slug AS app, number, author, branch, is_open, is_fork, head, turn, pushed_at,
       ended, approved, deployed_turn, previews.environment_id,
       mine.id IS NOT NULL AND mine.going_since IS NULL AS has_environment, made_for_fork,
       mine.going_since IS NOT NULL AS is_going,
       (SELECT count(*) FROM previews AS other JOIN environments ON environments.id = other.environment_id
        AND going_since IS NULL WHERE other.app_id = previews.app_id AND other.id <> previews.id) AS others,
       coalesce(is_on, false) AND original.id IS NOT NULL AS is_on, coalesce(original.name, 'production') AS like,
       coalesce(variables, '{}') AS variables, coalesce(most, 1) AS most, coalesce(days, 1) AS days,
       preview_settings.memory_bytes, preview_settings.cpu_percent, coalesce(forks, 'never') AS forks
FROM previews JOIN apps ON apps.id = previews.app_id AND deleted_at IS NULL
LEFT JOIN preview_settings ON preview_settings.app_id = previews.app_id
LEFT JOIN environments AS original ON original.id = preview_settings.environment_id AND original.going_since IS NULL
LEFT JOIN environments AS mine ON mine.id = previews.environment_id
"""


async def read_unsettled(store: Store) -> AsyncIterator[PreviewRow]:
    """Those whose environment may not be as it should, the oldest first: who came first has room first. However many
    strangers open, few are held at once."""
    last = 0
    while True:
        async with store.connection() as connection, connection.cursor(row_factory=typed(PreviewRow)) as cursor:
            await cursor.execute(
                f"{_ROWS} WHERE (is_open OR previews.environment_id IS NOT NULL) AND next_at <= now() "
                "AND previews.id > %s ORDER BY previews.id LIMIT %s".encode(),
                (last, _A_PAGE),
            )
            found = await cursor.fetchall()
        for one in found:
            yield one
        if len(found) < _A_PAGE:
            return
        last = found[-1].id


async def read_preview(connection: Connection, preview_id: int) -> PreviewRow | None:
    async with connection.cursor(row_factory=typed(PreviewRow)) as cursor:
        await cursor.execute(f"{_ROWS} WHERE previews.id = %s".encode(), (preview_id,))
        return await cursor.fetchone()


async def lock_preview(tx: Transaction, preview_id: int) -> PreviewRow | None:
    """Nothing that is told of it is noted until the transaction ends."""
    await tx.connection.execute("SELECT FROM previews WHERE id = %s FOR UPDATE", (preview_id,))
    return await read_preview(tx.connection, preview_id)
