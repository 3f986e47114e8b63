"""Puts the parts together, and runs them as one process until it is told to stop."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path, PurePosixPath
from uuid import uuid4

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

from bakery.access.seals import keep_sealing
from bakery.access.sessions import forget_expired
from bakery.access.setup import is_set_up, renew_setup_code, seed_admin
from bakery.delivery.local import (
    Address,
    Machine,
    ensure_local_node,
    expect_this_machine,
    local_node_id,
)
from bakery.delivery.old_logs import shorten_old_logs
from bakery.delivery.plan import StepKey
from bakery.delivery.rounds import find_lost_work, look_after_apps
from bakery.delivery.worker import register_tasks
from bakery.github.app_looking import keep_looking_at_app
from bakery.github.registration import set_registration
from bakery.hooks.looking import keep_looking_at_branches
from bakery.hooks.preview_settling import keep_previews
from bakery.hooks.receive import deploy_what_was_cut
from bakery.hooks.repairing import keep_repairing
from bakery.hooks.rows import forget_deliveries
from bakery.hooks.telling import keep_telling
from bakery.ingress import certifying, own_site
from bakery.ingress.certifying import authority_of
from bakery.ingress.looking import keep_looking
from bakery.ingress.own_site import read_own_site
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, NotReady, Unavailable
from bakery.model.faults import arm, parse_fault
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes import worker as node_tasks
from bakery.nodes.links import Links
from bakery.nodes.node import open_local_node
from bakery.nodes.touch import INTERVAL, Touch
from bakery.nodes.transcript import Transcript, forget_transcripts
from bakery.nodes.vitals import watch
from bakery.nodes.work import clear_jobs
from bakery.settings import Settings
from bakery.store import leases
from bakery.store.embedded import EmbeddedServer, borrow
from bakery.store.ending import end_tasks
from bakery.store.events import EventHub, forget_events
from bakery.store.guard import prepare_role
from bakery.store.installation import read_general
from bakery.store.keyring import open_vault
from bakery.store.metrics import MetricsWriter
from bakery.store.queue import Queue
from bakery.store.rollups import keep_metrics
from bakery.store.schema import ensure_newest
from bakery.store.signing import expect_the_same_key, signing_key
from bakery.store.store import SERVER, Store
from bakery.store.traffic import forget_traffic
from bakery.web.context import Parts
from bakery.web.live import encode
from bakery.web.running import WebServer
from bakery.web.tails import forget_tails

log = structlog.get_logger()

_HOUSEKEEPING = 300.0
_EVENTS_ARE_KEPT = timedelta(hours=6)
_JOBS_ARE_KEPT = timedelta(days=7)  # in the queue
_DEPLOYMENT_LOGS_ARE_KEPT = timedelta(days=90)
_LOGS_ARE_KEPT = timedelta(days=30)  # of jobs on nodes
_TRANSCRIPTS_ARE_KEPT = timedelta(days=30)
_RENEWAL_LOOK = 20.0
_TRY_EVERY = 5.0  # to hold what another process held
_PAUSE = 1.0
_RESTART_EVERY = 5.0
_PATIENCE = 6.0  # seconds for a clean end


class Role(StrEnum):
    """What this process does, when several share a database."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


async def serve(settings: Settings, role: Role, *, announce: Callable[[str], None]) -> None:
    """Until SIGTERM or SIGINT. `announce` tells the person at the terminal."""
    if role is not Role.ALL and settings.database_url is None:
        raise NotReady(
            "Roles are split with a database that all of them reach.", hint="Set DATABASE_URL, or leave --role away."
        )
    if settings.fault:
        arm(parse_fault(settings.fault, steps=frozenset(StepKey)))
    prepare_data_dir(settings)
    if role is not Role.WEB:
        _prepare_folder(settings.node_dir, "node folder", mode=0o755, setting="BAKERY_NODE_DIR")
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    async with AsyncExitStack() as stack:
        listener = None if role is Role.WORKER else stack.enter_context(listen(settings))
        dsn, server = await _open_database(settings, stack)
        await asyncio.to_thread(ensure_newest, dsn)
        parts = await open_parts(settings, dsn, stack, name=f"{SERVER} {uuid4().hex[:8]}")
        await expect_the_same_key(parts.store, settings)
        await _register_at_github(parts.store, settings)
        if server is not None:  # nobody else works on our own database: what is still leased was held by the dead
            await leases.free_all(parts.store)
        if role is not Role.WEB:
            await expect_this_machine(parts.store, parts.machine)
        web = None
        if listener:
            await _invite_first_admin(parts, announce)
            web = WebServer(parts, on_started=lambda: announce(f"Bakery is at {address_of(settings)}"))
        await _run(stop, parts, role, web, listener, server)


