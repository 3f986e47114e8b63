"""Host names that people attach to an environment. One name leads to one environment in the whole installation.

Where a name leads is nobody's word but that of the DNS: until it points to the node, no visitor comes, and no
certificate is asked for. `names_with_right_dns` says for which names one may be asked for; `tasks.dns_changed` is where
it becomes known that this changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors

from bakery.access.app_by_name import FoundApp, find_app
from bakery.ingress.owners import give_names_alone
from bakery.ingress.tasks import names_changed
from bakery.model.actor import Actor
from bakery.model.apps import automatic_host
from bakery.model.audit import AuditEntry
from bakery.model.dns import DnsState, DnsTrouble, Expected, Found, Record, judge, records
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.host_names import DomainName, parse_domain_name
from bakery.model.names import AppAt, AppName, EnvironmentName, HostName
from bakery.model.permissions import Permission
from bakery.store.installation import read_own_host
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

MOST_DOMAINS = 150  # of an environment; a site has room for more, of which certificates and redirects need some


@dataclass(frozen=True, slots=True)
class Domain:
    """`found` is None before the DNS was asked. `look_at` is when it is asked next. `dns_provider` is the one by which
    a name with a star gets its certificate."""

    id: int
    environment_id: int
    host: HostName
    shown: str
    is_primary: bool
    dns_state: DnsState
    found: Found | None
    looked_at: datetime | None
    look_at: datetime
    node: str
    public_address: str | None
    public_ipv6: str | None
    dns_provider: str | None

    @property
    def expected(self) -> Expected:
        return Expected.of(self.public_address, self.public_ipv6)

    @property
    def troubles(self) -> Sequence[DnsTrouble]:
        return judge(self.found, self.expected).troubles if self.found else ()

    @property
    def records(self) -> Sequence[Record]:
        """That are to be created at the DNS provider."""
        return records(self.host, self.found.zone if self.found else "", self.expected)


async def list_domains(store: Store, where: AppAt, *, actor: Actor) -> Sequence[Domain]:
    """The primary one first."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        return await _read(connection, app.environment_id)


async def attach_domain(store: Store, queue: Queue, where: AppAt, name: DomainName, *, actor: Actor) -> Domain:
    """The site answers to it at once. The first one is the primary."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    try:
        async with store.transaction() as tx:
            await give_names_alone(tx.connection)
            await _expect_room(tx, app)
            own_host = await read_own_host(tx.connection)
            if name.host == own_host:
                raise Conflict(f"{name.shown} is the address of Bakery itself.", hint="Choose another name.")
            await _expect_free_of_nodes(tx, name)
            if name.is_wildcard:
                await _expect_to_catch_nobody(tx, app, name, own_host)
            await tx.connection.execute(
                """
                INSERT INTO domains (environment_id, host, shown, is_primary)
                SELECT %(environment)s, %(host)s, %(shown)s, NOT %(is_wildcard)s AND NOT EXISTS (
                    SELECT FROM domains WHERE environment_id = %(environment)s AND is_primary)
                """,
                {
                    "environment": app.environment_id,
                    "host": name.host,
                    "shown": name.shown,
                    "is_wildcard": name.is_wildcard,
                },
            )
            await _changed(tx, queue, app, actor, "domain.attached", where, after={"domain": name.shown})
    except errors.UniqueViolation as error:
        raise await _taken(store, name, actor) from error
    return await _one(store, app.environment_id, name.host)


async def make_primary(store: Store, queue: Queue, where: AppAt, host: HostName, *, actor: Actor) -> Domain:
    """The name under which the app is shown and linked."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    if host.startswith("*"):
        raise Conflict("A name with a star stands for many, so it is not the primary one.", hint="Choose another.")
    async with store.transaction() as tx:
        before = await _locked(tx, app, host)
        old = next((one.shown for one in before if one.is_primary), None)
        new = next(one for one in before if one.host == host)
        if not new.is_primary:
            await tx.connection.execute(
                "UPDATE domains SET is_primary = false WHERE environment_id = %s AND is_primary", (app.environment_id,)
            )
            await tx.connection.execute("UPDATE domains SET is_primary = true WHERE id = %s", (new.id,))
            told: dict[str, object] = {"domain": new.shown}
            await _changed(tx, queue, app, actor, "domain.made_primary", where, before={"domain": old}, after=told)
    return await _one(store, app.environment_id, host)


