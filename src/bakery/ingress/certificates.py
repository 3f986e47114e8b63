"""The certificates of an environment: what there is, asking once more, bringing one's own and taking it away.

Keys lie on the node alone. One that is brought goes before the one that Bakery asks for, for the names that it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bakery.access.app_by_name import FoundApp, find_app
from bakery.ingress.domains import attached_names
from bakery.ingress.tasks import CERTIFY, ask_for_refresh, certificates_lock
from bakery.model.actor import Actor
from bakery.model.apps import automatic_host
from bakery.model.audit import AuditEntry
from bakery.model.certificates import Held, Refused
from bakery.model.errors import BadInput, CommandFailed, Conflict, NotFound
from bakery.model.names import AppAt, CertificateName, HostName, certificate_name
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.nodes.links import Links
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction


class CertificateState(StrEnum):
    """Waiting: for the DNS of a name, or for its turn. Failing: the last order brought nothing; what was there before
    goes on."""

    WAITING = "waiting"
    ORDERING = "ordering"
    FAILING = "failing"
    VALID = "valid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Certificate:
    """`names` and what follows are those of what lies on the node, `wanted` those of the last order. `dns_provider` is
    by whom names with a star are proven; None: the site proves them."""

    id: int
    environment_id: int
    is_uploaded: bool
    dns_provider: str | None
    fingerprint: str | None
    names: tuple[HostName, ...]
    not_before: datetime | None
    not_after: datetime | None
    issuer: str
    directory: str | None
    wanted: tuple[HostName, ...]
    is_wanted_anew: bool
    ordering_since: datetime | None
    tries: int
    refused: Refused | None
    next_try: datetime | None
    is_barred: bool
    try_at: datetime | None
    alarmed: int | None
    trouble: str
    removed_at: datetime | None

    @property
    def name(self) -> CertificateName:
        return certificate_name(self.id)

    @property
    def held(self) -> Held | None:
        if self.fingerprint is None or self.not_before is None or self.not_after is None:
            return None
        return Held(self.fingerprint, self.names, self.not_before, self.not_after, self.issuer)

    def state_at(self, now: datetime) -> CertificateState:
        if self.ordering_since is not None:
            return CertificateState.ORDERING
        if self.refused is not None:
            return CertificateState.FAILING
        if self.not_after is None:
            return CertificateState.WAITING
        return CertificateState.VALID if now < self.not_after else CertificateState.EXPIRED


async def list_certificates(store: Store, where: AppAt, *, actor: Actor) -> Sequence[Certificate]:
    """Those that were brought first."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        return await certificates_of(connection, app.environment_id)


async def certificates_of(connection: Connection, environment_id: int) -> list[Certificate]:
    return await _read(connection, environment_id=environment_id)


async def read_certificate(connection: Connection, certificate_id: int) -> Certificate | None:
    """Also one that is to be taken away."""
    return next(iter(await _read(connection, certificate_id=certificate_id)), None)


async def _read(
    connection: Connection, *, environment_id: int | None = None, certificate_id: int | None = None
) -> list[Certificate]:
    async with connection.cursor(row_factory=typed(Certificate)) as cursor:
        await cursor.execute(
            """
            SELECT id, environment_id, is_uploaded, dns_provider, fingerprint, names, not_before, not_after, issuer,
                   directory, wanted, is_wanted_anew, ordering_since, tries, refused, next_try, is_barred,
                   try_at, alarmed, trouble, removed_at
            FROM certificates
            WHERE id = %(id)s OR (environment_id = %(environment)s AND removed_at IS NULL)
            ORDER BY is_uploaded DESC, id DESC
            """,
            {"id": certificate_id, "environment": environment_id},
        )
        return await cursor.fetchall()


async def certificates_to_show(connection: Connection, environment_id: int) -> tuple[CertificateName, ...]:
    """To visitors of its site, which takes the first that has a name. One that expired is better than none."""
    now = datetime.now(UTC)
    found = [one for one in await certificates_of(connection, environment_id) if one.not_after is not None]
    return tuple(one.name for one in sorted(found, key=lambda one: one.state_at(now) is CertificateState.EXPIRED))