async def open_parts(settings: Settings, dsn: str, stack: AsyncExitStack, *, name: str = "bakery") -> Parts:
    """For `serve`, and for the maintenance commands that need use cases. The schema is the newest."""
    vault = await asyncio.to_thread(open_vault, settings, dsn)
    work = await asyncio.to_thread(prepare_role, dsn, vault)
    store = await stack.enter_async_context(Store(work.dsn, vault, name=name))
    queue = Queue(store)
    root = PurePosixPath(settings.node_dir)
    machine = Machine(lambda: open_local_node(root=root))
    links = Links(store, machine.node, Transcript(store, _now))
    stack.push_async_callback(links.close)
    register_tasks(queue, store, links)
    certifying.register_tasks(queue, store, links, authority_of(settings))
    node_tasks.register_tasks(queue, store, links, log_bytes=settings.job_log_bytes)
    parts = Parts(
        settings=settings,
        store=store,
        hub=EventHub(store, encode),
        queue=queue,
        machine=machine,
        links=links,
        signing_key=await signing_key(store, settings),
        general=await read_general(store, settings),
    )
    await queue.open()
    if settings.admin_email and settings.admin_password:
        await seed_admin(store, settings.admin_email, settings.admin_password, actor=Actor.system("cli"))
    parts.is_set_up = await is_set_up(store)
    return parts


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """For maintenance commands: the database, joined or started for their time."""
    if settings.database_url:
        await asyncio.to_thread(_check_reachable, settings.database_url)
        yield settings.database_url.reveal()
    else:
        prepare_data_dir(settings)
        async with borrow(settings.data_dir) as dsn:
            yield dsn


def prepare_data_dir(settings: Settings) -> None:
    _prepare_folder(settings.data_dir, "data folder", mode=0o700, setting="BAKERY_DATA_DIR")


def _prepare_folder(folder: Path, what: str, *, mode: int, setting: str) -> None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise NotReady(
            f"The {what} {folder} cannot be used: {error.strerror}.",
            hint=f"Make it writable for the user that runs Bakery, or name another with {setting}.",
        ) from error


def listen(settings: Settings) -> socket.socket:
    """Ours from here on: nobody can take the port between the check and the start. Who comes early waits."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()  # bound alone, the port could still become another program's
    except OSError as error:
        listener.close()
        raise NotReady(
            f"Bakery cannot listen on {settings.host} port {settings.port}: {error.strerror}.",
            hint="Another program may use it (see: ss -ltnp). Stop it, or choose another with --port or BAKERY_PORT.",
        ) from error
    return listener


async def _open_database(settings: Settings, stack: AsyncExitStack) -> tuple[str, EmbeddedServer | None]:
    """How to connect, and the server that is ours to keep running."""
    if settings.database_url:
        await asyncio.to_thread(_check_reachable, settings.database_url)
        return settings.database_url.reveal(), None
    server = EmbeddedServer(settings.data_dir)
    return await stack.enter_async_context(server), server


async def _keep_database(server: EmbeddedServer) -> None:
    """An embedded server that ends by itself is started again; meanwhile Bakery answers 503."""
    while True:
        status = await server.wait_ended()
        log.warning("database_ended", status=status)
        await server.stop()
        await _start_at_last(server)
        log.info("database_is_back")


async def _start_at_last(server: EmbeddedServer) -> None:
    """What hinders it, such as a full disk, somebody mends while we try."""
    while True:
        try:
            await server.start()
        except NotReady as error:
            log.warning("database_does_not_start", error=error.message, hint=error.hint)
            await asyncio.sleep(_RESTART_EVERY)
        else:
            return


def _check_reachable(url: Secret) -> None:
    _check_written_well(url)
    try:
        with psycopg.connect(url.reveal(), connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise NotReady(
            f"The server of DATABASE_URL does not let us in: {reason}",
            hint="Is it running, and are the address, the user, the password and the database right?",
        ) from error
    if version < 140000:
        raise NotReady(
            f"The server of DATABASE_URL is PostgreSQL {version // 10000}.", hint="Bakery needs 14 or newer."
        )


def _check_written_well(url: Secret) -> None:
    """Before the driver's own message could quote a part of the password."""
    try:
        ports = str(conninfo_to_dict(url.reveal()).get("port", ""))
    except psycopg.ProgrammingError:
        ports = "none"
    if not all(port.isdecimal() for port in ports.split(",") if port):
        raise NotReady(
            "DATABASE_URL is not an address that PostgreSQL understands.",
            hint="It is written postgresql://user:password@host:5432/database. In a password, @ is written %40, "
            "/ is %2F, : is %3A and % is %25.",
        )