async def remove_domain(store: Store, queue: Queue, where: AppAt, host: HostName, *, actor: Actor) -> None:
    """The site answers to it no more. The next one becomes the primary when it was."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        before = await _locked(tx, app, host)
        gone = next(one for one in before if one.host == host)
        await tx.connection.execute("DELETE FROM domains WHERE id = %s", (gone.id,))
        if gone.is_primary:
            await tx.connection.execute(
                """
                UPDATE domains SET is_primary = true WHERE id = (
                    SELECT min(id) FROM domains WHERE environment_id = %s AND host NOT LIKE '*%%')
                """,
                (app.environment_id,),
            )
        await _changed(tx, queue, app, actor, "domain.removed", where, before={"domain": gone.shown})


async def attached_names(connection: Connection, environment_id: int) -> tuple[HostName, ...]:
    """That its site answers to, beside the one that it has by itself. The primary one first."""
    cursor = await connection.execute(
        "SELECT host FROM domains WHERE environment_id = %s ORDER BY is_primary DESC, id", (environment_id,)
    )
    return tuple(HostName(host) for (host,) in await cursor.fetchall())


async def names_with_right_dns(connection: Connection, environment_id: int) -> tuple[HostName, ...]:
    """For which certificates may be asked: their DNS led to the node when it was last looked at."""
    cursor = await connection.execute(
        "SELECT host FROM domains WHERE environment_id = %s AND dns_state = 'right' ORDER BY is_primary DESC, id",
        (environment_id,),
    )
    return tuple(HostName(host) for (host,) in await cursor.fetchall())


async def names_proven_by(connection: Connection, environment_id: int, provider: str) -> tuple[HostName, ...]:
    """Names with a star, for which a certificate may be asked wherever they lead: that the zone is ours is proven in
    it."""
    cursor = await connection.execute(
        "SELECT host FROM starred_domains WHERE environment_id = %s AND provider = %s ORDER BY host",
        (environment_id, provider),
    )
    return tuple(HostName(host) for (host,) in await cursor.fetchall())


async def _read(connection: Connection, environment_id: int, host: str | None = None) -> list[Domain]:
    async with connection.cursor(row_factory=typed(Domain)) as cursor:
        await cursor.execute(
            """
            SELECT domains.id, domains.environment_id, domains.host, shown, is_primary, dns_state, dns AS found,
                   looked_at, look_at, nodes.slug AS node, public_address, public_ipv6,
                   starred_domains.provider AS dns_provider
            FROM domains JOIN environments ON environments.id = environment_id JOIN nodes ON nodes.id = node_id
            LEFT JOIN starred_domains ON starred_domains.id = domains.id
            WHERE domains.environment_id = %(environment)s AND (%(host)s::text IS NULL OR domains.host = %(host)s)
            ORDER BY is_primary DESC, domains.id
            """,
            {"environment": environment_id, "host": host},
        )
        return await cursor.fetchall()


async def _one(store: Store, environment_id: int, host: HostName) -> Domain:
    async with store.connection() as connection:
        found = await _read(connection, environment_id, host)
    if not found:
        raise no_such_domain(host)
    return found[0]


async def find_domain(store: Store, where: AppAt, host: HostName, actor: Actor) -> Domain:
    app = await find_app(store, where, actor)
    return await _one(store, app.environment_id, host)


def attached_host(text: str) -> HostName:
    """As an address or a form names it. What cannot be a name is a domain that no app has."""
    try:
        return parse_domain_name(text).host
    except BadInput:
        raise no_such_domain(text) from None


def no_such_domain(host: str) -> NotFound:
    return NotFound(f"The app has no domain {host}.", hint="Those that it has: bakery domains list APP")


async def _locked(tx: Transaction, app: FoundApp, host: HostName) -> list[Domain]:
    """All of its names, which nobody changes until the transaction ends."""
    await tx.connection.execute("SELECT FROM environments WHERE id = %s FOR UPDATE", (app.environment_id,))
    found = await _read(tx.connection, app.environment_id)
    if not any(one.host == host for one in found):
        raise no_such_domain(host)
    return found


async def _expect_room(tx: Transaction, app: FoundApp) -> None:
    await tx.connection.execute("SELECT FROM environments WHERE id = %s FOR UPDATE", (app.environment_id,))
    if len(await _read(tx.connection, app.environment_id)) >= MOST_DOMAINS:
        raise Conflict(
            f"An environment has at most {MOST_DOMAINS} domains.", hint="Remove one, or use a name with a star."
        )


async def _expect_free_of_nodes(tx: Transaction, name: DomainName) -> None:
    """Below a node's own domain apps get their names by themselves, also those that do not exist yet."""
    cursor = await tx.connection.execute("SELECT slug, apps_domain FROM nodes ORDER BY slug")
    for slug, apps_domain in await cursor.fetchall():
        bare = name.host.removeprefix("*.")
        if bare == apps_domain or bare.endswith(f".{apps_domain}"):
            raise Conflict(
                f"Below {apps_domain}, apps of the node {slug} get their names by themselves.",
                hint=f"The app has {automatic_host(AppAt(AppName('APP'), EnvironmentName('production')), apps_domain)} "
                "without any of this. Attach a name of another domain.",
            )


