"""What the rows say of webhooks and of what was delivered to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from psycopg.types.json import Jsonb

from bakery.hooks.decide import Decided, Decision, Followed
from bakery.hooks.payloads import NOTHING, Envelope, Push
from bakery.hooks.pull_requests import PullRequest
from bakery.hooks.signatures import Provider
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.model.secret import Secret
from bakery.store.rows import only, typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

_FAR = 500  # pushes that are followed from one to the other
_DELIVERIES_ARE_KEPT = timedelta(days=30)
_BODIES_ARE_KNOWN = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Hook:
    """What a delivery is held against. The secret stays sealed until somebody opens it."""

    environment_id: int
    app_id: int
    app: AppName
    environment: EnvironmentName
    secret: bytes

    @property
    def where(self) -> AppAt:
        return AppAt(self.app, self.environment)

    def open_secret(self, vault: Vault) -> Secret:
        return vault.open(_place(self.environment_id), self.secret)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that arrived, and what was decided. `times` is how often it did. `deployment` is a number."""

    id: int
    delivery: str
    is_signed: bool
    provider: str
    event: str
    decision: Decision
    why: str
    ref: str
    commit: str
    title: str
    pusher: str
    deployment: int | None
    redelivers: int | None
    times: int
    at: datetime
    may_redeliver: bool


DELIVERY = """
SELECT id, delivery, is_signed, provider, event, decision, why, ref, commit, title, pusher, deployment, redelivers,
       times, at, coalesce(push, request) IS NOT NULL AS may_redeliver
FROM webhook_deliveries
"""
_HOOK = """
SELECT webhooks.environment_id, apps.id AS app_id, apps.slug AS app, environments.name AS environment, secret
FROM webhooks JOIN environments ON environments.id = environment_id AND going_since IS NULL
JOIN apps ON apps.id = environments.app_id AND deleted_at IS NULL
"""


def seal_secret(vault: Vault, environment_id: int, secret: Secret) -> bytes:
    return vault.seal(_place(environment_id), secret)


def _place(environment_id: int) -> Place:
    return Place("webhooks", environment_id, "secret")


async def find_hook(store: Store, hook: str) -> Hook | None:
    if "\0" in hook:  # which the database does not take
        return None
    return await _find(store, f"{_HOOK} WHERE hook = %s", (hook,))


async def find_hook_of(store: Store, where: AppAt) -> Hook | None:
    return await _find(
        store,
        f"{_HOOK} WHERE secret IS NOT NULL AND apps.slug = %s AND environments.name = %s",
        (where.app, where.environment),
    )


async def find_followers(store: Store, installation: int, repository: int) -> list[Hook]:
    """The environments that follow a repository by an installation of the GitHub App, both as GitHub counts. Their own
    secret, if they have one, is of no use to the App's webhook."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(Hook)) as cursor:
        await cursor.execute(
            """
            SELECT webhooks.environment_id, apps.id AS app_id, apps.slug AS app, environments.name AS environment,
                   ''::bytea AS secret
            FROM git_sources JOIN webhooks USING (environment_id)
            JOIN environments ON environments.id = environment_id AND going_since IS NULL
            JOIN apps ON apps.id = environments.app_id AND deleted_at IS NULL
            WHERE github_installation = %s::numeric AND github_repository = %s::numeric ORDER BY environment_id
            """,
            (installation, repository),
        )
        return await cursor.fetchall()


async def _find(store: Store, statement: str, values: tuple[str, ...]) -> Hook | None:
    async with store.connection() as connection, connection.cursor(row_factory=typed(Hook)) as cursor:
        await cursor.execute(statement.encode(), values)
        return await cursor.fetchone()


async def read_followed(tx: Transaction, environment_id: int) -> Followed | None:
    """Whoever has it is alone with the environment's pushes until the transaction ends. What was learned of another
    repository than the one that is followed now says nothing."""
    async with tx.connection.cursor(row_factory=typed(Followed)) as cursor:
        await cursor.execute(
            """
            SELECT git_sources.url, git_sources.branch, coalesce(git_sources.base, '') AS base, is_on, paths, tags,
                   CASE WHEN repository_url = git_sources.url THEN repository_id END AS repository_id,
                   CASE WHEN repository_url = git_sources.url AND head_branch = branch THEN head END AS head,
                   CASE WHEN repository_url = git_sources.url AND head_branch = branch THEN head_at END AS head_at
            FROM webhooks LEFT JOIN git_sources USING (environment_id)
            WHERE environment_id = %s FOR UPDATE OF webhooks
            """,
            (environment_id,),
        )
        return await cursor.fetchone()


async def is_behind(tx: Transaction, environment_id: int, told: Push | PullRequest, head: str | None) -> bool:
    """Whether deliveries that arrived lead from this one's commit to the head."""
    if head is None:
        return False
    cursor = await tx.connection.execute(
        """
        WITH RECURSIVE later (commit, steps) AS (
            SELECT %(commit)s, 0
            UNION
            SELECT one.commit, steps + 1 FROM later JOIN webhook_deliveries AS one
            ON one.environment_id = %(environment)s AND one.is_signed AND one.ref = %(ref)s
            AND one.before = later.commit AND one.before <> %(nothing)s AND steps < %(far)s
        )
        SELECT EXISTS (SELECT FROM later WHERE commit = %(head)s AND steps > 0)
        """,
        {
            "environment": environment_id,
            "commit": told.commit,
            "ref": told.ref,
            "head": head,
            "nothing": NOTHING,
            "far": _FAR,
        },
    )
    return bool((await only(cursor))[0])


