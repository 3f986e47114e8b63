import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from psycopg import sql

from bakery.model.errors import Unavailable
from bakery.store import metrics
from bakery.store.metrics import MetricsWriter, latest
from bakery.store.rollups import keep_metrics
from bakery.store.series import Band, Series, Span, series
from bakery.store.store import Store
from bakery.store.vault import Key, Vault

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
GIB = 1024**3


@dataclass(frozen=True)
class Said:
    cpu: float = 10.0
    memory_used: int = GIB
    memory_total: int = 4 * GIB
    disk_used: int = 2 * GIB
    disk_total: int = 8 * GIB
    load1: float = 0.5
    more: Mapping[str, Any] | None = None

    def as_line(self) -> Mapping[str, Any]:
        return {"cpu": self.cpu, **(self.more or {})}


async def nodes(store: Store, count: int) -> list[int]:
    async with store.connection() as connection:
        found = await connection.execute(
            "INSERT INTO nodes (slug, kind, name, machine_id, apps_domain) "
            "SELECT 'n' || n, 'local', 'N', 'm', 'localhost' FROM generate_series(1, %s) n RETURNING id",
            (count,),
        )
        return [node for (node,) in await found.fetchall()]


@pytest.fixture
async def node(store: Store) -> int:
    return (await nodes(store, 1))[0]


async def minutes(store: Store, node: int) -> list[tuple[str, int, float, float, float]]:
    async with store.connection() as connection:
        found = await connection.execute(
            "SELECT to_char(at AT TIME ZONE 'UTC', 'DD HH24:MI'), samples, cpu, cpu_min, cpu_max FROM node_minutes "
            "WHERE node_id = %s ORDER BY at",
            (node,),
        )
        return list(await found.fetchall())


async def partitions(store: Store) -> list[str]:
    async with store.connection() as connection:
        found = await connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'node_minutes'::regclass ORDER BY 1"
        )
        return [name for (name,) in await found.fetchall()]


async def record(store: Store, node: int, *said: tuple[datetime, Said]) -> None:
    writer = MetricsWriter(store)
    for at, what in said:
        writer.add(node, what, at)
    await writer.flush()


def every(step: timedelta, begin: datetime, *cpus: float) -> list[tuple[datetime, Said]]:
    return [(begin + step * index, Said(cpu=cpu)) for index, cpu in enumerate(cpus)]


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


async def test_what_is_said_within_a_minute_becomes_one_row_with_its_extremes(store: Store, node: int) -> None:
    await record(store, node, *every(seconds(10), NOON, 10, 20, 60))
    assert await minutes(store, node) == [("10 12:00", 3, 30, 10, 60)]


async def test_a_minute_that_is_written_in_parts_is_the_same_as_one_written_at_once(store: Store, node: int) -> None:
    for at, said in every(seconds(10), NOON, 10, 20, 60):
        await record(store, node, (at, said))
    assert await minutes(store, node) == [("10 12:00", 3, 30, 10, 60)]


async def test_what_is_written_again_counts_once(store: Store, node: int) -> None:
    said = every(seconds(10), NOON, 10, 20, 60)
    await record(store, node, *said[:2])
    await record(store, node, *said)
    assert await minutes(store, node) == [("10 12:00", 3, 30, 10, 60)]


async def test_a_machine_that_says_too_much_counts_once_a_second(store: Store, node: int) -> None:
    await record(store, node, *every(seconds(0.001), NOON, *[50.0] * 2000))
    assert await minutes(store, node) == [("10 12:00", 2, 50, 50, 50)]