async def _invite_first_admin(parts: Parts, announce: Callable[[str], None]) -> None:
    if not parts.is_set_up:
        code = await renew_setup_code(parts.store)
        announce(f"There is no admin yet. Open {address_of(parts.settings)}/setup with this code: {code.reveal()}")


def address_of(settings: Settings) -> str:
    if settings.base_url:
        return settings.base_url
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{settings.port}"


async def _run(
    stop: asyncio.Event,
    parts: Parts,
    role: Role,
    web: WebServer | None,
    listener: socket.socket | None,
    server: EmbeddedServer | None,
) -> None:
    """A part that fails ends all; told to stop, the worker and the web server finish what they can."""
    background = [parts.hub.run(), _again_and_again(_follow_settings, parts)]
    finishing: list[Coroutine[None, None, None]] = []
    if server:
        background.append(_keep_database(server))
    if web and listener:
        finishing.append(web.serve(sockets=[listener]))
    if role is not Role.WEB:
        kept = (
            _seal, _keep_local, _keep_in_touch, _look_at_domains, _look_at_branches, _look_after_certificates,
            _write_transcript, _keep_house, _tell_github, _keep_previews, _look_at_github_app, _repair_hooks,
        )  # fmt: skip
        background += [_again_and_again(part, parts) for part in kept]
        finishing.append(parts.queue.work())
    async with asyncio.TaskGroup() as group:
        others = [group.create_task(task) for task in background]
        last = [group.create_task(task) for task in finishing]
        await stop.wait()
        log.info("stopping")
        parts.is_ending = True
        parts.hub.end()
        parts.queue.stop()
        if web:
            web.should_exit = True
        if last:
            await asyncio.wait(last, timeout=_PATIENCE)
        await end_tasks(*others, *last)


async def _register_at_github(store: Store, settings: Settings) -> None:
    """As the environment says, which goes before what somebody typed."""
    if settings.github_client_id and settings.github_client_secret:
        await set_registration(
            store,
            url=settings.github_url,
            client_id=settings.github_client_id,
            secret=settings.github_client_secret,
            actor=Actor.system("cli"),
        )


async def _again_and_again(part: Callable[[Parts], Coroutine[None, None, None]], parts: Parts) -> None:
    """A database that is away for a while, or a machine that does not do its part, ends nothing: it is tried again."""
    while True:
        try:
            await part(parts)
        except* (BakeryError, psycopg.OperationalError, OSError) as errors:
            error = next(_leaves(errors))
            # That the database is away, the listener tells for all of us.
            is_away = isinstance(error, Unavailable | psycopg.OperationalError)
            level = logging.DEBUG if is_away else logging.WARNING
            log.log(level, "trying_again", part=part.__name__.strip("_"), error=str(error))
        await asyncio.sleep(_PAUSE)


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def _follow_settings(parts: Parts) -> None:
    """What an Admin sets in one process counts in all."""
    async with parts.hub.subscribe({"settings"}, (), None) as subscription:
        await _read_settings(parts)
        async for _ in subscription.items():
            await _read_settings(parts)


async def _read_settings(parts: Parts) -> None:
    parts.general = await read_general(parts.store, parts.settings)
    parts.has_own_site = (await read_own_site(parts.store)).is_wanted


async def _seal(parts: Parts) -> None:
    await keep_sealing(parts.store)


async def _keep_local(parts: Parts) -> None:
    """This machine, as a node, belongs to one process at a time."""
    holder = uuid4()
    try:
        while True:
            await leases.while_held(parts.store, "node:local", holder, lambda: _look_after_local(parts))
            await asyncio.sleep(_TRY_EVERY)
    finally:
        with contextlib.suppress(Unavailable):
            await leases.give_up(parts.store, holder)


