"""A whole Bakery without its worker, asked over HTTP as programs ask it."""

import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from litestar.types import ASGIApp

from bakery.delivery.local import Address, ensure_local_node
from bakery.model.actor import Actor
from bakery.model.permissions import Scope
from bakery.model.secret import Secret
from bakery.nodes.links import Links
from bakery.nodes.transcript import Transcript
from bakery.settings import read_settings
from bakery.store.events import EventHub
from bakery.store.installation import read_general
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.context import Parts
from bakery.web.live import encode
from bakery.web.moments import now
from bakery.web.server import create_web
from tests.support.asgi import way_to
from tests.support.machine import machine_of, node_in
from tests.support.people import a_token

BASE = "http://127.0.0.1:4100"


@dataclass(frozen=True)
class Site:
    store: Store
    parts: Parts
    web: ASGIApp

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """Without a token: a program that is not signed in, at Bakery's own address."""
        headers = {"authorization": f"Bearer {token}"} if token else {"origin": BASE}
        return httpx.AsyncClient(transport=way_to(self.web), base_url=f"{BASE}/api", headers=headers)

    @asynccontextmanager
    async def as_(self, person: Actor, scope: Scope = Scope.ADMIN) -> AsyncIterator[httpx.AsyncClient]:
        token = await a_token(self.store, person, scope)
        async with self.client(token.reveal()) as client:
            yield client


async def a_site(store: Store, folder: Path) -> Site:
    environ = {"BAKERY_DATA_DIR": str(folder / "control"), "BAKERY_NODE_DIR": str(folder / "node")}
    settings = read_settings(environ, is_root=False)
    queue = Queue(store)
    await queue.open()
    machine = machine_of(await node_in(folder / "node", None, has_docker=True))
    await ensure_local_node(store, queue, machine, Address(public=None, apps_domain="localhost"))
    parts = Parts(
        settings=settings,
        store=store,
        at_work=store,
        hub=EventHub(store, encode),
        queue=queue,
        machine=machine,
        links=Links(store, machine.node, Transcript(store, now)),
        signing_key=Secret("a key that signs forms in tests"),
        general=await read_general(store, settings),
        is_set_up=True,
    )
    return Site(store, parts, create_web(parts))


def packed(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()