async def test_what_could_not_be_written_is_kept_for_the_next_time(
    store: Store, node: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MetricsWriter(store)
    writer.add(node, Said(cpu=10, more={"versions": {"git": "2.39.5"}}), NOON)
    with monkeypatch.context() as away:
        away.setattr(writer, "_store", Store("host=/nowhere", Vault([Key.mint()])))
        with pytest.raises(Unavailable):
            await writer.flush()
    writer.add(node, Said(cpu=30), NOON + seconds(10))
    await writer.flush()
    assert await minutes(store, node) == [("10 12:00", 2, 20, 10, 30)]
    found = (await latest(store, [node]))[node]
    assert msgspec.json.decode(found.line) == {"cpu": 30.0, "versions": {"git": "2.39.5"}}


async def test_of_a_database_that_is_away_for_long_the_last_figures_are_kept(
    store: Store, node: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MOST_WAITING", 10)
    await record(store, node, *every(timedelta(minutes=1), NOON, *range(12)))
    assert [row[2] for row in await minutes(store, node)] == [5, 6, 7, 8, 9, 10, 11]


async def test_the_newest_line_keeps_what_it_does_not_repeat(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said(more={"versions": {"git": "2.39.5"}})))
    await record(store, node, (NOON + seconds(10), Said(cpu=20)))
    found = await latest(store, [node, node + 1])
    assert list(found) == [node]
    assert found[node].at == NOON + seconds(10)
    assert msgspec.json.decode(found[node].line) == {"cpu": 20.0, "versions": {"git": "2.39.5"}}


async def test_the_process_that_had_a_node_before_does_not_bring_an_older_line_back(store: Store, node: int) -> None:
    await record(store, node, (NOON + seconds(20), Said(cpu=2)))
    await record(store, node, (NOON, Said(cpu=1)))
    assert (await latest(store, [node]))[node].at == NOON + seconds(20)
    assert await minutes(store, node) == [("10 12:00", 2, 1.5, 1, 2)]


async def test_a_clock_that_jumps_back_is_believed_and_nothing_counts_twice(store: Store, node: int) -> None:
    writer = MetricsWriter(store)
    for at in (NOON, NOON + seconds(10), NOON - timedelta(hours=1), NOON - timedelta(days=30), NOON):
        writer.add(node, Said(), at)
        await writer.flush()
    assert [row[:2] for row in await minutes(store, node)] == [("08 12:00", 1), ("10 11:00", 1), ("10 12:00", 2)]
    assert (await latest(store, [node]))[node].at == NOON


async def test_processes_that_write_at_once_lose_nothing(store: Store) -> None:
    all_nodes = await nodes(store, 50)
    writers = [MetricsWriter(store) for _ in range(4)]
    for number, writer in enumerate(writers):
        for node in all_nodes if number % 2 else reversed(all_nodes):
            writer.add(node, Said(cpu=number), NOON + seconds(number))
    await asyncio.gather(*(writer.flush() for writer in writers))
    assert {row for node in all_nodes for row in await minutes(store, node)} == {("10 12:00", 4, 1.5, 0, 3)}


async def test_around_midnight_each_day_gets_its_own_minutes(store: Store, node: int) -> None:
    midnight = NOON + timedelta(hours=12)
    writers = [MetricsWriter(store) for _ in range(4)]
    for number, writer in enumerate(writers):
        writer.add(node, Said(), midnight - seconds(1 + number))
        writer.add(node, Said(), midnight + seconds(number))
    await asyncio.gather(*(writer.flush() for writer in writers))
    assert [row[:2] for row in await minutes(store, node)] == [("10 23:59", 4), ("11 00:00", 4)]
    assert await partitions(store) == ["node_minutes_20260310", "node_minutes_20260311"]


async def test_a_day_whose_partition_went_away_gets_it_again(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said()))
    async with store.connection() as connection:
        await connection.execute("DROP TABLE node_minutes_20260310")
    await record(store, node, (NOON, Said()))
    assert len(await minutes(store, node)) == 1


async def test_nobody_who_reads_or_writes_keeps_a_new_day_from_its_place(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said()))
    async with store.pool.connection() as reading, store.pool.connection() as writing, asyncio.timeout(3):
        await reading.execute("SELECT * FROM node_minutes")
        await writing.execute("UPDATE node_minutes SET cpu = 11")
        await record(store, node, (NOON + timedelta(days=1), Said()))
    assert [row[:3] for row in await minutes(store, node)] == [("10 12:00", 1, 11), ("11 12:00", 1, 10)]


async def test_a_removed_node_takes_nothing_from_the_others(store: Store) -> None:
    gone, here = await nodes(store, 2)
    writer = MetricsWriter(store)
    for node in (gone, here):
        writer.add(node, Said(), NOON)
    async with store.connection() as connection:
        await connection.execute("DELETE FROM nodes WHERE id = %s", (gone,))
    await writer.flush()
    await keep_metrics(store, NOON)
    assert list(await latest(store, [gone, here])) == [here]
    assert len(await minutes(store, here)) == 1


