"""An SSH server in this process that runs commands as its own user, and tells what happened to it."""

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path

import asyncssh

from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.child import Child, chunks
from bakery.nodes.login import SshLogin, mint_key

Writer = asyncio.StreamWriter | asyncssh.SSHWriter[bytes]
Forward = Callable[[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]], Coroutine[None, None, None]]
KEY_PUBLIC, KEY_PRIVATE = mint_key("of all tests")
USER = "bakery-agent"


def host_key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def shown(key: asyncssh.SSHKey) -> str:
    """A host key's public part, as it is pinned."""
    return " ".join(key.export_public_key().decode().split()[:2])


class SshServer:
    """`sessions` limits what one connection may have open at once, as MaxSessions of OpenSSH does."""

    def __init__(
        self,
        home: Path,
        *,
        keys: Sequence[asyncssh.SSHKey] = (),
        accepts: str = KEY_PUBLIC,
        sessions: int = 10,
        shell: str = "/bin/sh",
    ) -> None:
        self.home = home
        self.keys = list(keys) or [host_key()]
        self.accepts = asyncssh.import_public_key(accepts)
        self.sessions = sessions
        self.shell = shell
        self.port = Port(0)
        self.children: set[Child] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.open: list[Door] = []
        self.connections = 0
        self.attempts = 0  # to authenticate
        self.refused_sessions = 0
        self.most_sessions = 0  # at once, of one connection

    async def start(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1", self.port, server_factory=lambda: Door(self), server_host_keys=self.keys, encoding=None,
            login_timeout=20,
        )  # fmt: skip
        self.port = Port(self._acceptor.get_port())

    async def stop(self) -> None:
        """Harmless when it was stopped."""
        if self._acceptor is None:
            return
        acceptor, self._acceptor = self._acceptor, None
        acceptor.close()
        self.cut()
        await acceptor.wait_closed()
        for child in list(self.children):
            child.end_group()
            await self.bury(child)

    async def bury(self, child: Child) -> None:
        self.children.discard(child)
        await child.wait()
        child.close()

    def cut(self) -> None:
        """Every connection that there is, without a word."""
        for door in self.open:
            door.connection.abort()

    def login(self, *, host_key: str | None = None, user: str = USER, key: Secret = KEY_PRIVATE) -> SshLogin:
        return SshLogin("oven-1", "127.0.0.1", self.port, user, key, host_key)


class Door(asyncssh.SSHServer):
    """One connection to the server."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self._server.connections += 1
        self._server.open.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.remove(self)

    def begin_auth(self, username: str) -> bool:
        del username
        self._server.attempts += 1
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        del username
        return key == self._server.accepts

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Forward:
        """By hand: asyncssh's own forwarding may lose what the other end says at once."""
        del orig_host, orig_port
        try:
            there = socket.create_connection((dest_host, dest_port), timeout=2)
        except OSError as error:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, error.strerror or str(error)) from error

        async def forward(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
            far_reader, far_writer = await asyncio.open_connection(sock=there)
            outwards = asyncio.create_task(_copy(reader, far_writer))
            await _copy(far_reader, writer)
            outwards.cancel()
            await asyncio.gather(outwards, return_exceptions=True)
            for end in (far_writer, writer):
                end.close()

        return forward

    def session_requested(
        self,
    ) -> bool | tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerProcess[bytes]]:
        if self._sessions >= self._server.sessions:
            self._server.refused_sessions += 1
            return False
        self._sessions += 1
        self._server.most_sessions = max(self._server.most_sessions, self._sessions)
        return (
            self.connection.create_server_channel(encoding=None),
            asyncssh.SSHServerProcess(self._run, sftp_factory=None, sftp_version=3, allow_scp=False),
        )

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        try:
            await run(process, self._server)
        finally:
            self._sessions -= 1


async def _copy(source: asyncio.StreamReader | asyncssh.SSHReader[bytes], to: Writer) -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await source.read(65536):
            to.write(data)
            await to.drain()
        to.write_eof()


async def run(process: asyncssh.SSHServerProcess[bytes], server: SshServer) -> None:
    """As sshd does: a session of its own, which outlives its connection."""
    env = {"HOME": str(server.home), "PATH": "/usr/bin:/bin", "USER": USER}
    child = Child(
        [server.shell, "-c", process.command or ""], errors=subprocess.PIPE, cwd=server.home, env=env, listens=True
    )
    server.children.add(child)
    feeding = asyncio.create_task(_feed(process, child))
    writing = asyncio.gather(_pump(chunks(child.output), process.stdout), _pump(chunks(child.errors), process.stderr))
    try:
        status = await child.wait()
        await asyncio.wait((writing,), timeout=0.3)
        if status < 0:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            process.exit(status)
    finally:
        for task in (feeding, writing):
            task.cancel()
        await asyncio.gather(feeding, writing, return_exceptions=True)
        child.close_input()
    await server.bury(child)


async def _feed(process: asyncssh.SSHServerProcess[bytes], child: Child) -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await process.stdin.read(65536):
            await child.send(data)
    child.close_input()


async def _pump(source: AsyncGenerator[bytes, None], to: asyncssh.SSHWriter[bytes]) -> None:
    """A reader who has gone is no reason for the program to stop: what it writes is dropped."""
    async for chunk in source:
        with contextlib.suppress(asyncssh.Error, OSError):
            to.write(chunk)
            await to.drain()


@contextlib.asynccontextmanager
async def serving(server: SshServer) -> AsyncIterator[SshServer]:
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