async def keep_delivery(
    tx: Transaction,
    environment_id: int,
    envelope: Envelope,
    decided: Decided,
    told: Push | PullRequest | None,
    *,
    redelivers: int | None = None,
) -> int | None:
    """None: it came before, which is counted."""
    push, request = (told, None) if isinstance(told, Push) else (None, told)
    cursor = await tx.connection.execute(
        """
        INSERT INTO webhook_deliveries (environment_id, delivery, is_signed, provider, event, decision, why, ref,
                                        before, commit, title, pusher, push, request, redelivers)
        VALUES (%(environment)s, %(delivery)s, true, %(provider)s, %(event)s, %(decision)s, %(why)s, %(ref)s,
                %(before)s, %(commit)s, %(title)s, %(pusher)s, %(push)s, %(request)s, %(redelivers)s)
        ON CONFLICT (environment_id, delivery) WHERE is_signed
        DO UPDATE SET times = webhook_deliveries.times + 1
        RETURNING id, times
        """,
        {
            "environment": environment_id,
            "delivery": envelope.delivery,
            "provider": envelope.provider,
            "event": envelope.event,
            "decision": decided.decision,
            "why": decided.why,
            "ref": told.ref if told else "",
            "before": told.before if told else "",
            "commit": told.commit if told and not (push and push.is_gone) else "",
            "title": told.title if told else "",
            "pusher": push.pusher if push else request.author if request else "",
            "push": Jsonb(msgspec.to_builtins(push)) if push else None,
            "request": Jsonb(msgspec.to_builtins(request)) if request else None,
            "redelivers": redelivers,
        },
    )
    found, times = await only(cursor)
    return int(found) if times == 1 else None


async def came_before(tx: Transaction, environment_id: int, digest: bytes) -> bool:
    """Whether this body did, under whatever id; the delivery that it came with is counted once more."""
    cursor = await tx.connection.execute(
        """
        WITH known AS (SELECT delivery FROM webhook_bodies WHERE environment_id = %s AND hash = %s),
        counted AS (UPDATE webhook_deliveries SET times = times + 1 FROM known WHERE id = known.delivery)
        SELECT FROM known
        """,
        (environment_id, digest),
    )
    return cursor.rowcount > 0


async def note_body(tx: Transaction, environment_id: int, digest: bytes, delivery_id: int) -> None:
    await tx.connection.execute(
        "INSERT INTO webhook_bodies (environment_id, hash, delivery) VALUES (%s, %s, %s)",
        (environment_id, digest, delivery_id),
    )


