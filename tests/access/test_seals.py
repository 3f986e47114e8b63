import asyncio
from collections.abc import Sequence

import pytest

from bakery.access.seals import Seal, count_overdue, keep_sealing, newest_seal, seal_waiting, verify
from bakery.model.audit import AuditEntry
from bakery.model.errors import NotAllowed
from bakery.store.store import Store
from tests.support.people import SYSTEM, a_developer


async def record(store: Store, count: int) -> None:
    async with store.transaction() as tx:
        for number in range(count):
            tx.record(AuditEntry(SYSTEM, "node.added", "node", str(number), "é “x” \\", after={"n": number}))


async def tamper(store: Store, *statements: str) -> None:
    """As only the owner of the database can."""
    async with store.transaction() as tx:
        for statement in (
            "ALTER TABLE audit DISABLE TRIGGER USER",
            "ALTER TABLE audit_seals DISABLE TRIGGER USER",
            *statements,
        ):
            await tx.connection.execute(statement)


async def test_sealed_rows_are_told_from_waiting_ones(store: Store) -> None:
    await record(store, 3)
    assert await seal_waiting(store) == 3
    await record(store, 2)
    report = await verify(store, actor=SYSTEM)
    assert (report.sealed, report.waiting, report.is_whole) == (3, 2, True)


async def test_rows_that_nobody_seals_are_counted(store: Store) -> None:
    await record(store, 3)
    assert await count_overdue(store, actor=SYSTEM) == 0
    await tamper(store, "UPDATE audit SET at = at - interval '2 minutes'")
    assert await count_overdue(store, actor=SYSTEM) == 3
    await seal_waiting(store)
    assert await count_overdue(store, actor=SYSTEM) == 0


async def test_an_empty_audit_is_whole(store: Store) -> None:
    assert await seal_waiting(store) == 0
    report = await verify(store, actor=SYSTEM)
    assert (report.sealed, report.waiting, report.is_whole) == (0, 0, True)
    assert await newest_seal(store, actor=SYSTEM) is None


async def test_many_rows_are_sealed_in_batches_also_by_several_processes_at_once(store: Store) -> None:
    await record(store, 603)
    assert sum(await asyncio.gather(*(seal_waiting(store) for _ in range(4)))) == 603
    report = await verify(store, actor=SYSTEM)
    assert (report.sealed, report.waiting, report.is_whole) == (603, 0, True)


@pytest.mark.parametrize(
    ("statements", "fault", "row"),
    [
        (["UPDATE audit SET actor = 'eve' WHERE id = 2"], "This row or its seal was changed.", 2),
        (["UPDATE audit SET at = at + interval '1 microsecond' WHERE id = 3"], "This row or its seal was changed.", 3),
        (["UPDATE audit SET after = after || '{\"n\": 9}' WHERE id = 4"], "This row or its seal was changed.", 4),
        (["UPDATE audit_seals SET hash = sha256('x') WHERE position = 2"], "This row or its seal was changed.", 2),
        (
            ["DELETE FROM audit_seals WHERE audit_id = 2", "DELETE FROM audit WHERE id = 2"],
            "A seal before this row is missing.",
            3,
        ),
        (
            [
                "ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_audit_id_fkey",
                "DELETE FROM audit WHERE id = 2",
            ],
            "This row is missing.",
            2,
        ),
    ],
)
async def test_whoever_changes_the_past_is_found_out(
    store: Store, statements: Sequence[str], fault: str, row: int
) -> None:
    await record(store, 5)
    await seal_waiting(store)
    await tamper(store, *statements)
    report = await verify(store, actor=SYSTEM)
    assert (report.fault, report.broken_row) == (fault, row)


async def test_two_rows_that_changed_places_are_found_out(store: Store) -> None:
    await record(store, 3)
    await seal_waiting(store)
    await tamper(
        store,
        "UPDATE audit_seals SET position = 9 WHERE audit_id = 2",
        "UPDATE audit_seals SET position = 2 WHERE audit_id = 3",
        "UPDATE audit_seals SET position = 3 WHERE audit_id = 2",
    )
    report = await verify(store, actor=SYSTEM)
    assert (report.fault, report.broken_row) == ("This row or its seal was changed.", 3)


async def test_a_row_put_into_the_past_is_found_out(store: Store) -> None:
    await record(store, 3)
    await seal_waiting(store)
    await tamper(
        store,
        "INSERT INTO audit (id, actor, source, address, request_id, action, target_kind, target_id, target_label) "
        "OVERRIDING SYSTEM VALUE VALUES (-1, 'eve', '', '', '', 'node.added', 'node', '1', 'x')",
    )
    report = await verify(store, actor=SYSTEM)
    assert (report.fault, report.broken_row) == ("This row was put in after the rows that follow it.", -1)


async def test_a_chain_cut_off_or_forged_as_a_whole_is_found_out_by_an_exported_seal(store: Store) -> None:
    await record(store, 3)
    await seal_waiting(store)
    exported = await newest_seal(store, actor=SYSTEM)
    assert exported is not None
    await record(store, 1)
    await seal_waiting(store)
    assert (await verify(store, exported=exported, actor=SYSTEM)).is_whole
    await tamper(store, "DELETE FROM audit_seals", "UPDATE audit SET actor = 'eve' WHERE id = 1")
    assert (await verify(store, exported=exported, actor=SYSTEM)).fault == "The chain ends before the exported seal."
    await seal_waiting(store)
    assert (await verify(store, actor=SYSTEM)).is_whole
    report = await verify(store, exported=exported, actor=SYSTEM)
    assert (report.fault, report.broken_row) == ("The chain differs from the exported seal.", 3)


async def test_the_worker_seals_all_and_looks_again_after_a_pause(store: Store) -> None:
    class Enough(Exception):
        pass

    await record(store, 600)
    sealed: list[Seal | None] = []

    async def pause(seconds: float) -> None:
        assert seconds < 5
        sealed.append(await newest_seal(store, actor=SYSTEM))
        if len(sealed) == 2:
            raise Enough
        await record(store, 1)

    with pytest.raises(Enough):
        await keep_sealing(store, sleep=pause)
    assert [seal.position for seal in sealed if seal] == [600, 601]


async def test_only_admins_verify(store: Store) -> None:
    with pytest.raises(NotAllowed):
        await verify(store, actor=await a_developer(store))
