"""Over SSH to a real machine, with the limits that its sshd comes with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.model.errors import CommandFailed
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.handshake import connect
from bakery.nodes.login import Bastion, Cause, SshLogin, Unreachable
from bakery.nodes.ssh import SshTransport
from bakery.nodes.transport import Transport
from tests.lab.nodes import SSH, Node
from tests.support.waiting import wait_until

# Looks at the command line of every process, again and again, until its input ends.
WATCH = """
import base64, os, pathlib, select, sys
needles = [os.environ["TOKEN"].encode(), base64.b64encode(os.environ["TOKEN"].encode())]
looked = 0
print("looking", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        looked += b"bakery-ssh-test" in text
        if any(needle in text for needle in needles):
            print("seen:", text, flush=True)
print("looked", looked > 0)
"""


async def test_a_machine_over_ssh(node: Node) -> None:
    async with reaching(node) as machine:
        await fifty_commands_at_once_are_all_served(node, machine)
        await a_secret_shows_nowhere(machine)
        await a_command_that_is_left_leaves_no_process(node, machine)
        await a_daemon_does_not_hold_up_its_command(machine)
        await a_file_comes_and_goes_as_it_is(machine)
        await a_full_disk_is_told(node, machine)
        await a_tunnel_reaches_nginx(machine)
        await a_restarted_sshd_is_met_again(node, machine)


async def test_a_machine_over_ssh_as_an_ordinary_user(node: Node) -> None:
    """For whom sshd does some things differently than for root."""
    node.run("useradd", "--create-home", "--shell=/bin/sh", "bakery-agent")
    node.put("/home/bakery-agent/.ssh/authorized_keys", node.key.with_suffix(".pub").read_bytes())
    async with reaching(node, user="bakery-agent") as machine:
        assert (await machine.run(command("id", "-un"))).output == "bakery-agent\n"
        await fifty_commands_at_once_are_all_served(node, machine)
        await a_secret_shows_nowhere(machine)
        await a_command_that_is_left_leaves_no_process(node, machine)
        await what_may_not_be_touched_is_an_error(machine)


async def test_a_machine_behind_a_bastion(node: Node) -> None:
    door = a_login(node)
    bastion = Bastion(door.user, door.host, door.port)
    login = SshLogin("inner", "127.0.0.1", Port(22), "root", door.private_key, bastion=bastion)
    machine = SshTransport(login)
    shake = await machine.connect()
    assert shake.host_key == shake.bastion_host_key
    assert (await machine.run(command("hostname"))).output == f"{node.name}\n"
    await machine.close()


async def fifty_commands_at_once_are_all_served(node: Node, machine: Transport) -> None:
    results = await asyncio.gather(*(machine.run(command("echo", str(number))) for number in range(50)))
    assert [result.output for result in results] == [f"{number}\n" for number in range(50)]
    assert "no more sessions" not in node.run("journalctl", "--unit=ssh", "--no-pager")


async def a_secret_shows_nowhere(machine: Transport) -> None:
    secret = Secret("hush, a canary of forty-two letters in it")
    async with machine.open(command("python3", "-c", WATCH, env={"TOKEN": secret})) as watching:
        output = watching.output()
        assert await anext(output) == b"looking\n"
        for _ in range(30):
            shown = await machine.run(
                command("sh", "-c", 'cat; printf "%s" "$TOKEN"', "bakery-ssh-test", env={"TOKEN": secret}, stdin=secret)
            )
            assert shown.output == 2 * secret.reveal()
        await watching.send(b"\n")
        assert b"".join([chunk async for chunk in output]) == b"looked True\n"


async def a_command_that_is_left_leaves_no_process(node: Node, machine: Transport) -> None:
    family = ("sh", "-c", "sleep 4321 & sleep 4321; true")
    running = [asyncio.create_task(machine.run(command(*family))) for _ in range(8)]
    await until(node, sleeping=16)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await until(node, sleeping=0)
    with pytest.raises(CommandFailed, match="did not end within 1 s and was stopped"):
        await machine.run(command(*family, timeout=1))
    await until(node, sleeping=0)
    async with machine.open(command(*family)):
        await until(node, sleeping=2)
    await until(node, sleeping=0)


async def a_daemon_does_not_hold_up_its_command(machine: Transport) -> None:
    began = await machine.run(command("sh", "-c", "sleep 60 & echo $!", timeout=10))
    await machine.run(command("kill", began.output.strip()))


async def a_file_comes_and_goes_as_it_is(machine: Transport) -> None:
    path = PurePosixPath("/srv/it's a file")
    content = bytes(range(256)) * 40_000
    await machine.put(path, content, mode=0o640)
    assert await machine.get(path) == content
    assert (await machine.run(command("stat", "--format=%a %U", path))).output == "640 root\n"
    assert await machine.names_in(path.parent) == (path.name,)
    await machine.remove(path)
    assert await machine.get(path) is None


async def a_full_disk_is_told(node: Node, machine: Transport) -> None:
    node.run("mount", "--mkdir", "-t", "tmpfs", "-o", "size=1m", "small", "/srv/small")
    path = PurePosixPath("/srv/small/file")
    await machine.put(path, b"old")
    with pytest.raises(CommandFailed, match=r"/srv/small/file could not be written: .*No space left on device"):
        await machine.put(path, bytes(3_000_000))
    assert await machine.get(path) == b"old"
    assert await machine.names_in(path.parent) == (path.name,)


async def a_tunnel_reaches_nginx(machine: Transport) -> None:
    async with machine.tunnel(Port(80)) as (reader, writer):
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert b"nginx" in await reader.read()


async def a_restarted_sshd_is_met_again(node: Node, machine: Transport) -> None:
    running = asyncio.create_task(machine.run(command("sleep", "4321")))
    await until(node, sleeping=1)
    node.run("systemctl", "stop", "ssh")
    node.attempt("pkill", "-KILL", "sshd")
    node.run("systemctl", "start", "ssh")
    with pytest.raises(Unreachable) as lost:
        await running
    assert lost.value.cause is Cause.LOST
    assert (await machine.run(command("echo", "again"))).output == "again\n"
    await machine.run(command("pkill", "--full", "sleep 4321"))


async def what_may_not_be_touched_is_an_error(machine: Transport) -> None:
    """And not taken for something that is not there."""
    secret, hidden = PurePosixPath("/etc/shadow"), PurePosixPath("/root/no/such/file")
    for doing in (
        machine.get(secret),
        machine.get(hidden),
        machine.names_in(hidden.parent),
        machine.put(secret, b""),
        machine.put(PurePosixPath("/root/file"), b""),
        machine.remove(secret),
    ):
        with pytest.raises(CommandFailed, match="Permission denied"):
            await doing


@contextlib.asynccontextmanager
async def reaching(node: Node, *, user: str = "root") -> AsyncIterator[SshTransport]:
    """With the host key of its first handshake pinned."""
    first = await connect(a_login(node, user=user), within=10)
    first.connection.close()
    machine = SshTransport(a_login(node, user=user, host_key=first.host_key))
    try:
        yield machine
    finally:
        await machine.close()


def a_login(node: Node, *, user: str = "root", host_key: str | None = None) -> SshLogin:
    return SshLogin("oven-1", "127.0.0.1", Port(node.ports[SSH]), user, Secret(node.key.read_text()), host_key)


async def until(node: Node, *, sleeping: int) -> None:
    def count() -> int:
        return int(node.attempt("pgrep", "--count", "--full", "--exact", "sleep 4321").stdout)

    await asyncio.to_thread(wait_until, lambda: count() == sleeping, what=f"{sleeping} of them sleep")
