"""Looking after certificates: each is looked at when its time has come, and what is to be done then is done once, as
work in the queue: asking the authority, seeing what visitors are shown, telling of an end that comes near.

Nothing here hinders a deployment: a site has what is there, and what is not comes later."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
from psycopg.types.json import Jsonb

from bakery.ingress.certificates import Certificate, ask_for_look, certificates_of, read_certificate
from bakery.ingress.dns_providers import DnsProvider, read_dns_provider
from bakery.ingress.domains import attached_names, names_proven_by, names_with_right_dns
from bakery.ingress.tasks import CERTIFY, ask_for_refresh
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.certificates import (
    Held,
    Refused,
    alarm_due,
    counts,
    covers,
    is_enough,
    next_alarm,
    next_try,
    orderable,
    renew_from,
)
from bakery.model.errors import CommandFailed, NodeUnreachable
from bakery.model.names import HostName
from bakery.nodes.certificates import Authority, ExternalAccount, NodeCertificates
from bakery.nodes.helper_calls import lacks_verb
from bakery.nodes.links import Links
from bakery.settings import Settings
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

_EVERY = 2.0
_AT_ONCE = 50
_CLAIMED_FOR = timedelta(minutes=20)  # longer than an order; then somebody looks whether it was forgotten
_UNTIL_SHOWN = timedelta(seconds=10)
_SHOWN_WRONG = timedelta(minutes=5)
_IN_USE = timedelta(minutes=1)
_ANYTHING_BELOW = "bakery-looks."


async def keep_certified(store: Store, queue: Queue, authority: Authority | None) -> None:
    """Begins with those of which another authority was asked, or none."""
    if authority is not None:
        async with store.transaction() as tx:
            await tx.connection.execute(
                "UPDATE certificates SET try_at = now() WHERE NOT is_uploaded AND directory IS DISTINCT FROM %s",
                (authority.directory,),
            )
    while True:
        while await look_in_time(store, queue):
            pass
        await asyncio.sleep(_EVERY)


async def look_in_time(store: Store, queue: Queue) -> int:
    """Asks for a look at those whose time has come. Says how many; several processes share the work."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            UPDATE certificates SET try_at = now() + %(claimed)s WHERE id IN (
                SELECT id FROM certificates WHERE try_at <= now() ORDER BY try_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
            RETURNING id
            """,
            {"claimed": _CLAIMED_FOR, "most": _AT_ONCE},
        )
        due = [int(certificate_id) for (certificate_id,) in await cursor.fetchall()]
        for certificate_id in due:
            await ask_for_look(tx, queue, certificate_id)
    return len(due)


def register_tasks(queue: Queue, store: Store, links: Links, authority: Authority | None) -> None:
    """`authority` None: nobody is asked."""

    async def certify_one(certificate_id: int) -> None:
        await certify(store, queue, links, authority, certificate_id)

    queue.register(CERTIFY, certify_one)


@dataclass(frozen=True, slots=True)
class _Place:
    node_id: int
    app_id: int
    slug: str
    environment: str
    is_live: bool


async def certify(store: Store, queue: Queue, links: Links, authority: Authority | None, certificate_id: int) -> None:
    """Whatever is to be done about one. Harmless to do again."""
    async with store.connection() as connection:
        found = await read_certificate(connection, certificate_id)
        if found is None:
            return
        async with connection.cursor(row_factory=typed(_Place)) as cursor:
            await cursor.execute(
                """
                SELECT node_id, app_id, apps.slug, environments.name AS environment,
                       NOT is_stopped AND EXISTS (SELECT FROM slots WHERE slots.environment_id = environments.id
                                                  AND slots.state = 'live') AS is_live
                FROM environments JOIN apps ON apps.id = app_id WHERE environments.id = %s
                """,
                (found.environment_id,),
            )
            place = await cursor.fetchone()
        if place is None:
            return
        provider = await read_dns_provider(connection, found.dns_provider) if found.dns_provider else None
        if provider is None:
            wanted = orderable(await names_with_right_dns(connection, found.environment_id))
        else:
            wanted = await names_proven_by(connection, found.environment_id, provider.name)
        others = [one for one in await certificates_of(connection, found.environment_id) if one.id != found.id]
        attached = await attached_names(connection, found.environment_id)
    now = datetime.now(UTC)
    lasting = [one for one in others if one.not_after and one.not_after > now]
    if provider is not None and not wanted and found.removed_at is None:
        needed = [host for host in found.names if host in attached]
        if all(any(covers(one.names, host) for one in lasting) for host in needed):
            await _give_up(store, queue, found)
            return
    node = await links.node(place.node_id)
    if node.certificates is None:
        return
    look = _Look(store, queue, node.certificates, found, place)
    if found.removed_at is not None:
        await look.take_away()
    elif found.is_uploaded or authority is None:
        await look.watch()
    else:
        brought = [one.names for one in lasting if one.is_uploaded]
        wanted = tuple(host for host in wanted if not any(covers(names, host) for names in brought))
        await look.order(authority, wanted, provider)


async def _give_up(store: Store, queue: Queue, found: Certificate) -> None:
    """Nobody needs one any more that was proven by DNS."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE certificates SET removed_at = now(), try_at = now() + %s WHERE id = %s", (_IN_USE, found.id)
        )
        await ask_for_refresh(tx, queue, found.environment_id)


