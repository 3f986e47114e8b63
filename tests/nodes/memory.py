"""A machine in memory: it remembers what it was told, and answers what it was given."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import PurePosixPath

from bakery.commands.command import Command
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.transport import Finished, Running

Answers = Callable[[Command], Finished]


def done(output: str = "", *, status: int = 0, errors: str = "") -> Finished:
    return Finished(status, output, errors)


class MemoryTransport:
    python = "/usr/bin/python3"

    def __init__(self, answers: Answers = lambda _: done()) -> None:
        self.answers = answers
        self.files: dict[PurePosixPath, bytes] = {}
        self.modes: dict[PurePosixPath, int] = {}
        self.told: list[str] = []

    async def run(self, command: Command) -> Finished:
        self.told.append(str(command))
        return self.answers(command)

    async def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        yield (await self.run(command)).output.encode()

    def open(self, command: Command) -> AbstractAsyncContextManager[Running]:
        raise NotImplementedError("A machine in memory holds no conversations.")

    def tunnel(self, port: Port) -> AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        raise NotImplementedError("Nothing listens on a machine in memory.")

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        self.files[path] = content.reveal().encode() if isinstance(content, Secret) else content
        self.modes[path] = mode

    async def get(self, path: PurePosixPath) -> bytes | None:
        return self.files.get(path)

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in self.files if path.parent == folder))

    async def remove(self, path: PurePosixPath) -> None:
        self.files.pop(path, None)