async def keep_rejections(store: Store, hook: Hook, provider: Provider, why: str, times: int) -> None:
    """What anybody can send: an hour's worth of one kind is one row. Harmless when the environment went meanwhile."""
    async with store.transaction() as tx:
        known = await tx.connection.execute(
            """
            UPDATE webhook_deliveries SET times = times + %s, at = now()
            WHERE id = (SELECT id FROM webhook_deliveries WHERE environment_id = %s AND NOT is_signed AND why = %s
                        AND at > now() - interval '1 hour' ORDER BY id DESC LIMIT 1)
            """,
            (times, hook.environment_id, why),
        )
        if known.rowcount:
            return
        await tx.connection.execute(
            """
            INSERT INTO webhook_deliveries (environment_id, delivery, is_signed, provider, event, decision, why, times)
            SELECT environment_id, '', false, %s, '', 'refused', %s, %s FROM webhooks WHERE environment_id = %s
            """,
            (provider, why, times, hook.environment_id),
        )
        tx.publish(f"app:{hook.app}")


async def note_head(tx: Transaction, environment_id: int, push: Push) -> None:
    """It is the newest commit now, and the repository is known by its number."""
    await tx.connection.execute(
        """
        UPDATE webhooks SET repository_url = git_sources.url,
            repository_id = coalesce(nullif(%(id)s, ''),
                                     CASE WHEN repository_url = git_sources.url THEN repository_id END),
            head = CASE WHEN %(is_tag)s THEN head ELSE %(commit)s END,
            head_branch = CASE WHEN %(is_tag)s THEN head_branch ELSE branch END,
            head_at = CASE WHEN %(is_tag)s THEN head_at ELSE %(at)s END
        FROM git_sources
        WHERE webhooks.environment_id = %(environment)s AND git_sources.environment_id = %(environment)s
        """,
        {
            "environment": environment_id,
            "id": push.repository_id,
            "is_tag": push.ref.startswith("refs/tags/"),
            "commit": push.commit,
            "at": push.at,
        },
    )


async def give_way(store: Store, environment_id: int, delivery_id: int) -> bool:
    """Whether a newer push is there to be deployed. All that are older than the newest are told so, for good: what was
    deployed is not taken back by a push that waited."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            WITH newest AS (
                SELECT id, commit FROM webhook_deliveries WHERE environment_id = %(environment)s
                AND decision = 'deploys' ORDER BY id DESC LIMIT 1
            ), older AS (
                UPDATE webhook_deliveries AS one SET decision = 'coalesced',
                    why = one.why || ' A newer push came before it was its turn: ' || left(newest.commit, 7) || '.'
                FROM newest WHERE environment_id = %(environment)s AND decision = 'deploys' AND deployment IS NULL
                AND one.id < newest.id
            )
            SELECT id > %(id)s FROM newest
            """,
            {"id": delivery_id, "environment": environment_id},
        )
        row = await cursor.fetchone()
        return row is not None and bool(row[0])


async def note_outcome(store: Store, delivery_id: int, *, deployment: int | None, failure: str = "") -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE webhook_deliveries SET deployment = %(deployment)s,
                decision = CASE WHEN %(failure)s = '' THEN 'deploys' ELSE 'failed' END,
                why = CASE WHEN %(failure)s = '' THEN why ELSE %(failure)s END
            WHERE id = %(id)s
            """,
            {"id": delivery_id, "deployment": deployment, "failure": failure},
        )


async def read_deliveries(
    connection: Connection, environment_id: int, *, before: int | None, limit: int
) -> list[Delivery]:
    """The newest first."""
    async with connection.cursor(row_factory=typed(Delivery)) as cursor:
        await cursor.execute(
            f"{DELIVERY} WHERE environment_id = %(environment)s AND (%(before)s::bigint IS NULL OR id < %(before)s) "
            "ORDER BY id DESC LIMIT %(limit)s".encode(),
            {"environment": environment_id, "before": before, "limit": limit},
        )
        return await cursor.fetchall()


async def forget_deliveries(store: Store) -> None:
    """Bodies are known for longer than their deliveries are told of: one that was captured is of no use later."""
    async with store.connection() as connection:
        await connection.execute("DELETE FROM webhook_deliveries WHERE at < now() - %s", (_DELIVERIES_ARE_KEPT,))
        await connection.execute("DELETE FROM webhook_bodies WHERE at < now() - %s", (_BODIES_ARE_KNOWN,))
