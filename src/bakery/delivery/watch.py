"""A light look at what runs on a node: pages say Healthy or Down within seconds, and what stays down is restarted.

A trouble is one state and one line of the activity, however long it lasts, until the app has recovered.
"""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bakery.delivery.asking import ask_release
from bakery.delivery.glances import Glances
from bakery.delivery.slots import Used, set_health, set_trouble, set_uses
from bakery.delivery.tasks import RESTART, environment_lock
from bakery.delivery.troubles import LOOP_ENDS, LOOP_WITHIN, Seen, Verdict, judge
from bakery.delivery.watch_workers import look_at_workers
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import Health, Trouble
from bakery.model.errors import CommandFailed, NotUnderstood
from bakery.model.names import AppName, Colour, EnvironmentName, Port, UnitName, unit_name
from bakery.model.runtimes import Runtime
from bakery.model.terms import NOTHING, USUAL, Said, Terms, terms_of
from bakery.nodes.health import Answer
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.nodes.units import Use
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Store

log = structlog.get_logger()

LONGEST_PAUSE, SHORTEST_PAUSE = 5.0, 1.0  # seconds between two looks, as the most eager app wants it
_AT_ONCE = 20
_COUNTS_EVERY = 6  # looks: restarts are asked for by a call of the node's helper


@dataclass(frozen=True, slots=True)
class _RunningSlot:
    """`health_for` is how long it is so, in seconds, and `revived` how long ago Bakery restarted it."""

    environment_id: int
    app_id: int
    app: str
    environment: str
    runtime: Runtime
    colour: Colour
    port: int
    release_id: int
    health: Health
    health_note: str
    health_for: float
    check_kind: str
    restarts: int
    trouble: Trouble
    revivals: int
    revived: float | None
    age: float  # of what is in the slot
    said: Said
    health_path: str | None
    recipe_terms: Said | None
    recipe_path: str | None
    is_live: bool
    is_deploying: bool

    @property
    def unit(self) -> UnitName:
        return unit_name(AppName(self.app), EnvironmentName(self.environment), self.colour)

    @property
    def terms(self) -> Terms:
        """How it is asked; what the installation says is about other things."""
        recipe = replace(self.recipe_terms or NOTHING, path=self.recipe_path)
        return terms_of(replace(self.said, path=self.health_path), recipe, NOTHING, USUAL)


