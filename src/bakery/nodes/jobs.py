"""Durable jobs on a node: work that goes on, and is accounted for, whatever happens to who asked for it."""

import contextlib
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, NewType, TypeVar

import msgspec
from msgspec import Meta

from bakery.commands.command import Command, command
from bakery.commands.files import make_folder
from bakery.model.errors import BadInput, CommandFailed, NodeUnreachable
from bakery.model.secret import Secret
from bakery.nodes.folders import NodeFolders
from bakery.nodes.helper_calls import lacks_verb
from bakery.nodes.helper_file import helper_file
from bakery.nodes.transport import SHOWN_OF_OUTPUT, Finished, Running, Transport, ending, run_or_fail

JobKey = NewType("JobKey", str)
Answer = TypeVar("Answer")

DEFAULT_LOG_BYTES = 512 * 1024 * 1024
_KEY = re.compile(r"j[0-9a-f]{24}")
_LONGEST_STATUS = 4096  # bytes of a line
_SHOWN = 200


class JobState(StrEnum):
    """What the node can say of a job. `unknown`: it has never begun there; `lost`: nobody knows how it ended."""

    UNKNOWN = "unknown"
    RUNNING = "running"
    EXITED = "exited"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        return self not in {JobState.UNKNOWN, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class JobStatus:
    """`log_bytes` is how long the node's file is now. A negative exit status is the signal that ended the program."""

    state: JobState
    exit_status: int | None = None
    reason: str = ""
    log_bytes: int = 0


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What a job may use. Memory and CPU are kept where there is systemd for us."""

    seconds: int = 3600
    log_bytes: int = DEFAULT_LOG_BYTES
    memory_bytes: int | None = None
    cpu_percent: int | None = None  # of one CPU: 150 is one and a half


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What to run. `account` None: as the user that Bakery logs in as; `folder` None: in that one's home."""

    key: JobKey
    argv: tuple[str, ...]
    account: str | None = None
    folder: PurePosixPath | None = None
    environment: Mapping[str, Secret] = field(default_factory=dict)
    stdin: Secret | None = None
    limits: JobLimits = JobLimits()

    def __post_init__(self) -> None:
        if any("\0" in word for word in self.argv):
            raise BadInput("A command cannot hold a NUL character.", field="command")


class Jobs:
    """The verbs of jobs on one node. Each may be said twice. `program` is what a call of the helper begins with."""

    def __init__(self, transport: Transport, program: tuple[str, ...]) -> None:
        self._transport = transport
        self._program = program

    async def start(self, spec: JobSpec) -> JobStatus:
        """Begins it, unless that was ever done."""
        return await self._ask("job-start", spec.key, stdin=_written(spec))

    def start_and_follow(self, spec: JobSpec) -> contextlib.AbstractAsyncContextManager["Following"]:
        """Both by one command. Leaving the block early leaves the job alone."""
        return self.followed(self.starting(spec))

    def starting(self, spec: JobSpec) -> Command:
        """The call that begins it and goes on with its log."""
        return self._say("job-start", spec.key, "--follow", stdin=_written(spec))

    @contextlib.asynccontextmanager
    async def followed(self, starting: Command) -> AsyncIterator["Following"]:
        """A call of the helper that begins a job, whatever kind it is of, and goes on with its log."""
        async with self._transport.open(starting) as running, contextlib.aclosing(running.output()) as output:
            line, rest = await _first_line(output)
            if not line.endswith(b"\n"):
                raise _refusal(starting, await running.end())
            async with contextlib.aclosing(_log_and_end(starting, running, output, rest)) as log:
                yield Following(_status(line), log)

    async def follow(self, key: JobKey, from_byte: int) -> AsyncGenerator[bytes, None]:
        """The log from an offset on, as it grows, until the job is over."""
        following = self._say("job-follow", key, str(from_byte))
        async with (
            self._transport.open(following) as running,
            contextlib.aclosing(running.output()) as output,
            contextlib.aclosing(_log_and_end(following, running, output, b"")) as log,
        ):
            async for came in log:
                if isinstance(came, bytes):
                    yield came

    async def status(self, key: JobKey) -> JobStatus:
        return await self._ask("job-status", key)

    async def cancel(self, key: JobKey) -> JobStatus:
        """When this returns, none of the job's processes is left."""
        return await self._ask("job-cancel", key)

    async def remove(self, key: JobKey) -> None:
        """Forgets a job that is over. Refused while it runs."""
        await run_or_fail(self._transport, self._say("job-remove", key))

    async def forget(self, *keys: JobKey) -> None:
        """Nothing of them runs any more, and nothing is left of them."""
        if not keys:
            return
        try:
            await run_or_fail(self._transport, self._say("job-forget", *keys))
        except CommandFailed as error:
            if not lacks_verb(error):
                raise
            for key in keys:
                await self.cancel(key)
                await self.remove(key)

    async def list(self) -> dict[JobKey, JobState]:
        """What the node keeps, oldest or not."""
        said = await run_or_fail(self._transport, self._say("job-list"))
        return {JobKey(key): state for key, state in _understood(said.output.encode(), _Jobs).jobs.items()}

    async def _ask(self, verb: str, key: JobKey, *, stdin: Secret | None = None) -> JobStatus:
        said = await run_or_fail(self._transport, self._say(verb, key, stdin=stdin))
        return _status(said.output.encode())

    def _say(self, verb: str, *words: str, stdin: Secret | None = None) -> Command:
        return command(*self._program, verb, *words, stdin=stdin)


class Following(AsyncIterator[bytes]):
    """The log from its first byte on, as it grows, until the job is over; how the job was when this began; and how it
    is when all is read, unless that has to be asked."""

    def __init__(self, begun: JobStatus, log: AsyncIterator["bytes | JobStatus"]) -> None:
        self.begun = begun
        self.ended: JobStatus | None = None
        self._log = log

    async def __anext__(self) -> bytes:
        came = await anext(self._log)
        if isinstance(came, JobStatus):
            self.ended = came
            raise StopAsyncIteration
        return came


def new_job_key() -> JobKey:
    return JobKey(f"j{secrets.token_hex(12)}")


async def install_helper(transport: Transport, folders: NodeFolders) -> tuple[str, ...]:
    """For the machine that we run on: what a call of the helper begins with, when it lies in our own folder."""
    program = helper_file()
    path = folders.programs / "helper"
    if await transport.get(path) != program:
        await run_or_fail(transport, make_folder(folders.programs))
        await transport.put(path, program)
    return (transport.python, "-I", "-S", str(path), "--root", str(folders.root))


class _Status(msgspec.Struct, forbid_unknown_fields=True):
    state: JobState
    exit_status: Annotated[int, Meta(ge=-64, le=255)] | None
    reason: Annotated[str, Meta(max_length=1000, pattern=r"\A[^\x00]*\Z")]
    log_bytes: Annotated[int, Meta(ge=0, le=2**60)]


class _Jobs(msgspec.Struct, forbid_unknown_fields=True):
    jobs: dict[str, JobState]

    def __post_init__(self) -> None:
        if not all(map(_KEY.fullmatch, self.jobs)):
            raise ValueError("a key that is none")


def _written(spec: JobSpec) -> Secret:
    """On one line, because the end of the input may be a long time coming."""
    return Secret(msgspec.json.encode(described_job(spec)).decode() + "\n")


def described_job(spec: JobSpec) -> dict[str, object]:
    """As the helper is told of it."""
    return {
        "argv": spec.argv,
        "account": spec.account,
        "folder": None if spec.folder is None else str(spec.folder),
        "environment": {name: value.reveal() for name, value in spec.environment.items()},
        "stdin": None if spec.stdin is None else spec.stdin.reveal(),
        "memory_bytes": spec.limits.memory_bytes,
        "cpu_percent": spec.limits.cpu_percent,
        "seconds": spec.limits.seconds,
        "log_bytes": spec.limits.log_bytes,
    }


async def _first_line(output: AsyncGenerator[bytes, None]) -> tuple[bytes, bytes]:
    """With what came after it. Without a newline at its end: there came no more."""
    arrived = b""
    async for chunk in output:
        arrived += chunk
        line, newline, rest = arrived.partition(b"\n")
        if newline:
            return line + newline, rest
        if len(arrived) > _LONGEST_STATUS:
            raise _not_understood(arrived)
    return arrived, b""


async def _log_and_end(
    following: Command, running: Running, output: AsyncGenerator[bytes, None], arrived: bytes
) -> AsyncGenerator[bytes | JobStatus, None]:
    """The status comes last. An older helper says none, and sudo may say something before it."""
    if arrived:
        yield arrived
    async for chunk in output:
        yield chunk
    finished = await running.end()
    if not finished.succeeded:
        raise _refusal(following, finished)
    with contextlib.suppress(NodeUnreachable, IndexError):
        yield _status(finished.errors.splitlines()[-1].encode())


def _refusal(said: Command, finished: Finished) -> CommandFailed:
    errors = finished.errors.strip()[-SHOWN_OF_OUTPUT:]
    message = f"`{said}` {ending(finished.exit_status)}" + (f": {errors}" if errors else ".")
    return CommandFailed(message, exit_status=finished.exit_status, output=finished.errors)


def _status(line: bytes) -> JobStatus:
    status = _understood(line, _Status)
    return JobStatus(status.state, status.exit_status, status.reason, status.log_bytes)


def _understood(said: bytes, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(said, type=kind)
    except msgspec.MsgspecError as error:
        raise _not_understood(said) from error


def _not_understood(said: bytes) -> NodeUnreachable:
    shown = said[:_SHOWN].decode(errors="replace")
    return NodeUnreachable(
        "The node spoke of its jobs in words that Bakery does not understand.", hint=f"It said: {shown}"
    )
