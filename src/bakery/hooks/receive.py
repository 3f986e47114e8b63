"""A delivery arrives: checked, understood, decided, kept, and deployed if it is to be. Nothing of it is read before its
signature holds."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bakery.delivery.find import find_app
from bakery.delivery.request import request_deployment
from bakery.hooks import rows
from bakery.hooks.decide import Decided, Decision, Followed, decide
from bakery.hooks.payloads import Envelope, Push, envelope_of, is_ping, is_push, read_push
from bakery.hooks.preview_decisions import decide_request
from bakery.hooks.preview_rows import note_request, read_known, read_settings
from bakery.hooks.pull_requests import PullRequest, is_pull_request, read_pull_request
from bakery.hooks.rejections import Rejections
from bakery.hooks.rows import Hook
from bakery.hooks.signatures import Provider, provider_of, why_not_signed
from bakery.hooks.turns import Turns
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, BakeryError, Conflict, NotFound, NotSignedIn, Unavailable
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import Ref
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction

LARGEST_DELIVERY = 25 * 1024 * 1024
_NOBODYS = Secret(secrets.token_hex(32))  # for hooks that there are not: the answer takes as long as for others


@dataclass(frozen=True, slots=True)
class Answer:
    """What its sender hears. `deployment` is a number."""

    delivery: int | None
    decision: Decision
    why: str
    deployment: int | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery as it came. Names of headers are in lower case. `is_form`: JSON in a field of a form."""

    headers: Mapping[str, str]
    body: bytes
    at: float  # in seconds since 1970
    address: str = ""
    request_id: str = ""

    @property
    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


async def receive(
    store: Store, queue: Queue, turns: Turns, rejections: Rejections, hook: Hook | None, parcel: Parcel
) -> Answer:
    envelope = envelope_of(provider_of(parcel.headers), parcel.headers)
    secret = hook.open_secret(store.vault) if hook else _NOBODYS
    why_not = why_not_signed(parcel.headers, parcel.body, secret, at=parcel.at)
    if hook is None or why_not:
        if hook is not None:
            rejections.tell(store, hook, envelope.provider, why_not)
        raise not_signed("Its address and its secret are on the app's page, under Deliveries.")
    return await take(store, queue, turns, hook, parcel, envelope)


def not_signed(hint: str) -> NotSignedIn:
    return NotSignedIn("The signature of this delivery does not hold, or there is no such webhook.", hint=hint)


async def take(store: Store, queue: Queue, turns: Turns, hook: Hook, parcel: Parcel, envelope: Envelope) -> Answer:
    """For one environment, after its signature held."""
    told, decided = _read(envelope, parcel)
    push = told if isinstance(told, Push) else None
    # Who names no delivery is known by what it says.
    envelope = envelope if envelope.delivery else _named_by_body(envelope, parcel.body)
    place = _Place(hook.environment_id, hook.app_id, hook.environment)
    async with store.transaction() as tx:
        followed = decided if told is None else await _decide(tx, place, told)
        # Only a signature is of the body: GitLab's token opens every one.
        digest = None if told is None or envelope.provider is Provider.GITLAB else hashlib.sha256(parcel.body).digest()
        if digest is not None and await rows.came_before(tx, hook.environment_id, digest):
            return _before("The same body")
        delivery = await rows.keep_delivery(tx, hook.environment_id, envelope, followed, told)
        if delivery is not None and digest is not None:
            await rows.note_body(tx, hook.environment_id, digest, delivery)
        if delivery is not None and told is not None:
            await _note(tx, place, told, followed)
        if delivery is not None and followed.ref is None:
            tx.publish(f"app:{hook.app}")
    if delivery is None:
        return _before(f"Delivery {envelope.delivery}")
    if followed.ref is None or push is None:
        return Answer(delivery, followed.decision, followed.why)
    actor = _pusher(push, parcel)
    wanted = _Wanted(hook.where, hook.environment_id, delivery, followed.why, followed.ref, actor)
    return await _deploy(store, queue, turns, wanted)


