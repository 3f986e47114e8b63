"""A child process on any event loop.

The event loops' own subprocesses will not do: uvloop lets a child inherit the pipes of others, so that a daemon which
one command starts holds up the next one.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import IO

_CHUNK = 64 * 1024


class Child:
    """A program in a process group of its own. `output` and `errors` are read with `chunks`.

    Its input is `stdin`, or what `send` brings where it `listens`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        errors: int,
        cwd: PurePath | None,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        listens: bool = False,
    ) -> None:
        with _readable(stdin) as readable:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if listens else readable,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        self._end = os.pidfd_open(self._process.pid)
        self.output = self._process.stdout
        self.errors = self._process.stderr

    async def wait(self) -> int:
        """The exit status; negative: the signal that ended it."""
        if self._process.returncode is None:
            await _until_readable(self._end)
        return self._process.wait()

    async def send(self, data: bytes) -> None:
        """Returns when its input has room for that. Of no consequence when the program reads no more."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        os.set_blocking(pipe.fileno(), False)
        unsent = memoryview(data)
        while unsent:
            try:
                unsent = unsent[os.write(pipe.fileno(), unsent) :]
            except BlockingIOError:
                await _until_writable(pipe.fileno())
            except BrokenPipeError:
                return

    def close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        os.close(self._end)
        for pipe in (self._process.stdin, self.output, self.errors):
            if pipe is not None:
                pipe.close()


async def chunks(pipe: IO[bytes] | None) -> AsyncGenerator[bytes, None]:
    """What the pipe brings, as it comes, until everybody has closed its other end."""
    if pipe is None:
        return
    os.set_blocking(pipe.fileno(), False)
    while True:
        try:
            chunk = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            await _until_readable(pipe.fileno())
            continue
        if not chunk:
            return
        yield chunk


async def _until_readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)


async def _until_writable(descriptor: int) -> None:
    """Or until nobody reads there any more."""
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    loop.add_writer(descriptor, writable.set)
    try:
        await writable.wait()
    finally:
        loop.remove_writer(descriptor)


@contextlib.contextmanager
def _readable(content: bytes | None) -> Iterator[int]:
    """A file in memory: nothing to feed, and nothing that could break when the program does not read it."""
    if content is None:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("stdin"), "w+b") as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()
