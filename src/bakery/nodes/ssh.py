"""A machine far away, reached over SSH: connected when first used, and kept so."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import replace
from pathlib import PurePosixPath
from typing import cast

import asyncssh

from bakery.commands.command import Command
from bakery.model.errors import BakeryError, CommandFailed, NodeUnreachable
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes import remote_files
from bakery.nodes.channels import Channels
from bakery.nodes.handshake import Connected, connect, lost
from bakery.nodes.login import Handshake, SshLogin
from bakery.nodes.remote import Remote
from bakery.nodes.running import Head, Tail, did_not_start, ended_badly, in_time, nothing_listens
from bakery.nodes.shell_text import end_text, shell_text
from bakery.nodes.transport import Finished, Running, ending

CONNECT_WITHIN = 15.0
LARGEST_FILE = 64 * 1024 * 1024
_LONGEST_END = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


class SshTransport:
    """Without a pinned host key the first one that is shown is pinned, for as long as this lives."""

    python = "/usr/bin/python3"

    def __init__(self, login: SshLogin, *, connect_within: float = CONNECT_WITHIN) -> None:
        self._login = login
        self._connect_within = connect_within
        self._channels = Channels(self._connect, self._lost)
        self._mark = f"bakery-{secrets.token_hex(8)}"
        self._tidying: set[asyncio.Task[None]] = set()

    @property
    def last_handshake(self) -> Handshake | None:
        return self._channels.last_handshake

    async def connect(self) -> Handshake:
        """The handshake of the kept connection, which is made if there is none. Raises Unreachable."""
        await self._channels.connection()
        handshake = self._channels.last_handshake
        if handshake is None:
            raise self._lost()
        return handshake

    async def close(self) -> None:
        """For good: whatever still runs over it is lost."""
        await self._channels.close()
        await asyncio.gather(*self._tidying, return_exceptions=True)

    async def run(self, command: Command) -> Finished:
        output = Tail()
        finished = await self._ran(command, output.add)
        return replace(finished, output=str(output))

    async def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        async with self._started(command, mixes_errors=True) as remote, in_time(command):
            remote.close_input()
            async with contextlib.aclosing(remote.output()) as arriving:
                async for chunk in arriving:
                    yield chunk
            exit_status = await remote.wait()
        if exit_status != 0:
            raise ended_badly(command, exit_status)

    @contextlib.asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Running]:
        async with self._started(command) as remote:
            yield remote
            if not remote.has_ended:
                await self._end(remote)

    @contextlib.asynccontextmanager
    async def tunnel(self, port: Port) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        connection = await self._channels.connection()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            channel, _ = await connection.create_connection(lambda: _Tunnel(protocol), "127.0.0.1", port)
        except asyncssh.ChannelOpenError as error:
            raise (self._lost() if connection.is_closed() else nothing_listens(port)) from error
        # A channel has all that a stream asks of its transport.
        writer = asyncio.StreamWriter(cast("asyncio.Transport", channel), protocol, reader, asyncio.get_running_loop())
        try:
            yield reader, writer
        finally:
            channel.close()

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            finished = await self.run(remote_files.write_file(path, aside, content, mode))
        except BaseException:
            self._tidy(self._remove_quietly(aside))
            raise
        _check(finished, f"{path} could not be written")

    async def get(self, path: PurePosixPath) -> bytes | None:
        content = Head(LARGEST_FILE)
        finished = await self._ran(remote_files.read_file(path), content.add)
        if finished.exit_status == remote_files.MISSING:
            return None
        _check(finished, f"{path} could not be read")
        return _whole(content, path)

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        names = Head(LARGEST_FILE)
        finished = await self._ran(remote_files.list_folder(folder), names.add)
        if finished.exit_status == remote_files.MISSING:
            return ()
        _check(finished, f"{folder} could not be listed")
        listed = _whole(names, folder).split(b"\0")[:-1]
        return tuple(sorted(name.decode(errors="surrogateescape") for name in listed))

    async def remove(self, path: PurePosixPath) -> None:
        _check(await self.run(remote_files.remove_file(path)), f"{path} could not be removed")

    async def _connect(self) -> Connected:
        connected = await connect(self._login, within=self._connect_within)
        if self._login.host_key is None:
            self._login = replace(self._login, host_key=connected.host_key)
        return connected

    def _lost(self) -> NodeUnreachable:
        return lost(self._login)

    async def _ran(self, command: Command, take: Callable[[bytes], None]) -> Finished:
        """How it ended; its output is what `take` got."""
        async with self._started(command, take=take) as remote, in_time(command):
            remote.close_input()
            return await remote.finish()

    @contextlib.asynccontextmanager
    async def _started(
        self, command: Command, *, take: Callable[[bytes], None] | None = None, mixes_errors: bool = False
    ) -> AsyncIterator[Remote]:
        """What the command itself brings for its input is on its way, and the input open."""
        remote = await self._start(command, take, mixes_errors=mixes_errors)
        try:
            yield remote
        except BaseException:  # also when cancelled: nothing of it goes on behind our back
            await self._end(remote)
            raise
        finally:
            remote.close()

    async def _start(self, command: Command, take: Callable[[bytes], None] | None, *, mixes_errors: bool) -> Remote:
        shell = shell_text(command, self._mark, mixes_errors=mixes_errors)
        remote = await self._begun(command, shell.text, take)
        if remote is None:  # the kept connection had ended without anybody noticing, and nothing was sent yet
            remote = await self._begun(command, shell.text, take)
        if remote is None:
            raise self._lost()
        if shell.stdin:
            remote.write(shell.stdin)
        return remote

    async def _begun(self, command: Command, text: str, take: Callable[[bytes], None] | None) -> Remote | None:
        """None when the connection is gone, and the command certainly not begun."""
        remote = Remote(command, self._mark, await self._channels.turn(), lost=self._lost, take=take)
        # A task: whoever is cancelled in the middle of opening a channel would leave it behind, open.
        beginning = asyncio.create_task(self._begin(remote, command, text))
        async with in_time(command):
            try:
                return remote if await asyncio.shield(beginning) else None
            except asyncio.CancelledError:
                self._tidy(self._end_once_begun(remote, beginning))
                raise

    async def _begin(self, remote: Remote, command: Command, text: str) -> bool:
        pause = _FIRST_PAUSE
        try:
            while not remote.connection.is_closed():
                try:
                    await remote.connection.create_session(lambda: remote, text)
                except asyncssh.ChannelOpenError as error:
                    if remote.has_begun:
                        raise self._refused(remote, command, error) from error
                else:
                    return True
                await asyncio.sleep(pause)  # sshd has not reaped an earlier command yet
                pause = min(2 * pause, _LONGEST_PAUSE)
        except asyncssh.DisconnectError as error:
            raise self._lost() from error
        finally:
            if not remote.has_begun:
                remote.give_up()
        return False

    def _refused(self, remote: Remote, command: Command, error: asyncssh.ChannelOpenError) -> BakeryError:
        return self._lost() if remote.connection.is_closed() else did_not_start(command, error.reason)

    async def _end(self, remote: Remote) -> None:
        """With all its children. When the caller is cancelled meanwhile, it goes on without them."""
        await asyncio.shield(self._tidy(self._kill(remote)))

    async def _end_once_begun(self, remote: Remote, beginning: "asyncio.Task[bool]") -> None:
        await asyncio.wait((beginning,))
        if beginning.exception() is None and beginning.result():
            await self._kill(remote)

    async def _kill(self, remote: Remote) -> None:
        """By a command of its own: sshd does not pass signals on for root, nor to a forced command."""
        with contextlib.suppress(asyncssh.Error, OSError):
            async with asyncio.timeout(_LONGEST_END):
                process = await remote.process()
                if process is not None and not remote.is_closed:
                    await self._say(remote.connection, end_text(process))
                    await remote.wait_quietly()
        remote.close()

    async def _say(self, connection: asyncssh.SSHClientConnection, text: str) -> None:
        """To the shell there, beside all turns; returns when it was done."""
        while not connection.is_closed():
            with contextlib.suppress(asyncssh.ChannelOpenError):
                await connection.run(text)
                return
            await asyncio.sleep(_FIRST_PAUSE)

    async def _remove_quietly(self, path: PurePosixPath) -> None:
        with contextlib.suppress(BakeryError):
            await self.remove(path)

    def _tidy(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)
        return task


class _Tunnel(asyncssh.SSHTCPSession[bytes]):
    """What a channel tells, passed on to asyncio's streams."""

    def __init__(self, protocol: asyncio.StreamReaderProtocol) -> None:
        self._protocol = protocol

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self._protocol.connection_made(cast("asyncio.Transport", chan))

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002 - asyncssh's
        self._protocol.data_received(data)

    def eof_received(self) -> bool:
        return bool(self._protocol.eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


def _whole(content: Head, path: PurePosixPath) -> bytes:
    if content.is_too_large:
        raise CommandFailed(f"{path} is larger than {LARGEST_FILE} bytes.", exit_status=1)
    return bytes(content.kept)


def _check(finished: Finished, what: str) -> None:
    if not finished.succeeded:
        said = (finished.errors.strip().splitlines() or [ending(finished.exit_status)])[-1]
        raise CommandFailed(f"{what}: {said}.", exit_status=finished.exit_status, output=finished.errors)