async def redeliver(
    store: Store, queue: Queue, turns: Turns, where: AppAt, delivery_id: int, *, actor: Actor
) -> Answer:
    """Decided anew, with what is set today. One whose commit is still the newest is deployed again."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        provider, event, told = await _kept(tx, app.environment_id, delivery_id)
        place = _Place(app.environment_id, app.id, where.environment)
        decided = await _decide(tx, place, told, is_again=True)
        envelope = Envelope(provider=provider, event=event, delivery=f"again-{secrets.token_hex(8)}")
        made = await rows.keep_delivery(tx, app.environment_id, envelope, decided, told, redelivers=delivery_id)
        await _note(tx, place, told, decided)
        target = ("app", str(app.id), app.slug)
        after = {"delivery": delivery_id, "commit": told.commit, "decision": decided.decision}
        tx.record(AuditEntry(actor, "webhook.redelivered", *target, app_id=app.id, after=after))
        tx.publish(f"app:{app.slug}")
    if decided.ref is None or made is None:  # of a pull request, its preview is made by who looks after them
        return Answer(made, decided.decision, decided.why)
    wanted = _Wanted(where, app.environment_id, made, decided.why, decided.ref, actor)
    return await _deploy(store, queue, turns, wanted)


async def deploy_what_was_cut(store: Store, queue: Queue) -> None:
    """Pushes that were kept, and whose deployment a cut or a kill prevented. Of an environment's only the newest."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Cut)) as cursor:
        await cursor.execute(
            """
            SELECT DISTINCT ON (environment_id) webhook_deliveries.id, environment_id, apps.slug AS app,
                   environments.name AS environment, why, ref, commit, pusher
            FROM webhook_deliveries JOIN environments ON environments.id = environment_id AND going_since IS NULL
            JOIN apps ON apps.id = environments.app_id AND deleted_at IS NULL
            WHERE decision = 'deploys' AND deployment IS NULL AND at < now() - interval '1 minute'
            ORDER BY environment_id, webhook_deliveries.id DESC
            """
        )
        found = await cursor.fetchall()
    for one in found:
        ref = Ref(one.ref if one.ref.startswith("refs/tags/") else one.commit)
        actor = Actor(Origin("push"), label=_label(one.pusher), is_system=True)
        await _deploy(store, queue, Turns(), _Wanted(one.where, one.environment_id, one.id, one.why, ref, actor))


@dataclass(frozen=True, slots=True)
class _Cut:
    id: int
    environment_id: int
    app: AppName
    environment: EnvironmentName
    why: str
    ref: str
    commit: str
    pusher: str

    @property
    def where(self) -> AppAt:
        return AppAt(self.app, self.environment)


def _before(what: str) -> Answer:
    return Answer(None, Decision.IGNORED, f"{what} came before. To deploy it again, redeliver it here.")


def _read(envelope: Envelope, parcel: Parcel) -> tuple[Push | PullRequest | None, Decided]:
    if is_ping(envelope):
        return None, Decided(Decision.IGNORED, "Its server asked whether we listen. We do.")
    if not is_push(envelope) and not is_pull_request(envelope):
        name = f"“{envelope.event}”" if envelope.event else "without a name"
        return None, Decided(Decision.IGNORED, f"It is an event {name}, which changes nothing here.")
    read = read_push if is_push(envelope) else read_pull_request
    try:
        return read(envelope.provider, parcel.body, is_form=parcel.is_form), Decided(Decision.IGNORED, "")
    except BadInput as error:
        return None, Decided(Decision.REFUSED, error.message)