@dataclass(frozen=True, slots=True)
class _Look:
    """At one certificate."""

    store: Store
    queue: Queue
    node: NodeCertificates
    found: Certificate
    place: _Place

    async def take_away(self) -> None:
        try:
            await self.node.remove(self.found.name)
        except CommandFailed:  # a site still has it: its refresh comes
            await self._again_at(datetime.now(UTC) + _IN_USE)
            return
        async with self.store.transaction() as tx:
            await tx.connection.execute("DELETE FROM certificates WHERE id = %s", (self.found.id,))

    async def order(
        self, authority: Authority, wanted: tuple[HostName, ...], provider: DnsProvider | None = None
    ) -> None:
        now, found, held = datetime.now(UTC), self.found, self.found.held
        is_of_another = held is not None and found.directory != authority.directory
        if not wanted or not (found.is_wanted_anew or is_of_another or not is_enough(held, wanted, now)):
            await self._settle()
            await self.watch()
            return
        is_for_less = set(wanted) <= set(found.wanted)
        if found.next_try is not None and found.next_try > now and (found.is_barred or is_for_less):
            await self.watch(at_latest=found.next_try)
            return
        if not await self._begin(wanted):
            await self._again_at(now + timedelta(seconds=20))
            return
        try:
            answer = await self.node.issue(
                found.name,
                wanted,
                authority,
                instead_of=self._instead_of(wanted),
                dns=provider.proof(self.store.vault) if provider else None,
            )
        except NodeUnreachable as error:
            await self._refused(Refused("node", error.message))
            return
        except CommandFailed as error:
            kind = "old-helper" if lacks_verb(error) else "other"
            await self._refused(Refused(kind, f"{error.message} {error.hint}".strip()))
            return
        if isinstance(answer, Held):
            await self._issued(answer, authority)
        else:
            await self._refused(answer)

    def _instead_of(self, wanted: tuple[HostName, ...]) -> str | None:
        return self.found.fingerprint if sorted(self.found.names) == sorted(wanted) else None

    async def _begin(self, wanted: tuple[HostName, ...]) -> bool:
        """False: one of the names is in another order."""
        async with self.store.transaction() as tx:
            cursor = await tx.connection.execute(
                """
                INSERT INTO names_in_order (host, certificate_id) SELECT unnest(%(hosts)s::text[]), %(id)s
                ON CONFLICT (host) DO UPDATE SET certificate_id = excluded.certificate_id
                WHERE names_in_order.certificate_id = excluded.certificate_id
                """,
                {"hosts": list(wanted), "id": self.found.id},
            )
            if cursor.rowcount < len(wanted):
                await tx.connection.execute("DELETE FROM names_in_order WHERE certificate_id = %s", (self.found.id,))
                return False
            await tx.connection.execute(
                "UPDATE certificates SET ordering_since = now(), wanted = %s WHERE id = %s",
                (list(wanted), self.found.id),
            )
            self._publish(tx)
        return True

    async def _settle(self) -> None:
        """There is nothing to be asked for."""
        async with self.store.transaction() as tx:
            await tx.connection.execute("DELETE FROM names_in_order WHERE certificate_id = %s", (self.found.id,))
            await tx.connection.execute(
                """
                UPDATE certificates SET ordering_since = NULL, refused = NULL, tries = 0, next_try = NULL,
                    is_barred = false WHERE id = %s
                """,
                (self.found.id,),
            )
            self._publish(tx)

    async def _issued(self, held: Held, authority: Authority) -> None:
        """Visitors have it with the refresh of the site that is asked for here; then it is seen whether they do."""
        async with self.store.transaction() as tx:
            await tx.connection.execute("DELETE FROM names_in_order WHERE certificate_id = %s", (self.found.id,))
            await tx.connection.execute(
                """
                UPDATE certificates SET fingerprint = %(fingerprint)s, names = %(names)s, not_before = %(not_before)s,
                    not_after = %(not_after)s, issuer = %(issuer)s, directory = %(directory)s, ordering_since = NULL,
                    refused = NULL, tries = 0, next_try = NULL, is_barred = false, is_wanted_anew = false,
                    alarmed = NULL, try_at = now() + %(until_shown)s
                WHERE id = %(id)s
                """,
                {
                    "id": self.found.id,
                    "fingerprint": held.fingerprint,
                    "names": list(held.names),
                    "not_before": held.not_before,
                    "not_after": held.not_after,
                    "issuer": held.issuer,
                    "directory": authority.directory,
                    "until_shown": _UNTIL_SHOWN,
                },
            )
            await tx.connection.execute(
                """
                UPDATE certificates SET try_at = now()
                WHERE environment_id = %s AND dns_provider IS NOT NULL AND id <> %s
                """,
                (self.found.environment_id, self.found.id),
            )
            await ask_for_refresh(tx, self.queue, self.found.environment_id)
            _record(tx, "certificate.issued" if self.found.held is None else "certificate.renewed", self.place, held)
            self._publish(tx)

    async def _refused(self, refused: Refused) -> None:
        now, tries = datetime.now(UTC), self.found.tries + counts(refused)
        again = next_try(refused, max(tries, 1), now)
        log.warning("certificate_refused", app=self.place.slug, kind=refused.kind, said=refused.said, tries=tries)
        async with self.store.transaction() as tx:
            await tx.connection.execute("DELETE FROM names_in_order WHERE certificate_id = %s", (self.found.id,))
            await tx.connection.execute(
                """
                UPDATE certificates SET ordering_since = NULL, refused = %(refused)s, tries = %(tries)s,
                    next_try = %(again)s, is_barred = %(barred)s,
                    try_at = CASE WHEN try_at IS NOT DISTINCT FROM %(read)s THEN %(again)s ELSE try_at END
                WHERE id = %(id)s
                """,
                {
                    "id": self.found.id,
                    "refused": Jsonb(msgspec.to_builtins(refused)),
                    "tries": tries,
                    "again": again,
                    "read": self.found.try_at,
                    "barred": refused.kind == "rate-limited" or refused.retry_after is not None,
                },
            )
            if refused.kind == "unauthorized":  # a site of before Bakery knew of certificates says nothing to them
                await ask_for_refresh(tx, self.queue, self.found.environment_id)
            self._publish(tx)
        await self._alarm(now)

    async def watch(self, *, at_latest: datetime | None = None) -> None:
        """That visitors are shown what is there, and when it ends."""
        now, held = datetime.now(UTC), self.found.held
        if held is None:
            if at_latest:
                await self._again_at(at_latest)
            return
        trouble = await self._trouble(held)
        if trouble != self.found.trouble:
            async with self.store.transaction() as tx:
                await tx.connection.execute(
                    "UPDATE certificates SET trouble = %s WHERE id = %s", (trouble, self.found.id)
                )
                self._publish(tx)
        alarmed = await self._alarm(now)
        moments = [at_latest, next_alarm(held.not_after, alarmed, now), now + _SHOWN_WRONG if trouble else None]
        if not self.found.is_uploaded and renew_from(held) > now:
            moments.append(renew_from(held))
        if known := [one for one in moments if one is not None]:
            await self._again_at(min(known))

    async def _trouble(self, held: Held) -> str:
        """Empty where nothing is live: nobody is shown anything."""
        async with self.store.connection() as connection:
            others = await certificates_of(connection, self.found.environment_id)
        host = next(iter(sorted(held.names, reverse=True)), HostName(""))  # those with a star last
        first = next((one for one in others if one.held is not None and covers(one.names, host)), None)
        if not host or not self.place.is_live or first is None or first.id != self.found.id:
            return ""
        host = HostName(_ANYTHING_BELOW + host.removeprefix("*.")) if host.startswith("*.") else host
        served = await self.node.served(host)
        if served.fingerprint == held.fingerprint:
            return ""
        if served.fingerprint is None:
            return f"nginx on the node shows no certificate for {host}: {served.said}"
        return f"nginx on the node shows another certificate for {host}."

    async def _alarm(self, now: datetime) -> int | None:
        """Of how many days the last one was."""
        held, alarmed = self.found.held, self.found.alarmed
        due = alarm_due(held.not_after, alarmed, now) if held else None
        if held is None or due is None:
            return alarmed
        log.warning("certificate_ends", app=self.place.slug, names=list(held.names), until=held.not_after.isoformat())
        async with self.store.transaction() as tx:
            await tx.connection.execute("UPDATE certificates SET alarmed = %s WHERE id = %s", (due, self.found.id))
            _record(tx, "certificate.ends", self.place, held)
            self._publish(tx)
        return due

    async def _again_at(self, moment: datetime) -> None:
        """Unless somebody wants a look since we began ours."""
        async with self.store.transaction() as tx:
            await tx.connection.execute(
                "UPDATE certificates SET try_at = %s WHERE id = %s AND try_at IS NOT DISTINCT FROM %s",
                (moment, self.found.id, self.found.try_at),
            )

    def _publish(self, tx: Transaction) -> None:
        tx.publish("apps", f"app:{self.place.slug}")


def _record(tx: Transaction, action: str, place: _Place, held: Held) -> None:
    told = {
        "names": list(held.names), "until": f"{held.not_after:%Y-%m-%d}", "environment": place.environment,
    }  # fmt: skip
    tx.record(AuditEntry(Actor.system(), action, "app", str(place.app_id), place.slug, app_id=place.app_id, after=told))


def authority_of(settings: Settings) -> Authority | None:
    """None: nobody is to be asked."""
    if settings.acme_directory is None:
        return None
    kid, key = settings.acme_eab_kid, settings.acme_eab_key
    account = ExternalAccount(kid, key) if kid and key else None
    return Authority(settings.acme_directory, settings.acme_email, account, settings.acme_ca)
