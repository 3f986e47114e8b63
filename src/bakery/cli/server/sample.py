"""The sample app of `bakery up`, deployed with the same commands that a person would type."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bakery.access.tokens import actor_of_token, create_token_for, revoke_token
from bakery.app import address_of
from bakery.cli.output import say
from bakery.delivery.apps import AppDetail, show_app
from bakery.model.actor import Actor, Origin
from bakery.model.errors import BakeryError, NotFound
from bakery.model.names import AppAt, AppName
from bakery.model.permissions import Scope
from bakery.model.secret import Secret
from bakery.settings import Settings
from bakery.web.context import Parts

SAMPLE = AppName("hello")
_FOLDER = Path("examples/hello")
_ACTOR = Actor.system("cli")


async def ensure_sample(parts: Parts, admin: str) -> None:
    """Nothing happens when it was deployed already."""
    app = await find_sample(parts)
    if app and app.live_number is not None:
        return
    say(f"==> Deploying the sample app from {_FOLDER}")
    async with _token(parts, admin) as token:
        if app is None:
            made = ("apps", "create", SAMPLE, "--command", "python3 app.py", "--health", "/health")
            _bakery(parts.settings, token, *made, stdout=subprocess.DEVNULL)  # it says to deploy it, as we do next
        _bakery(parts.settings, token, "deploy", SAMPLE, "--dir", str(_FOLDER), "--wait")


async def find_sample(parts: Parts) -> AppDetail | None:
    try:
        return await show_app(parts.store, AppAt(SAMPLE), actor=_ACTOR)
    except NotFound:
        return None


def local_url(settings: Settings) -> str:
    """Where Bakery answers on this machine, whatever its base URL says to others."""
    return address_of(replace(settings, base_url=None))


@asynccontextmanager
async def _token(parts: Parts, admin: str) -> AsyncIterator[Secret]:
    """It ends with the block."""
    made = await create_token_for(parts.store, admin, "scripts/up", Scope.ADMIN, days=1, actor=_ACTOR)
    try:
        yield made.secret
    finally:
        actor = await actor_of_token(parts.store, made.secret, Origin("cli"))
        if actor and actor.token_id:
            await revoke_token(parts.store, actor.token_id, actor=actor)


def _bakery(settings: Settings, token: Secret, *arguments: str, stdout: int | None = None) -> None:
    without_proxies = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = {**without_proxies, "BAKERY_URL": local_url(settings), "BAKERY_TOKEN": token.reveal()}
    argv = [str(Path(sys.executable).with_name("bakery")), *arguments]
    if subprocess.run(argv, env=environment, stdout=stdout, check=False).returncode:
        raise BakeryError(
            f"The sample app is not deployed: bakery {' '.join(arguments)} failed; see above.",
            hint="Bakery itself is running. Mend that and run this again, or do without the sample app: --no-demo",
        )
