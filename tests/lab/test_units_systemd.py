"""Case (a), root and systemd, on a real machine: units and accounts."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import pytest

from bakery.commands.files import make_folder
from bakery.model.names import Port, UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits, UnitSpec
from bakery.nodes.accounts import ensure_account
from bakery.nodes.capabilities import IngressKind, UnitKeeper, capabilities
from bakery.nodes.facts import look_at
from bakery.nodes.folders import NodeFolders
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from bakery.nodes.systemd_units import SystemdUnits
from bakery.nodes.transport import Transport, run_or_fail
from tests.lab.nodes import SSH, Node

FOLDERS = NodeFolders(PurePosixPath("/var/lib/bakery/node"))
NAME = UnitName("bakery-shop-production-blue")
ODD = 'it\'s 50% of $HOME, \\ `id` and "more" # here\n\tand there; é '
# Answers each request with what it runs with.
APP = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        body = json.dumps({"argv": sys.argv[1:], "odd": os.environ["ODD"], "uid": os.geteuid(), "cwd": os.getcwd(),
                           "caps": status["CapBnd"], "nnp": status["NoNewPrivs"], "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", 20001), Handler).serve_forever()
"""


@pytest.fixture
async def machine(node: Node) -> AsyncIterator[Transport]:
    key = Secret(node.key.read_text())
    transport = SshTransport(SshLogin(node.name, "127.0.0.1", Port(node.ports[SSH]), "root", key))
    yield transport
    await transport.close()


def a_unit(*arguments: str) -> UnitSpec:
    return UnitSpec(
        name=NAME,
        argv=("/usr/bin/python3", "-c", APP, *arguments),
        folder=PurePosixPath("/srv"),
        log_file=FOLDERS.unit_log(NAME),
        environment={"ODD": Secret(ODD)},
        account="bk-1",
        limits=Limits(memory_bytes=128 * 1024 * 1024),
    )


async def test_an_app_runs_apart(node: Node, machine: Transport) -> None:
    facts = await look_at(machine)
    can = capabilities(facts)
    assert (can.units, can.ingress, can.limits) == (UnitKeeper.SYSTEMD, IngressKind.SYSTEM_NGINX, ())
    for folder in (FOLDERS.units, FOLDERS.logs):
        await run_or_fail(machine, make_folder(folder))
    await ensure_account(machine, "bk-1")
    await ensure_account(machine, "bk-1")

    units = SystemdUnits(machine, FOLDERS)
    await units.start(a_unit(ODD, ";", "-"))
    await until_listening(machine, times=1)
    first = await ask(node)
    assert first["argv"] == [ODD, ";", "-"]
    assert first["odd"] == ODD
    assert str(first["uid"]) == node.run("id", "-u", "bk-1")
    assert (first["cwd"], first["caps"], first["nnp"]) == ("/srv", "0" * 16, "1")

    await units.start(a_unit(ODD, ";", "-"))
    assert await ask(node) == first
    node.run("kill", "-9", str(first["pid"]))
    await until_listening(machine, times=2)
    assert (await units.state(NAME)).restarts == 1
    assert node.run("stat", "--format=%a %U", str(FOLDERS.units / f"{NAME}.env")) == "600 root"

    await units.remove(NAME)
    await units.remove(NAME)
    assert not (await units.state(NAME)).is_running
    assert node.run("systemctl", "is-system-running") == "running"


async def ask(node: Node) -> dict[str, object]:
    return dict(json.loads(await asyncio.to_thread(node.run, "curl", "--silent", "--fail", "http://127.0.0.1:20001/")))


async def until_listening(machine: Transport, *, times: int) -> None:
    async with asyncio.timeout(20):
        while (await machine.get(FOLDERS.unit_log(NAME)) or b"").count(b"listening\n") < times:
            await asyncio.sleep(0.1)
