"""Puts the parts together, and runs them as one process until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from uuid import uuid4

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

from bakery.access.setup import is_set_up, renew_setup_code, seed_admin
from bakery.background import WORK, again_and_again, follow_settings
from bakery.delivery.local import Machine, expect_this_machine
from bakery.delivery.planned import StepKey
from bakery.delivery.worker import register_tasks
from bakery.github.registration import set_registration
from bakery.ingress import certifying
from bakery.ingress.certifying import authority_of
from bakery.model.actor import Actor
from bakery.model.errors import NotReady
from bakery.model.faults import arm, parse_fault
from bakery.model.secret import Secret
from bakery.nodes import worker as node_tasks
from bakery.nodes.links import Links
from bakery.nodes.node import open_local_node
from bakery.nodes.transcript import Transcript
from bakery.settings import Settings
from bakery.store import leases
from bakery.store.embedded import EmbeddedServer, borrow
from bakery.store.ending import end_tasks
from bakery.store.events import EventHub
from bakery.store.guard import prepare_role
from bakery.store.installation import read_general
from bakery.store.keyring import open_vault
from bakery.store.queue import Queue
from bakery.store.schema import ensure_newest
from bakery.store.signing import expect_the_same_key, signing_key
from bakery.store.store import SERVER, Store
from bakery.web.context import Parts
from bakery.web.live import encode
from bakery.web.moments import now
from bakery.web.running import WebServer

log = structlog.get_logger()

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
    at_work = await stack.enter_async_context(Store(work.dsn, vault, name=name, for_work=True))
    queue = Queue(store)
    root = PurePosixPath(settings.node_dir)
    machine = Machine(lambda: open_local_node(root=root))
    links = Links(store, machine.node, Transcript(at_work, now))
    stack.push_async_callback(links.close)
    register_tasks(queue, at_work, links)
    certifying.register_tasks(queue, at_work, links, authority_of(settings))
    node_tasks.register_tasks(queue, at_work, links, log_bytes=settings.job_log_bytes)
    parts = Parts(
        settings=settings,
        store=store,
        at_work=at_work,
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
    background = [parts.hub.run(), again_and_again(follow_settings, parts)]
    finishing: list[Coroutine[None, None, None]] = []
    if server:
        background.append(_keep_database(server))
    if web and listener:
        finishing.append(web.serve(sockets=[listener]))
    if role is not Role.WEB:
        background += [again_and_again(part, parts) for part in WORK]
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