async def ask_again(store: Store, queue: Queue, where: AppAt, *, anew: bool, actor: Actor) -> None:
    """Now, and not when its time would have come. `anew`: also where the one that there is would do for long."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        found = await _locked(tx, app)
        ordered = [one for one in found if not one.is_uploaded]
        if not ordered:
            raise Conflict(
                "The app has no domain to ask a certificate for.", hint=f"bakery domains add {where.app} HOST"
            )
        now = datetime.now(UTC)
        free = [one for one in ordered if not (one.is_barred and one.next_try and one.next_try > now)]
        if not free:
            until = min(one.next_try for one in ordered if one.next_try)
            raise Conflict(
                f"The authority wants not to be asked before {until:%Y-%m-%d %H:%M} UTC.",
                hint="Bakery asks by itself then.",
            )
        for one in free:
            await tx.connection.execute(
                "UPDATE certificates SET next_try = NULL, is_wanted_anew = is_wanted_anew OR %s WHERE id = %s",
                (anew, one.id),
            )
            await ask_for_look(tx, queue, one.id)
        _tell(tx, app, actor, "certificate.asked_again", where)


async def upload_certificate(
    store: Store, queue: Queue, links: Links, where: AppAt, certificate: str, key: Secret, *, actor: Actor
) -> Certificate:
    """The node looks whether it can be used, and keeps it. Of those that were brought before, it replaces what has no
    name beside its own."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    hosts, node_id, new_id = await _place_for(store, app)
    node = await links.node(node_id)
    if node.certificates is None:
        raise Conflict("There is no nginx on the app's node, so nothing to show a certificate.")
    try:
        held = await node.certificates.upload(certificate_name(new_id), certificate, key, hosts)
    except CommandFailed as error:
        raise BadInput(error.message, field="certificate", hint=error.hint) from error
    async with store.transaction() as tx:
        before = await _locked(tx, app)
        await tx.connection.execute(
            """
            INSERT INTO certificates
                (id, environment_id, is_uploaded, fingerprint, names, not_before, not_after, issuer, try_at)
            VALUES (%(id)s, %(environment)s, true, %(fingerprint)s, %(names)s, %(not_before)s, %(not_after)s,
                    %(issuer)s, now() + interval '15 seconds')
            """,
            {
                "id": new_id,
                "environment": app.environment_id,
                "fingerprint": held.fingerprint,
                "names": list(held.names),
                "not_before": held.not_before,
                "not_after": held.not_after,
                "issuer": held.issuer,
            },
        )
        for old in before:
            if old.is_uploaded and set(old.names) <= set(held.names):
                await _mark_removed(tx, queue, old.id)
        await ask_for_refresh(tx, queue, app.environment_id)
        _tell(tx, app, actor, "certificate.uploaded", where, after={"names": list(held.names), "issuer": held.issuer})
    async with store.connection() as connection:
        return _expect(await read_certificate(connection, new_id))


async def remove_certificate(store: Store, queue: Queue, where: AppAt, certificate_id: int, *, actor: Actor) -> None:
    """One that was brought. Its names have Bakery's own again as soon as there is one."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        found = await _locked(tx, app)
        gone = _expect(next((one for one in found if one.id == certificate_id), None))
        if not gone.is_uploaded:
            raise Conflict("Bakery looks after this certificate by itself.", hint="Remove its domains instead.")
        await _mark_removed(tx, queue, gone.id)
        await tx.connection.execute(
            "UPDATE certificates SET try_at = now() WHERE environment_id = %s AND NOT is_uploaded",
            (app.environment_id,),
        )
        await ask_for_refresh(tx, queue, app.environment_id)
        _tell(tx, app, actor, "certificate.removed", where, before={"names": list(gone.names), "issuer": gone.issuer})


async def ask_for_look(tx: Transaction, queue: Queue, certificate_id: int) -> None:
    cursor = await tx.connection.execute(
        """
        SELECT node_id FROM certificates JOIN environments ON environments.id = environment_id
        WHERE certificates.id = %s
        """,
        (certificate_id,),
    )
    row = await cursor.fetchone()
    if row is not None:
        await queue.enqueue(tx, CERTIFY, certificate_id, lock=certificates_lock(row[0]))


async def _place_for(store: Store, app: FoundApp) -> tuple[tuple[HostName, ...], int, int]:
    """The names that its site has, the node, and the number of a new certificate."""
    async with store.connection() as connection:
        attached = await attached_names(connection, app.environment_id)
        cursor = await connection.execute(
            """
            SELECT nodes.id, apps_domain, apps.slug, environments.name,
                   nextval(pg_get_serial_sequence('certificates', 'id'))
            FROM environments JOIN nodes ON nodes.id = node_id JOIN apps ON apps.id = app_id WHERE environments.id = %s
            """,
            (app.environment_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such app.")
    node_id, domain, slug, environment, new_id = row
    return (automatic_host(AppAt(slug, environment), domain), *attached), node_id, new_id


async def _locked(tx: Transaction, app: FoundApp) -> list[Certificate]:
    """All of the environment's, which nobody changes until the transaction ends."""
    await tx.connection.execute("SELECT FROM environments WHERE id = %s FOR UPDATE", (app.environment_id,))
    return await certificates_of(tx.connection, app.environment_id)


async def _mark_removed(tx: Transaction, queue: Queue, certificate_id: int) -> None:
    """Its files go when no site refers to them any more."""
    await tx.connection.execute(
        "UPDATE certificates SET removed_at = now(), try_at = now() + interval '15 seconds' WHERE id = %s",
        (certificate_id,),
    )
    await ask_for_look(tx, queue, certificate_id)


def _expect(found: Certificate | None) -> Certificate:
    if found is None:
        raise NotFound("The app has no such certificate.", hint="Those that it has: bakery certificates list APP")
    return found


def _tell(
    tx: Transaction,
    app: FoundApp,
    actor: Actor,
    action: str,
    where: AppAt,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
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
            after={**(after or {}), **place} if before is None else None,
        )
    )
