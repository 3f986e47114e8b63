"""The probe on a real machine, behind a real sshd."""

import asyncio
from contextlib import aclosing
from pathlib import PurePosixPath

import pytest

from bakery.model.errors import NodeUnreachable
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from bakery.nodes.vitals import watch
from tests.lab.nodes import SSH, Node
from tests.support.waiting import wait_until

FOLDER = PurePosixPath("/var/lib/bakery/node")


def probes(node: Node) -> list[str]:
    return node.attempt("pgrep", "--full", "--list-full", "sys.stdin.buffer").stdout.decode().splitlines()


async def wait_for_its_end(node: Node) -> None:
    await asyncio.to_thread(wait_until, lambda: probes(node) == [], what="the probe's end")


async def test_a_machine_is_watched_over_ssh_and_no_probe_outlives_its_connection(node: Node) -> None:
    transport = SshTransport(SshLogin("lab", "127.0.0.1", Port(node.ports[SSH]), "root", Secret(node.key.read_text())))
    async with aclosing(watch(transport, interval=0.3, folder=FOLDER)) as watching:
        said = await anext(watching)
        assert said.boot_id == node.run("cat", "/proc/sys/kernel/random/boot_id")
        assert said.disk_total > 0
        assert said.versions is not None
        assert said.versions["os"] == "Debian GNU/Linux 12 (bookworm)"
        assert said.versions["kernel"] == node.run("uname", "--kernel-release")
        assert said.versions["nginx"] is not None
        (shown,) = await asyncio.to_thread(probes, node)
        assert len(shown) < 200
    await wait_for_its_end(node)
    async with aclosing(watch(transport, interval=0.3, folder=FOLDER)) as watching:
        await anext(watching)
        await asyncio.to_thread(node.run, "pkill", "--full", "^sshd: root@notty")
        with pytest.raises(NodeUnreachable):
            async for _ in watching:
                pass
    await wait_for_its_end(node)
    await transport.close()