async def test_nothing_that_a_machine_says_upsets_the_figures_of_others(store: Store) -> None:
    hostile, other = await nodes(store, 2)
    writer = MetricsWriter(store)
    for number, size in enumerate((2**63 - 1, 0, 2**200)):
        said = Said(float("nan"), size, size, size, size, float("inf"), more={"os": "a\0b\\u0000", "n": float("nan")})
        for after in (timedelta(), timedelta(minutes=1)):
            writer.add(hostile, said, NOON + after + seconds(number))
    writer.add(other, Said(), NOON)
    await writer.flush()
    writer.add(hostile, Said(memory_used=-1, load1=-1), NOON + seconds(30))
    await writer.flush()
    await keep_metrics(store, NOON)
    assert await minutes(store, other) == [("10 12:00", 1, 10, 10, 10)]
    assert set(await latest(store, [hostile, other])) == {hostile, other}


async def test_a_thousand_nodes_take_no_more_statements_than_one(store: Store) -> None:
    many = await nodes(store, 1000)
    writer = MetricsWriter(store)
    for node in many:
        writer.add(node, Said(), NOON)
    await writer.flush()
    async with store.connection() as connection:
        found = await (
            await connection.execute(
                "SELECT count(*), (SELECT count(*) FROM events WHERE topic = 'metrics') FROM node_minutes"
            )
        ).fetchone()
    assert found == (1000, 1)


async def test_partitions_are_made_ahead_and_dropped_after_three_days(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said()))
    await keep_metrics(store, NOON + timedelta(days=3, hours=11))
    assert await partitions(store) == [
        "node_minutes_20260310", "node_minutes_20260313", "node_minutes_20260314",
    ]  # fmt: skip
    await keep_metrics(store, NOON + timedelta(days=4))
    assert await partitions(store) == ["node_minutes_20260313", "node_minutes_20260314", "node_minutes_20260315"]


async def test_processes_that_keep_house_at_once_do_not_meet(store: Store, node: int) -> None:
    await record(store, node, *every(timedelta(days=-1), NOON, 1, 2, 3, 4, 5))
    await asyncio.gather(*(keep_metrics(store, NOON) for _ in range(4)))
    assert (await partitions(store))[-2:] == ["node_minutes_20260310", "node_minutes_20260311"]
    assert await coarse(store, "node_days", node) == [
        ("07 00:00", 1, 4, 4, 4), ("08 00:00", 1, 3, 3, 3), ("09 00:00", 1, 2, 2, 2), ("10 00:00", 1, 1, 1, 1),
    ]  # fmt: skip


async def coarse(store: Store, table: str, node: int) -> list[tuple[str, int, float, float, float]]:
    async with store.connection() as connection:
        found = await connection.execute(
            sql.SQL(
                "SELECT to_char(at AT TIME ZONE 'UTC', 'DD HH24:MI'), samples, cpu, cpu_min, cpu_max FROM {} "
                "WHERE node_id = %s ORDER BY at"
            ).format(sql.Identifier(table)),
            (node,),
        )
        return list(await found.fetchall())


async def test_minutes_become_hours_and_hours_days_by_the_weight_of_their_samples(store: Store, node: int) -> None:
    await record(store, node, *every(seconds(10), NOON - timedelta(hours=1), 10, 10, 10))
    await record(store, node, (NOON - seconds(1), Said(cpu=50)), (NOON, Said(cpu=100)))
    await keep_metrics(store, NOON)
    assert await coarse(store, "node_hours", node) == [("10 11:00", 4, 20, 10, 50), ("10 12:00", 1, 100, 100, 100)]
    assert await coarse(store, "node_days", node) == [("10 00:00", 5, 36, 10, 100)]


async def test_summing_up_again_changes_nothing_but_what_came_late(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said(cpu=10)))
    await keep_metrics(store, NOON + timedelta(minutes=90))
    await keep_metrics(store, NOON + timedelta(minutes=90))
    assert await coarse(store, "node_hours", node) == [("10 12:00", 1, 10, 10, 10)]
    await record(store, node, (NOON + seconds(10), Said(cpu=30)))
    await keep_metrics(store, NOON + timedelta(minutes=100))
    assert await coarse(store, "node_hours", node) == [("10 12:00", 2, 20, 10, 30)]
    assert await coarse(store, "node_days", node) == [("10 00:00", 2, 20, 10, 30)]


async def test_nothing_is_left_out_when_nobody_summed_up_for_a_day(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said(cpu=10)))
    await keep_metrics(store, NOON)
    await record(store, node, *every(timedelta(hours=10), NOON + timedelta(hours=1), 20, 30, 40))
    await keep_metrics(store, NOON + timedelta(hours=24))
    assert [row[:3] for row in await coarse(store, "node_hours", node)] == [
        ("10 12:00", 1, 10), ("10 13:00", 1, 20), ("10 23:00", 1, 30), ("11 09:00", 1, 40),
    ]  # fmt: skip


