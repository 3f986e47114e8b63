"""This machine, reached without a network."""

import asyncio
import contextlib
import os
import pwd
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path, PurePosixPath
from typing import IO

from bakery.commands.command import Command
from bakery.model.errors import CommandFailed
from bakery.model.secret import Secret
from bakery.nodes.child import Child, chunks
from bakery.nodes.transport import Finished, ending

KEPT_OF_OUTPUT = 1024 * 1024
_LAST_WORDS = 0.5  # seconds


class LocalTransport:
    """Children get a small environment that is written out here, and nothing of ours, which holds secrets."""

    def __init__(self, *, python: str = sys.executable) -> None:
        self._python = python
        self._environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": pwd.getpwuid(os.getuid()).pw_dir,
            "LANG": "C.UTF-8",
        }

    @property
    def python(self) -> str:
        return self._python

    async def run(self, command: Command) -> Finished:
        output, errors = _Tail(), _Tail()
        async with self._started(command, errors=subprocess.PIPE) as child, _in_time(command):
            reading = asyncio.gather(output.read(child.output), errors.read(child.errors))
            try:
                exit_status = await child.wait()
                with contextlib.suppress(TimeoutError):  # a daemon that it left behind may hold the pipes for ever
                    await asyncio.wait_for(reading, _LAST_WORDS)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)  # nobody reads a pipe that is about to be closed
        return Finished(exit_status, str(output), str(errors))

    async def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        async with self._started(command, errors=subprocess.STDOUT) as child, _in_time(command):
            async with contextlib.aclosing(chunks(child.output)) as arriving:
                async for chunk in arriving:
                    yield chunk
            exit_status = await child.wait()
        if exit_status != 0:
            raise CommandFailed(f"`{command}` {ending(exit_status)}.", exit_status=exit_status)

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        await asyncio.to_thread(_write_whole, Path(path), _as_bytes(content), mode)

    async def get(self, path: PurePosixPath) -> bytes | None:
        return await asyncio.to_thread(_read, Path(path))

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        return await asyncio.to_thread(_names, Path(folder))

    async def remove(self, path: PurePosixPath) -> None:
        await asyncio.to_thread(Path(path).unlink, missing_ok=True)

    @contextlib.asynccontextmanager
    async def _started(self, command: Command, *, errors: int) -> AsyncIterator[Child]:
        child = self._start(command, errors)
        try:
            yield child
        except BaseException:  # also when cancelled: nothing of it goes on behind our back
            child.end_group()
            await asyncio.shield(child.wait())
            raise
        finally:
            child.close()

    def _start(self, command: Command, errors: int) -> Child:
        env = self._environment | {name: _as_text(value) for name, value in command.env.items()}
        stdin = None if command.stdin is None else _as_bytes(command.stdin)
        try:
            return Child(command.argv, stdin=stdin, errors=errors, cwd=command.cwd, env=env)
        except OSError as error:
            raise CommandFailed(f"`{command}` could not start: {error.strerror}.", exit_status=127) from error


@contextlib.asynccontextmanager
async def _in_time(command: Command) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(command.timeout):
            yield
    except TimeoutError as error:
        message = f"`{command}` did not end within {command.timeout:g} s and was stopped."
        raise CommandFailed(message, exit_status=-signal.SIGKILL) from error


class _Tail:
    """The end of what a pipe brought."""

    def __init__(self) -> None:
        self._kept = bytearray()

    async def read(self, pipe: IO[bytes] | None) -> None:
        async for chunk in chunks(pipe):
            self._kept += chunk
            del self._kept[:-KEPT_OF_OUTPUT]

    def __str__(self) -> str:
        return self._kept.decode(errors="replace")


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


def _as_bytes(content: bytes | Secret) -> bytes:
    return content if isinstance(content, bytes) else content.reveal().encode()


def _as_text(value: str | Secret) -> str:
    return value if isinstance(value, str) else value.reveal()