def _named_by_body(envelope: Envelope, body: bytes) -> Envelope:
    return Envelope(
        provider=envelope.provider, event=envelope.event, delivery=f"sha256-{hashlib.sha256(body).hexdigest()[:32]}"
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """The environment that hears of it."""

    environment_id: int
    app_id: int
    environment: EnvironmentName


async def _decide(tx: Transaction, place: _Place, told: Push | PullRequest, *, is_again: bool = False) -> Decided:
    """`is_again`: somebody asks for what is the newest already."""
    followed = await rows.read_followed(tx, place.environment_id)
    if followed is None:
        raise NotFound("There is no such webhook.")
    if isinstance(told, PullRequest):
        return await _decide_request(tx, place, followed, told, is_again=is_again)
    if is_again and told.commit == followed.head:
        followed = replace(followed, head=None, head_at=None)
    behind = await rows.is_behind(tx, place.environment_id, told, followed.head)
    return decide(told, followed, is_behind_head=behind)


async def _decide_request(
    tx: Transaction, place: _Place, followed: Followed, told: PullRequest, *, is_again: bool
) -> Decided:
    settings = await read_settings(tx.connection, place.app_id)
    if settings.is_on and settings.like != place.environment:
        why = f"Previews are made like {settings.like}, whose webhook hears of pull requests."
        return Decided(Decision.IGNORED, why)
    known = await read_known(tx, place.app_id, told.number)
    if is_again and known is not None and known.is_open and (known.head, known.told_at) == (told.commit, told.at):
        known = None
    behind = await rows.is_behind(tx, place.environment_id, told, known.head if known else None)
    return decide_request(told, followed, settings, known, is_behind_head=behind)


async def _note(tx: Transaction, place: _Place, told: Push | PullRequest, decided: Decided) -> None:
    """What counts from now on."""
    if isinstance(told, PullRequest):
        if decided.decision is Decision.PREVIEWS:
            await note_request(tx, place.app_id, told)
    elif decided.is_newest:
        await rows.note_head(tx, place.environment_id, told)


async def _kept(tx: Transaction, environment_id: int, delivery_id: int) -> tuple[Provider, str, Push | PullRequest]:
    async with tx.connection.cursor(row_factory=typed(_Kept)) as cursor:
        await cursor.execute(
            """
            SELECT provider, event, push, request FROM webhook_deliveries
            WHERE environment_id = %s AND id = %s::numeric
            """,
            (environment_id, delivery_id),
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("There is no such delivery.", hint="They are kept for 30 days.")
    told = found.push or found.request
    if told is None:
        raise Conflict("Only pushes and pull requests are delivered again, and this is neither.")
    return found.provider, found.event, told


@dataclass(frozen=True, slots=True)
class _Kept:
    provider: Provider
    event: str
    push: Push | None
    request: PullRequest | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    where: AppAt
    environment_id: int
    delivery: int
    why: str
    ref: Ref
    actor: Actor


async def _deploy(store: Store, queue: Queue, turns: Turns, wanted: _Wanted) -> Answer:
    delivery, why = wanted.delivery, wanted.why
    async with turns.of(wanted.environment_id, delivery) as is_its_turn:
        if not is_its_turn or await rows.give_way(store, wanted.environment_id, delivery):
            return Answer(delivery, Decision.COALESCED, f"{why} A newer push came before it was its turn.")
        try:
            made = await request_deployment(
                store, queue, wanted.where, ref=wanted.ref, actor=wanted.actor, idempotency_key=f"push:{delivery}"
            )
        except Unavailable:
            raise
        except BakeryError as error:
            why = f"{why} It could not be deployed: {error.message} {error.hint}".strip()
            await rows.note_outcome(store, delivery, deployment=None, failure=why)
            return Answer(delivery, Decision.FAILED, why)
        await rows.note_outcome(store, delivery, deployment=made.number)
    return Answer(delivery, Decision.DEPLOYS, why, made.number)


def _pusher(push: Push, parcel: Parcel) -> Actor:
    return Actor(Origin("push", parcel.address, parcel.request_id), label=_label(push.pusher), is_system=True)


def _label(pusher: str) -> str:
    return pusher or "Somebody"
