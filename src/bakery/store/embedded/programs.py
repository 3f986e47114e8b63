"""Running a program of PostgreSQL's or the system's, with nothing of our environment, which may hold keys.

Each has a session of its own: Ctrl-C at a terminal is for us, and we end them when it is their turn.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Sequence
from dataclasses import dataclass

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and what it said."""

    status: int
    output: str

    @property
    def last_words(self) -> str:
        return "\n".join(self.output.strip().splitlines()[-4:]) or f"it ended with status {self.status}."


async def run(argv: Sequence[str], *, stdin: str = "", folders: Sequence[int] = ()) -> Outcome:
    """Runs it to its end. `folders` are open descriptors that it may use. It is killed if we are cancelled."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        pass_fds=folders,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None  # noqa: S101 - communicate() has waited for it
    return Outcome(process.returncode, output.decode(errors="replace"))


async def start(argv: Sequence[str], *, folders: Sequence[int]) -> asyncio.subprocess.Process:
    """Starts it and returns. What it says arrives on `stderr`."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        pass_fds=folders,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
