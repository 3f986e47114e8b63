"""The slots of an environment as rows: taking one, making it live, freeing it."""

from collections.abc import Collection
from dataclasses import dataclass

from bakery.model.deployments import NEXT_SLOT_STATES, Health, SlotState, Trouble, require_move
from bakery.model.names import Colour
from bakery.store.transaction import Transaction

# The first time it is known what it follows: what is live until now. One that was made to go back, with the files of an
# earlier release and today's variables, follows what that one followed: going back again must not lead forward.
_BECOMES_LIVE = """
UPDATE releases SET live_at = now(), follows = CASE WHEN live_at IS NOT NULL THEN follows ELSE (
    SELECT CASE WHEN releases.files_of <> live.number THEN (
        SELECT origin.follows FROM releases AS origin
        WHERE origin.environment_id = releases.environment_id AND origin.number = releases.files_of)
    ELSE live.number END
    FROM slots JOIN releases AS live ON live.id = slots.release_id
    WHERE slots.environment_id = releases.environment_id AND slots.state = 'live') END
WHERE id = %(release)s AND environment_id = %(environment)s
"""


async def take_slot(tx: Transaction, environment_id: int, colour: Colour, release_id: int) -> None:
    """For a release that is going to start. Harmless when it has the slot already; one left over is freed first."""
    state, release = await _lock(tx, environment_id, colour)
    if release == release_id:
        return
    if state is not SlotState.IDLE:
        state = await _move(tx, environment_id, colour, state, SlotState.IDLE)
    await _move(tx, environment_id, colour, state, SlotState.STARTING, release_id)


async def make_live(tx: Transaction, environment_id: int, colour: Colour, release_id: int) -> None:
    """Visitors get this slot from now on, and the environment is meant to run."""
    await tx.connection.execute(_BECOMES_LIVE, {"release": release_id, "environment": environment_id})
    await tx.connection.execute("UPDATE environments SET is_stopped = false WHERE id = %s", (environment_id,))
    state, _ = await _lock(tx, environment_id, colour)
    if state is SlotState.LIVE:  # the release was replaced in its place
        await tx.connection.execute(
            """
            UPDATE slots SET release_id = %s, since = now(), restarts = 0, trouble = '', revivals = 0, revived_at = NULL
            WHERE environment_id = %s AND colour = %s
            """,
            (release_id, environment_id, colour),
        )
    else:
        old, old_release = await _lock(tx, environment_id, colour.other)
        if old is SlotState.LIVE:
            await _move(tx, environment_id, colour.other, old, SlotState.RETIRING, old_release)
        await _move(tx, environment_id, colour, state, SlotState.LIVE, release_id)
    await set_health(tx, environment_id, colour, release_id, Health.HEALTHY)


async def keep_warm(tx: Transaction, environment_id: int, colour: Colour, seconds: float) -> None:
    """It has no visitors any more, and runs on. Harmless when it is warm already."""
    state, release = await _lock(tx, environment_id, colour)
    if state is not SlotState.WARM:
        await _move(tx, environment_id, colour, state, SlotState.WARM, release, seconds=seconds)


async def free_slot(tx: Transaction, environment_id: int, colour: Colour) -> None:
    """Nothing runs there any more. Harmless when it is free."""
    state, _ = await _lock(tx, environment_id, colour)
    if state is not SlotState.IDLE:
        await _move(tx, environment_id, colour, state, SlotState.IDLE)


async def set_health(
    tx: Transaction,
    environment_id: int,
    colour: Colour,
    release_id: int | None,
    health: Health,
    note: str = "",
    check: str | None = None,
    restarts: int | None = None,
) -> bool:
    """Of the release in the slot; `check` is what was looked at, `restarts` what its keeper counts. False, and nothing
    is changed, when that is another by now."""
    changed = await tx.connection.execute(
        """
        UPDATE slots SET health = %(health)s, health_note = %(note)s, health_at = now(),
            check_kind = coalesce(%(check)s, check_kind), restarts = coalesce(%(restarts)s, restarts),
            health_since = CASE WHEN health = %(health)s THEN health_since ELSE now() END
        WHERE environment_id = %(environment)s AND colour = %(colour)s AND release_id = %(release)s
        AND state IN ('live', 'warm')
        """,
        {
            "health": health,
            "note": note,
            "check": check,
            "restarts": restarts,
            "environment": environment_id,
            "colour": colour,
            "release": release_id,
        },
    )
    return changed.rowcount > 0