async def _expect_to_catch_nobody(tx: Transaction, app: FoundApp, name: DomainName, own_host: str | None) -> None:
    """For nginx a star stands for any number of labels: what no site of its node has would come to this app, as the
    names of apps that are gone or do not exist yet, and Bakery's own where that has no site.
    """
    cursor = await tx.connection.execute(
        """
        SELECT apps_domain, kind = 'local' FROM nodes JOIN environments ON node_id = nodes.id WHERE environments.id = %s
        """,
        (app.environment_id,),
    )
    for apps_domain, is_bakerys in await cursor.fetchall():
        others = [f"names of apps below {apps_domain}"] if _catches(name.host, apps_domain) else []
        if is_bakerys and own_host is not None and _catches(name.host, own_host):
            others.append(f"{own_host}, where Bakery itself answers")
        if others:
            raise Conflict(
                f"{name.shown} would also catch {' and '.join(others)}.",
                hint="Attach a name below another domain, or move the app to another node.",
            )


def _catches(star: str, host: str) -> bool:
    return host.endswith(star.removeprefix("*"))


async def _taken(store: Store, name: DomainName, actor: Actor) -> Conflict:
    """Who has it is said to those who see that app."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT apps.id, apps.slug, environments.name FROM domains
            JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = app_id WHERE host = %s
            """,
            (name.host,),
        )
        row = await cursor.fetchone()
    if row is None or not actor.sees_app(row[0]):
        return Conflict(
            f"{name.shown} belongs to another app.", hint="An Admin sees which one. A name leads to one app alone."
        )
    owner = AppAt(AppName(row[1]), EnvironmentName(row[2]))
    return Conflict(
        f"{name.shown} belongs to {owner} already.",
        hint=f"Remove it there first: bakery domains remove {owner.arguments} {name.host}",
    )


async def _changed(
    tx: Transaction,
    queue: Queue,
    app: FoundApp,
    actor: Actor,
    action: str,
    where: AppAt,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    await names_changed(tx, queue, app.environment_id)
    tx.publish("apps", f"app:{app.slug}")
    place = {"environment": where.environment}
    tx.record(
        AuditEntry(
            actor,
            action,
            "app",
            str(app.id),
            app.slug,
            app_id=app.id,
            before={**before, **place} if before else None,
            after={**after, **place} if after else None,
        )
    )
