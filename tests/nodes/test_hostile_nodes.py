"""A machine that was taken over, or one on the way to it, says whatever it likes: it costs no other node anything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import cast

import asyncssh
import pytest

from bakery.commands.command import command
from bakery.model.errors import CommandFailed, NodeUnreachable
from bakery.model.nodes import NodeState
from bakery.nodes import remote, running, ssh
from bakery.nodes.catalogue import show_node
from bakery.nodes.channels import Turn
from bakery.nodes.facts import look_at
from bakery.nodes.handshake import connect
from bakery.nodes.links import Address, Links
from bakery.nodes.login import Bastion, Cause, Unreachable
from bakery.nodes.node import Node
from bakery.nodes.ssh import SshTransport
from bakery.nodes.touch import note_trouble
from bakery.nodes.transcript import Transcript
from bakery.nodes.transport import Finished, Transport
from bakery.nodes.verify import verify
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.nodes.memory import MemoryTransport, done
from tests.nodes.test_registry import a_handshake, a_node, kept
from tests.support.people import SYSTEM
from tests.support.ssh_server import Door, SshServer, serving, shown

FACTS = {
    "user": "bakery-agent", "is_root": False, "home": "/var/lib/bakery/agent", "has_systemd": True, "has_docker": True,
    "nginx": "/usr/sbin/nginx", "nginx_settings": "/etc/nginx/nginx.conf", "python": "3.11.2",
    "disk_free_bytes": 10**11, "memory_bytes": 10**10, "cpus": 2, "address": "203.0.113.7", "has_ipv6": True,
}  # fmt: skip


class Garbled:
    """A server's key, whose public part is anything."""

    def __init__(self, pair: asyncssh.SSHKeyPair | None, public: bytes) -> None:
        self._pair = pair
        self.public_data = public

    def __getattr__(self, name: str) -> object:
        return getattr(self._pair, name)


@contextmanager
def showing(public: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kind = asyncssh.SSHServerConnection
    theirs = kind.get_server_host_key
    with monkeypatch.context() as patching:
        patching.setattr(kind, "get_server_host_key", lambda conn: Garbled(theirs(conn), public))
        yield


@pytest.mark.parametrize("public", [b"", b"x" * 100, b"\0\0\0\x0bssh-ed25519\0\0\0\x01a"])
async def test_a_host_key_that_is_none_is_a_node_that_cannot_be_reached(
    public: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(SshServer(tmp_path)) as server:
        with showing(public, monkeypatch), pytest.raises(Unreachable) as caught:
            await connect(server.login(host_key=shown(server.keys[0])), within=10)
    assert (caught.value.cause, caught.value.seen_host_key) == (Cause.BANNER, None)


async def test_why_a_bastion_does_not_get_through_is_told_in_a_line_that_can_be_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "no\0\x1b[31m\nway" + "!" * 5000)

    monkeypatch.setattr(Door, "connection_requested", refuse)
    async with serving(SshServer(tmp_path)) as gateway:
        login = replace(gateway.login(), bastion=Bastion("admin", "127.0.0.1", gateway.port))
        with pytest.raises(Unreachable) as caught:
            await connect(login, within=10)
    said = caught.value.message.partition(" said: ")[2]
    assert said.startswith("no[31mway!!!")
    assert len(said) < 210
    node = await a_node(store)
    await note_trouble(store, kept(node), caught.value, is_certain=True)
    assert (await show_node(store, node.slug, actor=SYSTEM)).trouble == caught.value.message


class Channel:
    """What a command's channel is asked for."""

    def pause_reading(self) -> None: ...

    def close(self) -> None: ...


def a_command() -> remote.Remote:
    begun = remote.Remote(command("true"), "bakery-mark", cast("Turn", Channel()), lost=lambda: NodeUnreachable("lost"))
    begun.connection_made(cast("asyncssh.SSHClientChannel[bytes]", Channel()))
    return begun


def errors_of(begun: remote.Remote, *said: bytes) -> None:
    for chunk in said:
        begun.data_received(chunk, asyncssh.EXTENDED_DATA_STDERR)


async def test_a_shell_that_never_tells_its_process_takes_no_memory() -> None:
    begun = a_command()
    errors_of(begun, *[b"x" * 65536] * 100)
    assert begun._preface is None  # where the memory would be
    assert await begun.process() is None


@pytest.mark.parametrize("told", [b"-1", b"abc", b"1" * 5000, b"", b"0", b"1 2"])
async def test_a_process_that_is_none_is_not_believed(told: bytes) -> None:
    begun = a_command()
    errors_of(begun, b"bakery-mark " + told + b"\n")
    assert await begun.process() is None


async def test_a_file_that_has_no_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "LARGEST_FILE", 1000)
    (tmp_path / "exact").write_bytes(b"x" * 1000)
    (tmp_path / "endless").write_bytes(b"x" * 1001)
    (tmp_path / "folder").mkdir()
    for number in range(10):
        (tmp_path / "folder" / f"{number}{'x' * 150}").touch()
    async with serving(SshServer(tmp_path)) as server:
        machine = SshTransport(server.login())
        assert await machine.get(PurePosixPath(tmp_path, "exact")) == b"x" * 1000
        with pytest.raises(CommandFailed, match="endless is larger than 1000 bytes"):
            await machine.get(PurePosixPath(tmp_path, "endless"))
        with pytest.raises(CommandFailed, match="folder is larger than 1000 bytes"):
            await machine.names_in(PurePosixPath(tmp_path, "folder"))
        await machine.close()