async def set_trouble(
    tx: Transaction, environment_id: int, colour: Colour, release_id: int, trouble: Trouble, *, revives: bool
) -> bool:
    """Likewise. `revives`: Bakery is going to restart it."""
    changed = await tx.connection.execute(
        """
        UPDATE slots SET trouble = %(trouble)s,
            revivals = CASE WHEN %(trouble)s = '' THEN 0 WHEN %(revives)s THEN revivals + 1 ELSE revivals END,
            revived_at = CASE WHEN %(trouble)s = '' THEN NULL WHEN %(revives)s THEN now() ELSE revived_at END
        WHERE environment_id = %(environment)s AND colour = %(colour)s AND release_id = %(release)s AND state = 'live'
        """,
        {
            "trouble": trouble,
            "revives": revives,
            "environment": environment_id,
            "colour": colour,
            "release": release_id,
        },
    )
    return changed.rowcount > 0


@dataclass(frozen=True, slots=True)
class Used:
    """By the release in a slot: memory in bytes, CPU in percent of one. None: it is not known."""

    environment_id: int
    colour: Colour
    release_id: int
    memory: int | None
    cpu: int | None


async def set_uses(tx: Transaction, found: Collection[Used]) -> None:
    """Of many slots at once. It waits for nobody who changes one of them: that is counted the next time."""
    await tx.connection.execute(
        """
        WITH free AS MATERIALIZED (
            SELECT environment_id, colour FROM slots WHERE environment_id = ANY(%(environments)s)
            FOR NO KEY UPDATE SKIP LOCKED)
        UPDATE slots SET used_memory = found.memory, used_cpu = found.cpu
        FROM free JOIN unnest(%(environments)s::bigint[], %(colours)s::text[], %(releases)s::bigint[],
                              %(memory)s::bigint[], %(cpu)s::int[])
            AS found (environment_id, colour, release_id, memory, cpu) USING (environment_id, colour)
        WHERE slots.environment_id = free.environment_id AND slots.colour = free.colour
        AND slots.release_id = found.release_id
        """,
        {
            "environments": [one.environment_id for one in found],
            "colours": [one.colour for one in found],
            "releases": [one.release_id for one in found],
            "memory": [one.memory for one in found],
            "cpu": [one.cpu for one in found],
        },
    )


async def _lock(tx: Transaction, environment_id: int, colour: Colour) -> tuple[SlotState, int | None]:
    cursor = await tx.connection.execute(
        "SELECT state, release_id FROM slots WHERE environment_id = %s AND colour = %s FOR UPDATE",
        (environment_id, colour),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"environment {environment_id} has no {colour} slot")
    return SlotState(row[0]), row[1]


async def _move(
    tx: Transaction,
    environment_id: int,
    colour: Colour,
    now: SlotState,
    then: SlotState,
    release: int | None = None,
    *,
    seconds: float | None = None,
) -> SlotState:
    require_move(NEXT_SLOT_STATES, f"The {colour} slot", now, then)
    await tx.connection.execute(
        """
        UPDATE slots SET state = %s, release_id = %s, since = now(), health = 'unknown', health_note = '',
            health_since = now(), check_kind = '', restarts = 0, trouble = '', revivals = 0, revived_at = NULL,
            used_memory = NULL, used_cpu = NULL, warm_until = now() + make_interval(secs => %s)
        WHERE environment_id = %s AND colour = %s
        """,
        (then, release, seconds, environment_id, colour),
    )
    return then
