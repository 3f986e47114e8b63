"""Any value reaches a process under systemd byte for byte, and nobody else reads it there."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import pytest

from bakery.commands.files import make_folder
from bakery.model.names import Port, UnitName
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec
from bakery.model.variables import LARGEST_VALUE
from bakery.nodes.accounts import ensure_account
from bakery.nodes.folders import NodeFolders
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from bakery.nodes.systemd_units import SystemdUnits
from bakery.nodes.transport import Transport, run_or_fail
from tests.lab.nodes import SSH, Node

FOLDERS = NodeFolders(PurePosixPath("/var/lib/bakery/node"))
NAME = UnitName("bakery-vars-production-blue")
CANARY = "canary-4711"
HOSTILE = {
    "LINES": "one\ntwo\r\nthree\n",
    "QUOTES": "'single' \"double\" `back` \\ \\n \\",
    "DOLLARS": "$HOME ${HOME} $(id) %h %%n #5 ; PORT=1",
    "SPACES": "  \t before and after \t ",
    "CONTROLS": "".join(map(chr, range(1, 32))) + "\x7f\x85",
    "UNICODE": "ünïcödé 😀 \u2028 \u202e \ufeff",
    "EMPTY": "",
    "LARGE": ("x\n" * LARGEST_VALUE)[:LARGEST_VALUE],
    "SECRET": CANARY,
}
APP = "import json, os, sys, time; print(json.dumps(dict(os.environ)), flush=True); time.sleep(600)"


@pytest.fixture
async def machine(node: Node) -> AsyncIterator[Transport]:
    key = Secret(node.key.read_text())
    transport = SshTransport(SshLogin(node.name, "127.0.0.1", Port(node.ports[SSH]), "root", key))
    yield transport
    await transport.close()


async def test_a_unit_has_every_value_and_no_other_account_reads_it(node: Node, machine: Transport) -> None:
    for folder in (FOLDERS.units, FOLDERS.logs):
        await run_or_fail(machine, make_folder(folder))
    await ensure_account(machine, "bk-1")
    await ensure_account(machine, "bk-2")
    units = SystemdUnits(machine, FOLDERS)
    await units.start(
        UnitSpec(
            name=NAME,
            argv=("/usr/bin/python3", "-c", APP),
            folder=PurePosixPath("/srv"),
            log_file=FOLDERS.unit_log(NAME),
            environment={name: Secret(value) for name, value in HOSTILE.items()},
            account="bk-1",
        )
    )
    seen = json.loads(await _first_line(machine))
    assert {name: seen[name] for name in HOSTILE} == HOSTILE

    node.run("truncate", "--size=0", str(FOLDERS.unit_log(NAME)))  # where the app itself wrote them
    # A pattern that does not find itself among the commands.
    search = (
        f"grep -rls {CANARY[:-1]}[{CANARY[-1]}] /etc/systemd /run/systemd /var/lib/bakery /var/log /proc/[0-9]*/cmdline"
    )
    assert node.run("sh", "-c", f"{search} || true").splitlines() == [f"{FOLDERS.units}/{NAME}.env"]
    as_another = node.run("runuser", "-u", "bk-2", "--", "sh", "-c", f"{search} /proc/[0-9]*/environ || true")
    assert as_another == ""
    assert CANARY not in node.run("journalctl", "--no-pager", "--output=export")
    assert CANARY not in node.run("runuser", "-u", "bk-2", "--", "sh", "-c", f"systemctl show {NAME} || true")
    await units.remove(NAME)
    assert node.run("sh", "-c", f"{search} || true") == ""


async def _first_line(machine: Transport) -> bytes:
    """The app's log, once its line is whole."""
    deadline = asyncio.get_running_loop().time() + 20
    while not (text := await machine.get(FOLDERS.unit_log(NAME)) or b"").endswith(b"\n"):
        assert asyncio.get_running_loop().time() < deadline, text
        await asyncio.sleep(0.1)
    return text
