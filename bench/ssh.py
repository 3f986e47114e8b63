"""Commands a second over one node, against OpenSSH with ControlMaster in the same run. `python -m bench.ssh`, as root"""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bakery.commands.command import command
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.handshake import SshLogin
from bakery.nodes.ssh import SshTransport
from bench.running import tell, temporary_folder
from tests.lab.lab import open_lab
from tests.lab.nodes import SSH, Node

ROUNDS, IN_A_ROW, AT_ONCE = 5, 100, 50
LEAST_FACTOR = 2.0


async def measure(node: Node, control: Path) -> None:
    """The two take turns, so that a machine that is busy for a while is so for both."""
    login = SshLogin(node.name, "127.0.0.1", Port(node.ports[SSH]), "root", Secret(node.key.read_text()))
    ours = SshTransport(login)
    await asyncio.gather(*(ours.run(command("true")) for _ in range(AT_ONCE)))
    ssh = through(node, control)
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        rates.setdefault("ours_in_a_row", []).append(await in_a_row(ours))
        rates.setdefault("openssh_in_a_row", []).append(await asyncio.to_thread(openssh_in_a_row, ssh))
        rates.setdefault("ours_at_once", []).append(await at_once(ours))
        rates.setdefault("openssh_at_once", []).append(await asyncio.to_thread(openssh_at_once, ssh))
    await ours.close()
    refused = node.run("journalctl", "--unit=ssh", "--no-pager", f"--grep={ours_refused(node)}", "--quiet")
