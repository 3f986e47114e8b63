import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakery.model.errors import BadInput
from bakery.model.names import Port
from bakery.nodes.handshake import Connected, connect
from bakery.nodes.login import Bastion, Cause, SshLogin, Unreachable, fingerprint, mint_key
from tests.support.ssh_server import KEY_PRIVATE, SshServer, host_key, serving, shown
from tests.support.waiting import until

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmEo00KM5EYDIDQ7qHrtABVFsw8q3FMJec2YXIMri6b"


def test_a_minted_key_is_a_line_for_authorized_keys_and_a_secret() -> None:
    public, private = mint_key("bakery oven-1")
    assert re.fullmatch(r"ssh-ed25519 [A-Za-z0-9+/=]+ bakery oven-1", public)
    assert private.reveal().startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert mint_key("bakery oven-1")[0] != public


def test_a_fingerprint_is_the_one_that_ssh_shows() -> None:
    assert fingerprint(ED25519) == "SHA256:PH12jkX8FCZ0v2jfsadC+0yxh2Oe13dbBWm7L6YvPOc"


def test_what_is_no_key_has_no_fingerprint() -> None:
    with pytest.raises(BadInput, match="not the public key of an SSH server"):
        fingerprint("ssh-ed25519 hello")


async def test_a_first_handshake_takes_the_host_key_and_reports_it(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, to(server.login()) as connected:
        assert connected.host_key == shown(server.keys[0])
        assert 0 < connected.seconds < 10
        assert connected.handshake.bastion_host_key is None


async def test_the_pinned_host_key_lets_us_in(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, to(server.login(host_key=shown(server.keys[0]))) as connected:
        assert connected.host_key == shown(server.keys[0])


async def test_another_key_of_the_same_server_is_no_alarm(tmp_path: Path) -> None:
    keys = [host_key("ssh-ed25519"), host_key("ecdsa-sha2-nistp256"), host_key("ssh-rsa")]
    async with serving(SshServer(tmp_path, keys=keys)) as server:
        for key in keys:
            async with to(server.login(host_key=shown(key))) as connected:
                assert connected.host_key == shown(key)


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
async def test_nobody_authenticates_to_a_server_with_another_host_key(tmp_path: Path, kind: str) -> None:
    """Whether its key is of the pinned kind or not."""
    async with serving(SshServer(tmp_path, keys=[host_key(kind)])) as server:
        error = await trouble(server.login(host_key=ED25519))
        assert error.cause is Cause.HOST_KEY
        assert error.seen_host_key == shown(server.keys[0])
        assert error.message == (
            f"The host key of oven-1 has changed: it is {fingerprint(shown(server.keys[0]))}, "
            f"and was {fingerprint(ED25519)}."
        )
        assert "somebody may be intercepting" in error.hint
        assert server.attempts == 0


async def test_a_key_that_the_node_does_not_know_is_named(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server:
        error = await trouble(server.login(key=mint_key("another")[1]))
    assert error.cause is Cause.AUTHENTICATION
    assert error.message == (
        f"Could not reach oven-1: ssh bakery-agent@127.0.0.1:{server.port} said: Permission denied (publickey)."
    )
    assert error.hint == "Does bakery-agent there still have Bakery's key? The node's installer puts it back."


async def test_a_port_without_a_server_refuses() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = Port(unheard.getsockname()[1])
        error = await trouble(a_login(port))
    assert error.cause is Cause.REFUSED
    assert error.message == f"Could not reach oven-1: ssh bakery-agent@127.0.0.1:{port} said: Connection refused."
    assert error.hint == f"Is its SSH server running, and does it listen on port {port}?"


async def test_a_host_that_says_nothing_times_out() -> None:
    async with answering(b"", stays=True) as port:
        error = await trouble(a_login(port), within=0.3)
    assert error.cause is Cause.TIMED_OUT
    assert error.hint == f"Is the machine on, and is port {port} open in the firewall?"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.5-old\r\n"])
async def test_what_is_no_ssh_server_is_called_so(said: bytes) -> None:
    async with answering(said) as port:
        error = await trouble(a_login(port))
    assert error.cause is Cause.BANNER
    assert "said: The answer was not that of an SSH server." in error.message


async def test_a_server_that_hangs_up_in_the_middle_is_lost() -> None:
    async with answering(b"SSH-2.0-OpenSSH_9.2p1\r\n") as port:
        assert (await trouble(a_login(port))).cause is Cause.LOST


async def test_a_name_that_nobody_knows_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = replace(a_login(Port(22)), host="oven-1.example")
    async with resolving(monkeypatch, socket.gaierror(socket.EAI_NONAME, "Name or service not known")):
        error = await trouble(nobody)
    assert error.cause is Cause.UNKNOWN_HOST
    assert error.hint == "Is oven-1.example spelled correctly, and does it have a DNS record?"


async def test_a_dead_address_does_not_keep_us_from_one_that_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        async with serving(SshServer(tmp_path)) as server:
            ports = [unheard.getsockname()[1], server.port]
            async with resolving(monkeypatch, ports), to(replace(server.login(), host="oven-1.example")) as connected:
                assert connected.host_key == shown(server.keys[0])


async def test_nothing_of_our_own_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a person's SSH settings and keys, nor their agent."""
    folder = tmp_path / ".ssh"
    folder.mkdir()
    (folder / "config").write_text("Host *\n  User nobody\n  ProxyCommand false\n  UserKnownHostsFile none\n")
    (folder / "id_ed25519").write_text(KEY_PRIVATE.reveal())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    async with serving(SshServer(tmp_path)) as server:
        async with to(server.login()) as connected:
            assert connected.connection.get_extra_info("username") == "bakery-agent"
        assert (await trouble(server.login(key=mint_key("another")[1]))).cause is Cause.AUTHENTICATION


async def test_a_bastion_is_passed_through_with_the_same_key(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as gateway, serving(SshServer(tmp_path)) as server:
        login = replace(server.login(), bastion=a_bastion(gateway))
        async with to(login) as connected:
            assert connected.host_key == shown(server.keys[0])
            assert connected.handshake.bastion_host_key == shown(gateway.keys[0])
            assert (await connected.connection.run("echo hello")).stdout == b"hello\n"
            assert len(gateway.open) == 1
        await until(lambda: not gateway.open, what="the way through the bastion is closed with the connection")


async def test_a_bastion_with_another_host_key_is_not_entered(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as gateway, serving(SshServer(tmp_path)) as server:
        login = replace(server.login(), bastion=replace(a_bastion(gateway), host_key=ED25519))
        error = await trouble(login)
        assert (error.cause, error.is_bastion) == (Cause.HOST_KEY, True)
        assert error.message.startswith("The host key of the bastion of oven-1 has changed: ")
        assert error.seen_host_key == shown(gateway.keys[0])
        assert gateway.attempts == 0
        assert server.connections == 0


async def test_a_bastion_that_does_not_get_through_leaves_nothing_open(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        async with serving(SshServer(tmp_path)) as gateway:
            login = replace(a_login(Port(unheard.getsockname()[1])), bastion=a_bastion(gateway))
            assert (await trouble(login)).cause is Cause.REFUSED
            await until(lambda: not gateway.open, what="the bastion is left")


async def test_a_bastion_that_is_away_is_named(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        gateway = Bastion("admin", "127.0.0.1", Port(unheard.getsockname()[1]))
        error = await trouble(replace(a_login(Port(22)), bastion=gateway))
    assert error.cause is Cause.REFUSED
    assert error.message == (
        f"Could not reach the bastion of oven-1: ssh admin@127.0.0.1:{gateway.port} said: Connection refused."
    )


def a_login(port: Port) -> SshLogin:
    return SshLogin("oven-1", "127.0.0.1", port, "bakery-agent", KEY_PRIVATE)


def a_bastion(gateway: SshServer) -> Bastion:
    return Bastion("admin", "127.0.0.1", gateway.port)


async def trouble(login: SshLogin, *, within: float = 10) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await connect(login, within=within)
    return caught.value


@contextlib.asynccontextmanager
async def to(login: SshLogin) -> AsyncIterator[Connected]:
    connected = await connect(login, within=10)
    try:
        yield connected
    finally:
        connected.connection.close()
        await connected.connection.wait_closed()


@contextlib.asynccontextmanager
async def answering(said: bytes, *, stays: bool = False) -> AsyncIterator[Port]:
    """A server that says one thing to everybody, and hangs up when it has heard something or stays on the line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await (reader.read() if stays else reader.read(1))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Port(server.sockets[0].getsockname()[1])


@contextlib.asynccontextmanager
async def resolving(monkeypatch: pytest.MonkeyPatch, answer: OSError | list[int]) -> AsyncIterator[None]:
    """A name service of our own: there is none that all machines have. A port stands for an address."""

    async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        if isinstance(answer, OSError):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in answer]

    class Loop:
        def __getattr__(self, name: str) -> object:
            return getaddrinfo if name == "getaddrinfo" else getattr(loop, name)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr("bakery.nodes.handshake.asyncio.get_running_loop", Loop)
    yield
