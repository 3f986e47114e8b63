"""What tests say about apps: make one, deploy a folder to it, look at it, visit it."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from bakery.delivery.apps import AppDetail, create_app, show_app
from bakery.delivery.history import DeploymentDetail, DeploymentSummary, show_deployment
from bakery.delivery.request import request_deployment
from bakery.delivery.run import run_deployment
from bakery.delivery.uploads import Upload, keep_upload
from bakery.delivery.work import Patience
from bakery.model.actor import Actor
from bakery.model.apps import parse_new_app
from bakery.model.deployments import DeploymentState, StepState
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store import logs
from bakery.store.queue import Queue
from bakery.store.store import Store
from tests.support.places import at
from tests.support.waiting import until

ADMIN = Actor.system()

APP = """
import http.server, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # as other servers do: an answer in two pieces waits 40 ms for who keeps its connection
    def do_GET(self):
        status, body = {answer}
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
print("starting {version}", flush=True)
{before}
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def an_app(version: str, *, answer: str = "", before: str = "") -> dict[str, str]:
    """The files of an app whose every page says its version."""
    return {"app.py": APP.format(version=version, answer=answer or f"(200, b'{version}')", before=before)}


def packed(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


@dataclass(frozen=True)
class Fleet:
    store: Store
    queue: Queue
    node: Node
    links: Links
    patience: Patience

    async def make(self, slug: str = "shop", *, runtime: str = "process", command: str = "python3 app.py") -> AppDetail:
        words = command if runtime == "process" else ""
        return await create_app(self.store, parse_new_app(slug=slug, runtime=runtime, command=words), actor=ADMIN)

    async def upload(self, archive: bytes) -> Upload:
        async def pieces() -> AsyncIterator[bytes]:
            yield archive

        return await keep_upload(Path(self.node.folders.root), pieces())

    async def request(self, files: Mapping[str, str], slug: str = "shop") -> DeploymentSummary:
        upload = await self.upload(packed(files))
        return await request_deployment(self.store, self.queue, at(slug), upload, actor=ADMIN)

    async def reach(self) -> Node:
        return self.node

    async def run(self, deployment: DeploymentSummary) -> DeploymentDetail:
        await run_deployment(self.store, self.queue, self.reach, deployment.id, patience=self.patience)
        return await self.look(deployment)

    async def deploy(self, files: Mapping[str, str], slug: str = "shop") -> DeploymentDetail:
        return await self.run(await self.request(files, slug))

    async def deploy_well(self, files: Mapping[str, str], slug: str = "shop") -> DeploymentDetail:
        """Deploys what is not in question in a test."""
        found = await self.deploy(files, slug)
        assert found.deployment.state is DeploymentState.SUCCEEDED, await self.log(found.deployment)
        return found

    async def look(self, deployment: DeploymentSummary) -> DeploymentDetail:
        return await show_deployment(self.store, at(deployment.app), deployment.number, actor=ADMIN)

    async def app(self, slug: str = "shop") -> AppDetail:
        return await show_app(self.store, at(slug), actor=ADMIN)

    async def log(self, deployment: DeploymentSummary) -> str:
        piece = await logs.read(self.store, deployment.log_stream, 0)
        return piece.bytes.decode() if piece else ""

    async def visit(self, slug: str = "shop", path: str = "/") -> httpx.Response:
        """As a visitor: through nginx where there is one, else at the app's own address."""
        app = await self.app(slug)
        assert app.address is not None
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            if self.node.ingress is None:
                return await client.get(app.address + path)
            host = httpx.URL(app.address).netloc.decode()
            return await client.get(f"http://127.0.0.1:{self.node.ingress.port}{path}", headers={"Host": host})

    async def until_checked(self, asked: DeploymentSummary) -> None:
        """Its third step runs: of an uploaded process, it is asked how it is."""

        async def is_checked() -> bool:
            return [step.state for step in (await self.look(asked)).steps][2:3] == [StepState.RUNNING]

        await until(is_checked, what="the release is checked")

    async def visitors_see(self, text: str, slug: str = "shop") -> bool:
        """nginx's old workers may answer for a moment after a reload."""
        deadline = asyncio.get_running_loop().time() + 5
        while (await self.visit(slug)).text != text:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True