def test_of_what_is_too_large_only_the_beginning_is_kept() -> None:
    kept = running.Head(10)
    for _ in range(5):
        kept.add(b"123456")
    assert (bytes(kept.kept), kept.is_too_large) == (b"1234561234", True)


@pytest.mark.parametrize(
    "odd",
    [
        {"user": "a\0b"}, {"user": "x" * 5000}, {"home": "/\0"}, {"nginx": "\x1b[31m"}, {"python": "a\nb"},
        {"nginx_settings": "/a\0b"}, {"cpus": -1}, {"cpus": 2**70}, {"memory_bytes": -1}, {"disk_free_bytes": 2**70},
        {"address": "javascript:alert(1)"}, {"address": "<b>"}, {"address": "x" * 100}, {"address": "203.0.113.7\0"},
        {"ipv6": "fe80::1"}, {"ipv6": "203.0.113.7"}, {"ipv6": "2a01:4f8::1%<b>"}, {"address": "fe80::1%<b>"},
    ],
)  # fmt: skip
async def test_a_machine_that_describes_itself_oddly_is_not_believed(odd: dict[str, object]) -> None:
    machine = MemoryTransport(lambda _: done(json.dumps({**FACTS, **odd})))
    with pytest.raises(NodeUnreachable, match="did not describe itself"):
        await look_at(machine)


class HostileNode:
    """Links to one node, which answers everything alike."""

    def __init__(self, links: Links, said: Finished) -> None:
        self._links = links
        self._machine = MemoryTransport(lambda asked: done("bakery-ready") if "bakery-ready" in str(asked) else said)

    async def address(self, node_id: int) -> Address:
        return await self._links.address(node_id)

    async def ssh(self, node_id: int) -> "HostileNode":
        del node_id
        return self

    async def connect(self) -> object:
        return a_handshake()

    async def transport(self, node_id: int) -> Transport:
        del node_id
        return self._machine


@pytest.mark.parametrize(
    "said",
    [
        done("1" + ".1" * 400_000, errors="\0" * 300),
        done("\0\x1b[2J", errors="<b>\0", status=1),
        done(json.dumps({**FACTS, "user": "\0"})),
        done("\ufffd" * 1_000_000, status=-9),
    ],
    ids=["endless version", "not to be stored", "facts", "long"],
)
async def test_whatever_a_node_says_when_it_is_verified_it_is_verified(
    store: Store, queue: Queue, said: Finished
) -> None:
    node = await a_node(store)
    links = HostileNode(Links(store, _no_machine, Transcript(store, now)), said)
    await verify(store, cast("Links", links), queue, node.id)
    seen = await show_node(store, node.slug, actor=SYSTEM)
    assert seen.state is NodeState.ONLINE
    assert seen.checked_at is not None
    assert not seen.is_checking
    assert all(len(check.said) <= 500 and check.said.isprintable() for check in seen.checks)
    assert seen.facts is None


async def _no_machine() -> Node:
    raise NotImplementedError