async def _look_after_local(parts: Parts) -> None:
    address = Address(parts.general.public_ip, parts.general.apps_domain)
    for note in await ensure_local_node(parts.store, parts.queue, parts.machine, address):
        log.warning("node_note", note=note)
    node_id = await local_node_id(parts.store)
    async with asyncio.TaskGroup() as group:
        group.create_task(_look_after_apps(parts, node_id))
        group.create_task(_watch_machine(parts, node_id))
        group.create_task(_keep_own_site(parts))


async def _look_after_apps(parts: Parts, node_id: int) -> None:
    await look_after_apps(parts.store, parts.queue, parts.links, node_id, drift_every=parts.settings.drift_every)


async def _keep_own_site(parts: Parts) -> None:
    """This machine's nginx does what the settings say of Bakery's own site, whose certificate is renewed."""
    node, turn = await parts.machine.node(), asyncio.Lock()
    machine = own_site.Machine(node.ingress, node.certificates, parts.authority)

    async def settle() -> None:
        async with turn:
            general = await read_general(parts.store, parts.settings)
            await own_site.settle_own_site(parts.store, machine, general, bakerys_port=Port(parts.settings.port))

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEWAL_LOOK)
            if await own_site.is_certificate_due(parts.store, machine, await read_general(parts.store, parts.settings)):
                await settle()

    async with parts.hub.subscribe({"settings"}, (), None) as subscription, asyncio.TaskGroup() as group:
        group.create_task(renew())
        await settle()
        async for _ in subscription.items():
            await settle()


async def _watch_machine(parts: Parts, node_id: int) -> None:
    """The probe of this machine, which needs no connection."""
    node, metrics = await parts.machine.node(), MetricsWriter(parts.store)
    async for vitals in watch(node.transport, interval=INTERVAL, folder=node.folders.root):
        metrics.add(node_id, vitals, _now())
        metrics.traffic.add(node_id, vitals.traffic, _now())
        await metrics.flush()


async def _keep_in_touch(parts: Parts) -> None:
    def beside(node_id: int) -> Coroutine[None, None, None]:
        return _look_after_apps(parts, node_id)

    await Touch(parts.store, parts.links, parts.queue, MetricsWriter(parts.store), now=_now, beside=beside).run()


async def _look_at_domains(parts: Parts) -> None:
    await keep_looking(parts.store, parts.dns)


async def _look_at_branches(parts: Parts) -> None:
    await keep_looking_at_branches(parts.store, parts.links)


async def _look_after_certificates(parts: Parts) -> None:
    await certifying.keep_certified(parts.store, parts.queue, parts.authority)


async def _tell_github(parts: Parts) -> None:
    await keep_telling(parts.store, lambda: parts.general.base_url)


async def _keep_previews(parts: Parts) -> None:
    await keep_previews(parts.store, parts.queue, _now)


async def _repair_hooks(parts: Parts) -> None:
    await keep_repairing(parts.store, lambda: parts.general.base_url)


async def _look_at_github_app(parts: Parts) -> None:
    await keep_looking_at_app(parts.store)


async def _write_transcript(parts: Parts) -> None:
    await parts.links.transcript.run()


def _now() -> datetime:
    return datetime.now(UTC)


async def _keep_house(parts: Parts) -> None:
    """What is old goes."""
    while True:
        await forget_events(parts.store, older_than=_EVENTS_ARE_KEPT)
        await forget_expired(parts.store)
        await parts.queue.forget_finished(after=_JOBS_ARE_KEPT)
        await find_lost_work(parts.store, parts.queue)
        await clear_jobs(parts.store, parts.links, older_than=_LOGS_ARE_KEPT)
        await shorten_old_logs(parts.store, older_than=_DEPLOYMENT_LOGS_ARE_KEPT)
        await forget_transcripts(parts.store, older_than=_TRANSCRIPTS_ARE_KEPT)
        await forget_deliveries(parts.store)
        await deploy_what_was_cut(parts.store, parts.queue)
        await keep_metrics(parts.store, _now())
        await forget_traffic(parts.store, _now())
        await forget_tails(parts.store)
        await asyncio.sleep(_HOUSEKEEPING)
