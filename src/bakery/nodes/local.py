"""This machine, reached without a network."""

import asyncio
import contextlib
import os
import pwd
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from pathlib import Path, PurePosixPath
from typing import IO

from bakery.commands.command import Command
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.child import Child, chunks
from bakery.nodes.running import (
    ENVIRONMENT,
    Tail,
    as_bytes,
    as_text,
    did_not_start,
    ended_badly,
    in_time,
    nothing_listens,
)
from bakery.nodes.transport import Finished

Beside = asyncio.Future[list[None]]
_LAST_WORDS = 0.5  # seconds


class LocalTransport:
    """Children get a small environment that is written out here, and nothing of ours, which holds secrets."""

    def __init__(self, *, python: str = sys.executable) -> None:
        self._python = python
        self._environment = {**ENVIRONMENT, "HOME": pwd.getpwuid(os.getuid()).pw_dir}

    @property
    def python(self) -> str:
        return self._python

    async def run(self, command: Command) -> Finished:
        output, errors = Tail(), Tail()
        async with (
            self._started(command) as child,
            in_time(command),
            _beside(_keep(output, child.output), _keep(errors, child.errors)) as reading,
        ):
            exit_status = await child.wait()
            await asyncio.wait((reading,), timeout=_LAST_WORDS)
        return Finished(exit_status, str(output), str(errors))

    async def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        async with self._started(command, errors=subprocess.STDOUT) as child, in_time(command):
            async with contextlib.aclosing(chunks(child.output)) as arriving:
                async for chunk in arriving:
                    yield chunk
            exit_status = await child.wait()
        if exit_status != 0:
            raise ended_badly(command, exit_status)

    @contextlib.asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator["LocalRunning"]:
        errors = Tail()
        async with (
            self._started(command, listens=True) as child,
            _beside(_keep(errors, child.errors)) as reading,
            _beside(child.send(as_bytes(command.stdin or b""))) as feeding,
        ):
            running = LocalRunning(child, errors, reading, feeding)
            try:
                yield running
            finally:
                await running.stop()

    @contextlib.asynccontextmanager
    async def tunnel(self, port: Port) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            raise nothing_listens(port) from error
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        await asyncio.to_thread(_write_whole, Path(path), as_bytes(content), mode)

    async def get(self, path: PurePosixPath) -> bytes | None:
        return await asyncio.to_thread(_read, Path(path))

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        return await asyncio.to_thread(_names, Path(folder))

    async def remove(self, path: PurePosixPath) -> None:
        await asyncio.to_thread(Path(path).unlink, missing_ok=True)

    @contextlib.asynccontextmanager
    async def _started(
        self, command: Command, *, errors: int = subprocess.PIPE, listens: bool = False
    ) -> AsyncIterator[Child]:
        child = self._start(command, errors, listens=listens)
        try:
            yield child
        except BaseException:  # also when cancelled: nothing of it goes on behind our back
            child.end_group()
            await asyncio.shield(child.wait())
            raise
        finally:
            child.close()

    def _start(self, command: Command, errors: int, *, listens: bool) -> Child:
        env = self._environment | {name: as_text(value) for name, value in command.env.items()}
        stdin = None if command.stdin is None or listens else as_bytes(command.stdin)
        try:
            return Child(command.argv, stdin=stdin, listens=listens, errors=errors, cwd=command.cwd, env=env)
        except OSError as error:
            raise did_not_start(command, error.strerror or str(error)) from error


class LocalRunning:
    """A program of this machine, as `open` gives it."""

    def __init__(self, child: Child, errors: Tail, reading: Beside, feeding: Beside) -> None:
        self._child = child
        self._errors = errors
        self._reading = reading
        self._feeding = feeding
        self._nobody_reads = asyncio.Event()
        self._nobody_reads.set()
        self._exit_status: int | None = None

    async def output(self) -> AsyncGenerator[bytes, None]:
        self._nobody_reads.clear()
        try:
            async with contextlib.aclosing(chunks(self._child.output)) as arriving:
                async for chunk in arriving:
                    yield chunk
        finally:
            self._nobody_reads.set()

    async def send(self, data: bytes) -> None:
        await asyncio.wait((self._feeding,))
        await self._child.send(data)

    async def end(self) -> Finished:
        """Closes its input; output that nobody reads is dropped."""
        async with _beside(self._drop_output(), self._close_input()):
            self._exit_status = await self._child.wait()
            await asyncio.wait((self._reading,), timeout=_LAST_WORDS)
        return Finished(self._exit_status, "", str(self._errors))

    async def stop(self) -> None:
        if self._exit_status is None:
            self._child.end_group()
            self._exit_status = await asyncio.shield(self._child.wait())

    async def _close_input(self) -> None:
        await asyncio.wait((self._feeding,))
        self._child.close_input()

    async def _drop_output(self) -> None:
        await self._nobody_reads.wait()
        async for _ in chunks(self._child.output):
            pass


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[object, object, None]) -> AsyncIterator[Beside]:
    """During the block. A daemon that a program left behind may hold a pipe for ever, so its end is not awaited."""
    beside = asyncio.gather(*work)
    try:
        yield beside
    finally:
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)  # nobody reads a pipe that is about to be closed


async def _keep(tail: Tail, pipe: IO[bytes] | None) -> None:
    async for chunk in chunks(pipe):
        tail.add(chunk)


def _write_whole(path: Path, content: bytes, mode: int) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in folder.iterdir()))
    except FileNotFoundError:
        return ()
