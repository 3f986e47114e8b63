"""Commands in an app's live release, while somebody watches: with its files or its image, its variables, its account
and its limits. They end with whoever asked for them, and after some hours."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from bakery.commands.command import command
from bakery.delivery.find import find_app, node_of_environment
from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.planned import Slot
from bakery.delivery.premises import Premises, Release
from bakery.delivery.variable_sets import masker_of
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.bearer import mint_token
from bakery.model.errors import BakeryError, Conflict, NotFound, TooMany, Unavailable
from bakery.model.jobs import parse_words
from bakery.model.names import AppAt, Port
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.nodes.jobs import JobKey, JobLimits, JobSpec, new_job_key
from bakery.nodes.links import Links
from bakery.nodes.live_runs import Conversation, Ended, Window, Written
from bakery.nodes.node import Node
from bakery.store.ending import end_tasks
from bakery.store.store import Store

LONGEST_RUN = 4 * 3600  # seconds
MOST_RUNS = 20
_MOST_UNHEARD = 16  # pieces of what it says
MOST_ON_NODE = 4  # each holds one of the few channels to it
MOST_OF_ONE = 3  # person's there
_SPARE = 60.0  # seconds beyond its own deadline
_TERMINAL = "xterm-256color"  # what all that people use today understands


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One that may begin: everything was asked that decides whether it may."""

    id: str
    asked_by: tuple[int | None, int | None, int | None]
    app_id: int
    node_id: int
    node: Node
    environment: Environment
    live: Slot
    release: Release
    argv: tuple[str, ...]
    window: Window | None
    idle_seconds: int | None = None  # that it may neither be told anything nor say anything

    def talk(self) -> contextlib.AbstractAsyncContextManager[Conversation]:
        """Begins it. Leaving the block ends it."""
        premises, key = self.environment.premises(self.node), new_job_key()
        runs, limits = self.node.live_runs, JobLimits(seconds=LONGEST_RUN)
        if self.release.runtime is Runtime.DOCKER:
            spec = premises.describe_once(self.release, key, self.argv)
            spec = replace(spec, environment=_with_terminal(spec.environment, self.window))
            return runs.container(key, premises.place, spec, limits, self.window)
        return runs.program(self._program(premises, key, limits), self.window)

    def _program(self, premises: Premises, key: JobKey, limits: JobLimits) -> JobSpec:
        unit = premises.describe_unit(self.release, self.live.colour, self.live.port or Port(0))
        cache = self.node.folders.cache(premises.app, premises.environment)
        return JobSpec(
            key=key,
            argv=("/usr/bin/env", "--", *self.argv),
            account=premises.job_account,
            folder=unit.folder,
            environment=_with_terminal({"HOME": Secret(str(cache)), **unit.environment}, self.window),
            limits=replace(limits, memory_bytes=unit.limits.memory_bytes, cpu_percent=unit.limits.cpu_percent),
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """From now on it can be told something."""


_Said = asyncio.Queue[Begun | Written | Ended | BakeryError]


@dataclass(slots=True)
class CommandRuns:
    """Those of this process, by their ids, which only who asked for one has heard."""

    _running: dict[str, tuple[CommandRun, Conversation | None]] = field(default_factory=dict)
    _ending: set[asyncio.Task[None]] = field(default_factory=set)
    _heard: dict[str, float] = field(default_factory=dict)  # when something was last told or said

    async def prepare(
        self,
        store: Store,
        links: Links,
        where: AppAt,
        words: list[str],
        window: Window | None,
        *,
        idle_seconds: int | None = None,
        actor: Actor,
    ) -> CommandRun:
        """It is written down, with secrets masked, before it begins."""
        actor.require(Permission.DEPLOY)
        app = await find_app(store, where, actor)
        argv = parse_words(words)
        environment = await look_at_environment(store, app.environment_id)
        live = environment.live if environment else None
        release = live.release if live else None
        if environment is None or live is None or release is None:
            raise Conflict(
                f"{where} has no live release, so there is nothing to run a command in.", hint="Deploy it first."
            )
        if release.runtime is Runtime.STATIC:
            raise Conflict(
                f"{where} is static files, so there is nothing to run a command in.",
                hint="Commands run in apps that are a process or an image.",
            )
        node_id = await node_of_environment(store, app.environment_id)
        if node_id is None:
            raise NotFound("There is no such app.")
        self._expect_room(node_id, _who(actor))
        run = CommandRun(
            id=mint_token("").reveal(),
            asked_by=_who(actor),
            app_id=app.id,
            node_id=node_id,
            node=await links.node(node_id),
            environment=environment,
            live=live,
            release=release,
            argv=argv,
            window=window,
            idle_seconds=idle_seconds,
        )
        masker = await masker_of(store, environment.id)
        said = masker.mask_text(str(command(*map(masker.mask_text, argv))))
        async with store.transaction() as tx:
            tx.record(
                AuditEntry(
                    actor, "app.command_ran", "app", str(app.id), where.app, app_id=app.id,
                    after={"command": said, "release": release.number, "terminal": window is not None},
                )
            )  # fmt: skip
        return run

    async def hear(
        self, run: CommandRun, expect_allowed: Callable[[], Awaitable[None]], *, every: float
    ) -> AsyncGenerator[Begun | Written | Ended | None, None]:
        """Begins it. None, when nothing came for so many seconds; as often it is asked whether it still may run, also
        while nobody takes what it says. Whoever goes away ends it, without waiting for that: who is cancelled has no
        time."""
        self._expect_room(run.node_id, run.asked_by)
        self._running[run.id] = (run, None)  # at once: others ask in this moment
        said: _Said = asyncio.Queue(_MOST_UNHEARD)
        watching = asyncio.create_task(self._watch(run, said, expect_allowed, every))
        try:
            while True:
                one = await _next(said, every)
                if one is None and watching.done():
                    watching.result()
                    return
                if isinstance(one, BakeryError):
                    raise one
                yield one
                if isinstance(one, Ended):
                    return
        finally:
            ending = asyncio.create_task(self._end(run, watching))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _end(self, run: CommandRun, watching: asyncio.Task[None]) -> None:
        """Also of one that was not begun yet."""
        await end_tasks(watching)
        self._running.pop(run.id, None)
        self._heard.pop(run.id, None)

    async def _watch(
        self, run: CommandRun, said: _Said, expect_allowed: Callable[[], Awaitable[None]], every: float
    ) -> None:
        """Ends it when it may not run any more. Its own deadline is not kept while it waits for somebody to listen."""
        carrying = asyncio.create_task(self._carry(run, said))
        clock = asyncio.get_running_loop().time
        self._heard[run.id] = clock()
        deadline = clock() + LONGEST_RUN + _SPARE
        try:
            while not (await asyncio.wait({carrying}, timeout=every))[0]:
                if clock() > deadline:
                    raise Unavailable(f"It was ended after {LONGEST_RUN // 3600} hours.")
                self._expect_use(run, clock())
                await expect_allowed()
            carrying.result()
        except BakeryError as error:
            while said.full():
                said.get_nowait()
            said.put_nowait(error)
        finally:
            await end_tasks(carrying)

    async def _carry(self, run: CommandRun, said: _Said) -> None:
        """The whole life of it. It counts from before it is begun until nothing of it is left."""
        try:
            async with run.talk() as talk, contextlib.aclosing(talk.hear()) as hearing:
                self._running[run.id] = (run, talk)
                await said.put(Begun())
                async for one in hearing:
                    self._heard[run.id] = asyncio.get_running_loop().time()
                    await said.put(one)
        except BakeryError as error:
            await said.put(error)
        finally:
            self._running.pop(run.id, None)

    def conversation(self, where: AppAt, run_id: str, *, actor: Actor) -> Conversation:
        """For who asked for it alone."""
        actor.require(Permission.DEPLOY)
        run, talk = self._running.get(run_id, (None, None))
        if run is None or talk is None or run.asked_by != _who(actor) or run.environment.app != where.app:
            raise NotFound("This command does not run any more.")
        actor.require(Permission.DEPLOY, app=run.app_id)
        self._heard[run_id] = asyncio.get_running_loop().time()
        return talk

    def _expect_use(self, run: CommandRun, now: float) -> None:
        idle = run.idle_seconds
        if idle is not None and now - self._heard.get(run.id, now) > idle:
            raise Unavailable(
                f"Nothing was typed or written for {idle // 60} minutes, so it was ended.", hint="Run it again."
            )

    def _expect_room(self, node_id: int, asked_by: tuple[int | None, int | None, int | None]) -> None:
        on_node = [run for run, _ in self._running.values() if run.node_id == node_id]
        theirs = [run for run in on_node if run.asked_by[0] == asked_by[0]]
        if len(self._running) >= MOST_RUNS or len(on_node) >= MOST_ON_NODE or len(theirs) >= MOST_OF_ONE:
            raise TooMany(
                f"{len(on_node) or len(self._running)} commands run there already.",
                retry_after=30,
                hint="Wait until one of them has ended.",
            )


async def _next(said: _Said, within: float) -> Begun | Written | Ended | BakeryError | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            return await said.get()
    return None


def _with_terminal(variables: Mapping[str, Secret], window: Window | None) -> Mapping[str, Secret]:
    return {**({"TERM": Secret(_TERMINAL)} if window else {}), **variables}


def _who(actor: Actor) -> tuple[int | None, int | None, int | None]:
    return actor.person_id, actor.session_id, actor.token_id
