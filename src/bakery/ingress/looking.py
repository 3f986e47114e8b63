"""Looking at the DNS of domains: when somebody asks, and by itself, less and less often while it is not right."""

import asyncio
from datetime import timedelta

import msgspec
from psycopg.types.json import Jsonb

from bakery.ingress.dns import Dns
from bakery.ingress.domains import Domain, find_domain
from bakery.ingress.tasks import dns_changed
from bakery.model.actor import Actor
from bakery.model.dns import DnsState, Expected, Found, judge, pause_before_next
from bakery.model.names import AppAt, HostName
from bakery.model.permissions import Permission
from bakery.store.rows import typed
from bakery.store.store import Store

_AT_ONCE = 20
_EVERY = 2.0
_CLAIMED_FOR = timedelta(minutes=1)  # a process that dies meanwhile leaves it to the next


async def verify_domain(store: Store, dns: Dns, where: AppAt, host: HostName, *, actor: Actor) -> Domain:
    """Asks the DNS now. It is asked often again from here on, as after a change."""
    actor.require(Permission.DEPLOY)
    domain = await find_domain(store, where, host, actor)
    found = await dns.look_up(host)
    await _note(store, domain.id, found, domain.expected, looks=0)
    return await find_domain(store, where, host, actor)


async def keep_looking(store: Store, dns: Dns) -> None:
    while True:
        while await look_in_time(store, dns):
            pass
        await asyncio.sleep(_EVERY)


async def look_in_time(store: Store, dns: Dns) -> int:
    """At those whose time has come. Says how many; several processes share the work."""
    due = await _claim(store)
    async with asyncio.TaskGroup() as group:
        for one in due:
            group.create_task(_look(store, dns, one))
    return len(due)


class _Due(msgspec.Struct, frozen=True):
    id: int
    host: str
    looks: int
    public_address: str | None
    public_ipv6: str | None


async def _claim(store: Store) -> list[_Due]:
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Due)) as cursor:
        await cursor.execute(
            """
            UPDATE domains SET look_at = now() + %(claimed)s FROM environments JOIN nodes ON nodes.id = node_id
            WHERE environments.id = environment_id AND domains.id IN (
                SELECT id FROM domains WHERE look_at <= now() ORDER BY look_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
            RETURNING domains.id, domains.host, looks, public_address, public_ipv6
            """,
            {"claimed": _CLAIMED_FOR, "most": _AT_ONCE},
        )
        return await cursor.fetchall()


async def _look(store: Store, dns: Dns, due: _Due) -> None:
    found = await dns.look_up(due.host)
    await _note(store, due.id, found, Expected.of(due.public_address, due.public_ipv6), looks=due.looks)


async def _note(store: Store, domain_id: int, found: Found, expected: Expected, *, looks: int) -> None:
    state = judge(found, expected).state
    pause = pause_before_next(state, looks)
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            SELECT environment_id, dns_state, apps.slug FROM domains
            JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = app_id
            WHERE domains.id = %s FOR UPDATE OF domains
            """,
            (domain_id,),
        )
        row = await cursor.fetchone()
        if row is None:
            return  # it was removed meanwhile
        await tx.connection.execute(
            """
            UPDATE domains SET dns_state = %(state)s, dns = %(dns)s, looked_at = now(), look_at = now() + %(pause)s,
                looks = %(looks)s WHERE id = %(id)s
            """,
            {
                "state": state,
                "dns": Jsonb(msgspec.to_builtins(found)),
                "pause": pause,
                "looks": 0 if state is DnsState.RIGHT else looks + 1,
                "id": domain_id,
            },
        )
        environment_id, before, slug = row
        tx.publish(f"app:{slug}")
        if before != state:
            await dns_changed(tx, environment_id)
