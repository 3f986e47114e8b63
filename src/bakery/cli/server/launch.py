"""What `bakery up` does: a running Bakery, an admin, a sample app."""

import asyncio
import secrets
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import httpx
import psycopg

from bakery.access.people import list_people
from bakery.access.resets import make_reset_link
from bakery.access.setup import seed_admin
from bakery.app import address_of, listen, prepare_data_dir
from bakery.cli.output import say, warn
from bakery.cli.server.background import Background, background
from bakery.cli.server.sample import ensure_sample, find_sample, local_url
from bakery.cli.server.settings import load_settings, the_parts, unknown_settings
from bakery.model.actor import Actor
from bakery.model.errors import NotReady
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from bakery.nodes.catalogue import NodeSummary, list_nodes
from bakery.nodes.node import open_local_node
from bakery.settings import Settings
from bakery.web.context import Parts

_PATIENCE = 90.0
_ADMIN = "admin@localhost"
_ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - the first only when --public asks for it
_ACTOR = Actor.system("cli")
_LABEL, _WIDTH = 13, 80


@dataclass(frozen=True, slots=True)
class Admin:
    """`password` and `link`, which chooses another one: when the account was made just now."""

    email: str
    password: Secret | None = None
    link: Secret | None = None


def launch(*, demo: bool, stop: bool, public: bool) -> None:
    for sentence in unknown_settings():
        warn(sentence)
    settings = load_settings(BAKERY_HOST=_ALL_ADDRESSES[0] if public else None)
    server = background(settings, ["--host", settings.host, "--port", str(settings.port)])
    if stop:
        was_running = server.is_running()
        server.stop()
        say(f"Bakery {'is stopped' if was_running else 'does not run'}. {_what_goes_on(settings)}")
        return
    _start(settings, server)
    asyncio.run(_equip(settings, server, demo=demo))


def _what_goes_on(settings: Settings) -> str:
    """And how that ends, for whoever wants nothing of Bakery's to run."""
    told = (
        "Its apps go on, and so does nginx, which leads visitors to them.\n"
        "An app ends by “Stop…” on its page, or by .venv/bin/bakery stop APP, while Bakery runs."
    )
    own_nginx = settings.node_dir / "nginx/nginx.pid"
    return f'{told}\nThat nginx ends by: kill "$(cat "{own_nginx}")"' if own_nginx.exists() else told


def _start(settings: Settings, server: Background) -> None:
    """Harmless when it runs. What would keep it from starting is said before anything is changed."""
    prepare_data_dir(settings)
    asyncio.run(open_local_node(root=PurePosixPath(settings.node_dir)))
    if not server.is_running():
        listen(settings).close()
    try:
        started = server.start()
    except OSError as error:
        raise NotReady(f"Bakery cannot be started: {error}.") from error
    say("==> Starting Bakery" if started else "==> Bakery is running already")


async def _equip(settings: Settings, server: Background, *, demo: bool) -> None:
    """Waits until Bakery is ready, makes what is missing, and says where everything is."""

    async def answers() -> bool:
        return await asyncio.to_thread(_is_ready, settings)

    await _wait(server, answers)
    try:
        async with the_parts(settings) as parts:

            async def knows_this_machine() -> bool:
                return bool(await list_nodes(parts.store, actor=_ACTOR))

            await _wait(server, knows_this_machine)
            admin = await _ensure_admin(parts)
            try:
                if demo:
                    await ensure_sample(parts, admin.email)
            finally:
                await _tell(parts, admin)
    except psycopg.OperationalError as error:
        raise NotReady(f"The database went away: {error}\nBakery said:\n{server.last_words()}") from error


async def _wait(server: Background, is_so: Callable[[], Awaitable[bool]]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    while not await is_so():
        if not server.is_running():
            said = server.last_words()
            server.stop()  # else systemd would try for ever
            raise NotReady(f"Bakery did not start. It said:\n{said}")
        if loop.time() > deadline:
            raise NotReady(f"Bakery is not ready after {_PATIENCE:.0f} s. It said:\n{server.last_words()}")
        await asyncio.sleep(0.1)


def _is_ready(settings: Settings) -> bool:
    try:
        return httpx.get(f"{local_url(settings)}/readyz", timeout=2, trust_env=False).text == "ready\n"
    except httpx.TransportError:
        return False


async def _ensure_admin(parts: Parts) -> Admin:
    people = await list_people(parts.store, actor=_ACTOR)
    if not people:
        password = Secret(secrets.token_urlsafe(12))
        await seed_admin(parts.store, _ADMIN, password, actor=_ACTOR)
        link = await make_reset_link(parts.store, _ADMIN, actor=_ACTOR)
        return Admin(_ADMIN, password, link.token)
    for person in people:
        if person.role is Role.ADMIN and not person.suspended_at:
            return Admin(person.email)
    raise NotReady(
        "Bakery runs, but none of its Admins can sign in.", hint="Make one: .venv/bin/bakery admin create EMAIL"
    )


async def _tell(parts: Parts, admin: Admin) -> None:
    settings = parts.settings
    sample = await find_sample(parts)
    node = next(node for node in await list_nodes(parts.store, actor=_ACTOR) if node.slug == "local")
    say("")
    if sample and sample.address and sample.live_number is not None:
        _line("Sample app", sample.address)
    _line("Bakery", _address(settings, node))
    if admin.password and admin.link:
        _line("Begin", "choose a password at this link, which is good once, for an hour:")
        say(f"{_address(settings, node)}/reset/{admin.link.reveal()}")
        _line("Sign in", f"{admin.email}  {admin.password.reveal()}  (it asks for a new password)")
    else:
        _line("Sign in", f"{admin.email}, with your password")
        _line("Forgotten?", f".venv/bin/bakery admin reset {admin.email}")
    key = "the value of ENCRYPTION_KEY" if settings.encryption_keys else settings.encryption_key_file
    _line("Keep safe", f"{key}  (without it no secret can be read again)")
    if settings.host == "127.0.0.1":
        user = node.facts.user if node.facts else "USER"
        here = f"{user}@{node.public_address or 'THIS-MACHINE'}"
        _line("From afar", f"ssh -L {settings.port}:127.0.0.1:{settings.port} {here}")
        _line("", f"and then http://localhost:{settings.port} there")
    elif settings.host in _ALL_ADDRESSES and not settings.base_url:
        _line("Note", "Bakery listens on all addresses, without encryption: a password can be read on its way.")
    for sentence in (*node.facts.limits, *node.facts.notes) if node.facts else ():
        _line("Note", sentence)


def _address(settings: Settings, node: NodeSummary) -> str:
    if settings.base_url or settings.host not in _ALL_ADDRESSES or not node.public_address:
        return address_of(settings)
    return address_of(replace(settings, host=node.public_address))


def _line(label: str, text: str) -> None:
    """No word is broken: an address or a path is there to be copied."""
    indent = " " * _LABEL
    say(
        textwrap.fill(
            text,
            _WIDTH,
            initial_indent=f"{label:{_LABEL}}",
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