class Watch:
    """Remembers how often in a row each slot did not answer, and when its program ended. `runtimes`: those of the node
    that it looks at."""

    def __init__(
        self, store: Store, queue: Queue, links: Links, node_id: int, runtimes: Collection[Runtime] = tuple(Runtime)
    ) -> None:
        self._store = store
        self._queue = queue
        self._links = links
        self._node_id = node_id
        self._runtimes = runtimes
        self._glances = Glances()
        self._failures: Counter[tuple[int, int]] = Counter()
        self._successes: Counter[tuple[int, int]] = Counter()
        self._asked: dict[tuple[int, int], float] = {}
        self._ends: defaultdict[tuple[int, int], deque[float]] = defaultdict(deque)
        self._counted: dict[tuple[int, int], int] = {}
        self._cpu: dict[tuple[int, int], tuple[int, float]] = {}  # as it was counted last, and when
        self._kept: dict[tuple[int, int], float] = {}  # of what is down: since when its keeper was heard to answer
        self._looks = 0
        self.pause = LONGEST_PAUSE

    def kept_for(self, environment_id: int, release_id: int) -> float:
        """For how many seconds what keeps a release that is down has answered. 0 until it was heard: who did not ask
        yet, as after a start of Bakery, knows nothing."""
        since = self._kept.get((environment_id, release_id))
        return 0.0 if since is None else time.monotonic() - since

    async def look_in_time(self) -> None:
        """As `look`, at those whose time it is: each app is asked as often as its terms say."""
        await self.look(only_in_time=True)

    async def look(self, *, only_in_time: bool = False) -> None:
        """At every slot with visitors, or that could have some at once. Only a change is written, and told to open
        pages. Raises NodeUnreachable: what is known of the apps stays until the node answers."""
        slots = await self._running_slots()
        self._forget_others({_key(slot) for slot in slots})
        self.pause = max(SHORTEST_PAUSE, min([LONGEST_PAUSE, *(slot.terms.interval for slot in slots)]))
        if only_in_time:
            slots = [slot for slot in slots if self._is_time(slot)]
        if not slots:
            return
        self._asked |= {_key(slot): time.monotonic() for slot in slots}
        node, limit = await self._links.node(self._node_id), asyncio.Semaphore(_AT_ONCE)
        is_time_for_uses = self._looks % _COUNTS_EVERY == 0
        counts = await self._restarts(node, slots)
        missing = await look_at_workers(self._store, node, self._node_id, self._runtimes, self._glances)

        async def look_at(slot: _RunningSlot) -> None:
            async with limit:
                beside = missing.get(slot.environment_id, "") if slot.is_live else ""
                try:
                    await self._look_at(node, slot, counts.get(_key(slot), slot.restarts), beside)
                except (CommandFailed, NotUnderstood) as error:  # of one, which keeps nobody from the others
                    log.warning("slot_not_looked_at", unit=slot.unit, error=str(error))

        async with asyncio.TaskGroup() as group:
            for slot in slots:
                group.create_task(look_at(slot))
            if is_time_for_uses:
                group.create_task(self._note_uses(node, slots))

    def _is_time(self, slot: _RunningSlot) -> bool:
        asked = self._asked.get(_key(slot))
        return asked is None or time.monotonic() - asked >= slot.terms.interval - self.pause / 2

    def _is_starting(self, slot: _RunningSlot) -> bool:
        """It has not had the time that it needs after a start: what it says does not count against it."""
        ends = self._ends[_key(slot)]
        ended = [time.monotonic() - ends[-1]] if ends else []
        revived = [] if slot.revived is None else [slot.revived]
        return min([slot.age, *ended, *revived]) < slot.terms.grace

    async def _look_at(self, node: Node, slot: _RunningSlot, restarts: int, missing: str) -> None:
        """`missing` says which process beside it does not run: visitors get their answers all the same."""
        terms, key = slot.terms, _key(slot)
        answer = await ask_release(node, slot.unit, slot.runtime, Port(slot.port), terms)
        health, note = Health.HEALTHY, missing
        self._failures[key] = 0 if answer.is_well else self._failures[key] + 1
        self._successes[key] = self._successes[key] + 1 if answer.is_well else 0
        if answer.is_well and slot.health is Health.DOWN and self._successes[key] < terms.successes:
            return
        if not answer.is_well:
            if self._failures[key] < terms.threshold or self._is_starting(slot):
                return
            health, note = Health.DOWN, f"{answer.said}."
            states = await self._glances.states(node, slot.runtime, slot.unit)
            if states is None:
                note += " What keeps it running does not answer either."
                self._kept.pop(key, None)
            else:
                self._kept.setdefault(key, time.monotonic())
                state = states[slot.unit]
                restarts = state.restarts
                note += f" Its process {state.last_exit}." if not state.is_running and state.last_exit else ""
        self._count(slot, restarts)
        await self._note(slot, health, note, answer, restarts)
        if slot.is_live:
            await self._act_on(slot, judge(self._seen(slot, health)), note)

    async def _restarts(self, node: Node, slots: list[_RunningSlot]) -> dict[tuple[int, int], int]:
        """Now and then, and always of what is in trouble."""
        is_time, self._looks = self._looks % _COUNTS_EVERY == 0, self._looks + 1
        asked = [slot for slot in slots if is_time or slot.trouble]
        found: dict[tuple[int, int], int] = {}
        for runtime in {slot.runtime for slot in asked}:
            here = [slot for slot in asked if slot.runtime is runtime]
            counts = await self._glances.restarts(node, runtime, *(slot.unit for slot in here)) or {}
            found |= {_key(slot): counts[slot.unit] for slot in here if slot.unit in counts}
        return found

    async def _note_uses(self, node: Node, slots: list[_RunningSlot]) -> None:
        """What each uses of memory, and since the last time of the CPUs."""
        for runtime in {slot.runtime for slot in slots}:
            here = [slot for slot in slots if slot.runtime is runtime]
            uses = await self._glances.uses(node, runtime, *(slot.unit for slot in here))
            if uses is None:
                continue
            now = time.monotonic()
            async with self._store.transaction() as tx:
                await set_uses(tx, [self._used(slot, uses.get(slot.unit), now) for slot in here])

    def _used(self, slot: _RunningSlot, use: Use | None, now: float) -> Used:
        cpu = self._cpu_percent(slot, use, now)
        return Used(slot.environment_id, slot.colour, slot.release_id, use.memory_bytes if use else None, cpu)

    def _cpu_percent(self, slot: _RunningSlot, use: Use | None, now: float) -> int | None:
        """Of one CPU. What was started anew counts from nothing."""
        before = self._cpu.pop(_key(slot), None)
        if use is None:
            return None
        self._cpu[_key(slot)] = (use.cpu_microseconds, now)
        if before is None or use.cpu_microseconds < before[0] or now <= before[1]:
            return None
        return round((use.cpu_microseconds - before[0]) / (now - before[1]) / 10_000)

    def _count(self, slot: _RunningSlot, restarts: int) -> None:
        """Its keeper counts from each start on; before our first look we do not know when it ended."""
        before = self._counted.get(_key(slot), restarts)
        ends, now = self._ends[_key(slot)], time.monotonic()
        ends.extend([now] * min(max(0, restarts - before), LOOP_ENDS))  # a node may say any number
        while ends and ends[0] < now - LOOP_WITHIN:
            ends.popleft()
        self._counted[_key(slot)] = restarts

    def _seen(self, slot: _RunningSlot, health: Health) -> Seen:
        ends = self._ends[_key(slot)]
        lasting = slot.health_for if health is slot.health else 0.0
        return Seen(
            health=health,
            healthy_for=lasting if health is Health.HEALTHY else 0.0,
            down_for=lasting if health is Health.DOWN else 0.0,
            ends=len(ends),
            last_end=time.monotonic() - ends[-1] if ends else None,
            trouble=slot.trouble,
            revivals=slot.revivals,
            revived=slot.revived,
        )

    async def _act_on(self, slot: _RunningSlot, verdict: Verdict, note: str) -> None:
        """What is being deployed is about to be another release."""
        revives = verdict.is_revived and not slot.is_deploying
        if verdict.trouble is slot.trouble and not revives:
            return
        async with self._store.transaction() as tx:
            if not await set_trouble(
                tx, slot.environment_id, slot.colour, slot.release_id, verdict.trouble, revives=revives
            ):
                return
            if revives and not await self._queue.has(tx, RESTART, slot.environment_id):
                await self._queue.enqueue(tx, RESTART, slot.environment_id, lock=environment_lock(slot.environment_id))
            if bool(verdict.trouble) is not bool(slot.trouble) or verdict.trouble is Trouble.CRASH_LOOP:
                told = {"slot": slot.colour, "said": note}
                tx.record(
                    AuditEntry(
                        Actor.system(),
                        "app.crash_loop"
                        if verdict.trouble is Trouble.CRASH_LOOP
                        else ("app.unhealthy" if verdict.trouble else "app.recovered"),
                        "app",
                        str(slot.app_id),
                        slot.app,
                        app_id=slot.app_id,
                        after=told,
                    )
                )
            tx.publish("apps", f"app:{slot.app}")

    async def _note(self, slot: _RunningSlot, health: Health, note: str, answer: Answer, restarts: int) -> None:
        if (slot.health, slot.health_note, slot.check_kind, slot.restarts) == (health, note, answer.kind, restarts):
            return
        async with self._store.transaction() as tx:
            if not await set_health(
                tx, slot.environment_id, slot.colour, slot.release_id, health, note, answer.kind, restarts
            ):
                return
            if slot.health is not health:
                tx.publish("apps")
            tx.publish(f"app:{slot.app}")

    def _forget_others(self, kept: set[tuple[int, int]]) -> None:
        known: tuple[dict[tuple[int, int], Any], ...] = (
            self._failures, self._successes, self._asked, self._cpu, self._ends, self._counted, self._kept,
        )  # fmt: skip
        for memory in known:
            for key in memory.keys() - kept:
                del memory[key]

    async def _running_slots(self) -> list[_RunningSlot]:
        async with (
            self._store.connection() as connection,
            connection.cursor(row_factory=typed(_RunningSlot)) as cursor,
        ):
            await cursor.execute(
                """
                SELECT slots.environment_id, apps.id AS app_id, apps.slug AS app, environments.name AS environment,
                       environments.runtime, slots.colour, slots.port, slots.release_id, slots.health,
                       slots.health_note, extract(epoch FROM now() - slots.health_since)::float8 AS health_for,
                       slots.check_kind, slots.restarts, slots.trouble, slots.revivals,
                       extract(epoch FROM now() - slots.revived_at)::float8 AS revived,
                       extract(epoch FROM now() - slots.since)::float8 AS age, releases.terms AS said,
                       releases.health_path, builds.recipe -> 'terms' AS recipe_terms,
                       builds.recipe ->> 'health_path' AS recipe_path,
                       slots.state = 'live' AS is_live, EXISTS (
                           SELECT FROM deployments WHERE deployments.environment_id = environments.id
                           AND deployments.state IN ('queued', 'running')) AS is_deploying
                FROM slots JOIN environments ON environments.id = slots.environment_id
                JOIN apps ON apps.id = environments.app_id JOIN releases ON releases.id = slots.release_id
                JOIN builds ON builds.id = releases.build_id
                WHERE slots.state IN ('live', 'warm') AND slots.port IS NOT NULL AND NOT environments.is_stopped
                AND apps.deleted_at IS NULL AND going_since IS NULL AND environments.node_id = %s
                AND environments.runtime = ANY(%s)
                """,
                (self._node_id, list(self._runtimes)),
            )
            return await cursor.fetchall()


def _key(slot: _RunningSlot) -> tuple[int, int]:
    return slot.environment_id, slot.release_id