async def test_hours_are_kept_for_60_days_and_days_for_two_years(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said()))
    await keep_metrics(store, NOON)
    await keep_metrics(store, NOON + timedelta(days=60))
    assert len(await coarse(store, "node_hours", node)) == 1
    await keep_metrics(store, NOON + timedelta(days=61))
    assert await coarse(store, "node_hours", node) == []
    assert len(await coarse(store, "node_days", node)) == 1
    await keep_metrics(store, NOON + timedelta(days=730))
    assert await coarse(store, "node_days", node) == []


async def test_a_node_that_is_removed_takes_its_figures_along(store: Store, node: int) -> None:
    await record(store, node, (NOON, Said()))
    await keep_metrics(store, NOON)
    async with store.connection() as connection:
        await connection.execute("DELETE FROM nodes WHERE id = %s", (node,))
    assert await coarse(store, "node_hours", node) == []
    assert await latest(store, [node]) == {}
    await keep_metrics(store, NOON)
    assert await coarse(store, "node_hours", node) == []


def told(found: Series) -> dict[str, float]:
    return {f"{point.at:%d %H:%M}": point.cpu.mean for point in found.points if point}


async def test_the_last_hour_is_shown_by_the_minute_with_gaps_as_gaps(store: Store, node: int) -> None:
    await record(store, node, *every(timedelta(minutes=-20), NOON, 10, 20, 30, 40))
    found = await series(store, node, Span.HOUR, NOON + seconds(30))
    assert (found.since, found.step, len(found.points)) == (NOON - timedelta(minutes=59), timedelta(minutes=1), 60)
    assert told(found) == {"10 11:20": 30, "10 11:40": 20, "10 12:00": 10}
    assert found.points[-2] is None
    assert found.points[-1] is not None


async def test_a_point_keeps_the_extremes_of_all_that_it_stands_for(store: Store, node: int) -> None:
    said = every(timedelta(minutes=1), NOON, 10, 90, 20)
    said[1] = (said[1][0], replace(said[1][1], memory_used=4 * GIB, load1=6.5))
    await record(store, node, *said)
    point = (await series(store, node, Span.DAY, NOON + timedelta(minutes=4))).points[-1]
    assert point is not None
    assert (point.at, point.samples) == (NOON, 3)
    assert point.cpu == Band(10, 40, 90)
    assert point.memory == Band(GIB, 2 * GIB, 4 * GIB)
    assert point.load == Band(0.5, 2.5, 6.5)
    assert (point.memory_total, point.disk_total) == (4 * GIB, 8 * GIB)


@pytest.mark.parametrize("span", Span)
async def test_no_chart_has_more_than_300_points_and_the_last_one_is_now(store: Store, node: int, span: Span) -> None:
    now = NOON + timedelta(hours=1, minutes=7)
    found = await series(store, node, span, now)
    assert len(found.points) <= 300
    assert found.since + found.step * (len(found.points) - 1) <= now < found.since + found.step * len(found.points)
    assert set(found.points) == {None}


async def test_a_week_is_shown_by_the_hour_up_to_what_is_not_summed_up_yet(store: Store, node: int) -> None:
    await record(store, node, *every(timedelta(hours=1), NOON - timedelta(hours=3), 10, 20, 30))
    await keep_metrics(store, NOON)
    await record(store, node, (NOON - timedelta(minutes=30), Said(cpu=50)), (NOON, Said(cpu=70)))
    async with store.connection() as connection:
        await connection.execute("UPDATE node_hours SET cpu = 11 WHERE cpu = 10")
    found = await series(store, node, Span.WEEK, NOON)
    assert told(found) == {"10 09:00": 11, "10 10:00": 20, "10 11:00": 40, "10 12:00": 70}


async def test_a_month_outlives_its_minutes(store: Store, node: int) -> None:
    await record(store, node, *every(timedelta(hours=1), NOON, 10, 20, 60))
    await keep_metrics(store, NOON + timedelta(hours=3))
    await keep_metrics(store, NOON + timedelta(days=20))
    assert await minutes(store, node) == []
    found = await series(store, node, Span.MONTH, NOON + timedelta(days=20))
    assert [point.cpu for point in found.points if point] == [Band(10, 30, 60)]
