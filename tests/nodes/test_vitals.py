import asyncio
import contextlib
import json
import math
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from bakery.commands.command import Command
from bakery.model.errors import CommandFailed, NodeUnreachable
from bakery.model.names import Port
from bakery.nodes import vitals
from bakery.nodes.local import LocalTransport
from bakery.nodes.transport import Finished, Running
from bakery.nodes.vitals import LONGEST_LINE, Allowance, Disk, Lines, Vitals, read_vitals, watch
from bakery.store.metrics import MetricsWriter, latest
from bakery.store.rows import only
from tests.nodes.memory import MemoryTransport, done
from tests.support.store import a_store

FOLDER = PurePosixPath("/var/lib/bakery/node")
SAID: Mapping[str, Any] = {
    "at": 1795573836.82,
    "cpu": 1.89,
    "cpus": 2,
    "memory_used": 711327744,
    "memory_total": 25276514304,
    "swap_used": 0,
    "swap_total": 0,
    "load": [0.28, 0.54, 0.81],
    "uptime": 2245.14,
    "boot_id": "306580cb-e658-4a64-95aa-e6e3e355cc24",
    "disks": [
        {
            "path": "/var/lib/bakery/node",
            "total": 270553174016,
            "used": 26803392512,
            "free": 82140901376,
            "inodes_total": 16777216,
            "inodes_used": 476330,
        }
    ],
}


def a_line(**other: object) -> bytes:
    return json.dumps({**SAID, **other}).encode() + b"\n"


def test_a_line_is_read_whole() -> None:
    versions = {"kernel": "6.18.44", "os": "Debian GNU/Linux 12 (bookworm)", "docker": None}
    found = read_vitals(a_line(versions=versions))
    assert found == Vitals(
        at=1795573836.82,
        cpu=1.89,
        cpus=2,
        memory_used=711327744,
        memory_total=25276514304,
        swap_used=0,
        swap_total=0,
        load=(0.28, 0.54, 0.81),
        uptime=2245.14,
        boot_id="306580cb-e658-4a64-95aa-e6e3e355cc24",
        disks=(
            Disk(
                path="/var/lib/bakery/node",
                total=270553174016,
                used=26803392512,
                free=82140901376,
                inodes_total=16777216,
                inodes_used=476330,
            ),
        ),
        versions=versions,
    )
    assert (found.load1, found.disk_used, found.disk_total) == (0.28, 26803392512, 270553174016)


def test_what_a_line_did_not_say_is_not_in_what_is_kept_of_it() -> None:
    found = read_vitals(a_line())
    assert found is not None
    assert json.loads(json.dumps(found.as_line())) == SAID


def test_what_a_later_probe_adds_is_passed_over() -> None:
    assert read_vitals(a_line(health=[{"slot": "blue"}])) == read_vitals(a_line())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"Welcome!",
        b"[" * 50_000,
        b'{"at":' + b"[" * 50_000,
        b'{"more":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        a_line(cpu=-1),
        a_line(cpu=101),
        a_line(cpu="1.89"),
        a_line(cpu=True),
        a_line(cpu=math.nan),
        a_line(cpu=math.inf),
        a_line(at=-1),
        a_line(at=1e300),
        a_line(cpus=0),
        a_line(memory_used=2**63),
        a_line(memory_used=-1),
        a_line(memory_used=0.5),
        a_line(load=[1, 2]),
        a_line(load=[1, 2, 1e300]),
        a_line(boot_id=""),
        a_line(boot_id="306580cb-e658-4a64-95aa-e6e3e355cc24\n"),
        a_line(boot_id="<script>alert(1)</script>-----------"),
        a_line(disks=[]),
        a_line(disks=[*SAID["disks"]] * 21),
        a_line(disks=[{**SAID["disks"][0], "path": "/a\0b"}]),
        a_line(disks=[{**SAID["disks"][0], "path": "/" + "a" * 200}]),
        a_line(versions={"os": "red\x1b[31m"}),
        a_line(versions={"os": "x" * 201}),
        a_line(versions={"os": ["a"]}),
        a_line(versions={"O S": "1"}),
        a_line(versions={f"p{number}": "1" for number in range(31)}),
        a_line()[:-3],
        a_line().strip() + a_line(),
    ],
)
def test_nonsense_is_refused(line: bytes) -> None:
    assert read_vitals(line) is None


def test_lines_are_put_together_from_whatever_arrives() -> None:
    lines = Lines()
    sent = a_line() + a_line(cpu=5)
    found = [said for index in range(len(sent)) for said in lines.feed(sent[index : index + 1])]
    assert [said.cpu for said in found] == [1.89, 5]
    assert [said.cpu for said in lines.feed(sent + a_line(cpu=7)[:20])] == [1.89, 5]
    assert [said.cpu for said in lines.feed(a_line(cpu=7)[20:])] == [7]
    assert lines.refused == 0


def test_what_is_refused_is_counted_and_what_follows_is_read() -> None:
    lines = Lines()
    found = lines.feed(b"Last login: today\n\n" + a_line() + b"{}\n" + a_line(cpu=5))
    assert [said.cpu for said in found] == [1.89, 5]
    assert lines.refused == 3


def test_a_line_that_is_too_long_is_dropped_and_takes_no_memory() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b" " * LONGEST_LINE) == []
        assert len(lines._rest) <= LONGEST_LINE
    assert lines.feed(a_line()) == []
    assert [said.cpu for said in lines.feed(a_line(cpu=5))] == [5]
    assert lines.refused == 1


def test_a_long_line_that_comes_at_once_is_dropped_like_any_other() -> None:
    lines = Lines()
    assert [said.cpu for said in lines.feed(b" " * LONGEST_LINE + a_line() + a_line(cpu=5))] == [5]
    assert lines.refused == 1


def test_a_machine_may_say_what_a_probe_does_for_years_and_a_burst_but_no_flood() -> None:
    allowance = Allowance(10.0, 0.0)
    allowance.use(16 * LONGEST_LINE, 0.0)
    for second in range(10, 1000, 10):
        allowance.use(LONGEST_LINE, second)
    with pytest.raises(CommandFailed, match="says more than it should"):
        allowance.use(LONGEST_LINE, 991.0)


async def test_a_machine_that_floods_us_is_left() -> None:
    machine = Telling(*[a_line() * 1000] * 10)
    async with aclosing(watch(machine, interval=10, folder=FOLDER)) as watching:
        with pytest.raises(CommandFailed, match="says more than it should"):
            async for _ in watching:
                pass
    assert not machine.is_listened_to


class Telling(MemoryTransport):
    """A machine whose probe says what it is given, and then ends; without an ending it falls silent."""

    def __init__(self, *chunks: bytes, ending: Finished | None = None) -> None:
        super().__init__()
        self.chunks = chunks
        self.ending = ending
        self.is_listened_to = False

    @contextlib.asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Running]:
        self.is_listened_to = True
        try:
            yield Told(self)
        finally:
            self.is_listened_to = False

    @contextlib.asynccontextmanager
    async def tunnel(self, port: Port) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        yield await asyncio.open_connection("127.0.0.1", port)


@dataclass(frozen=True)
class Told:
    machine: Telling

    async def output(self) -> AsyncGenerator[bytes, None]:
        for chunk in self.machine.chunks:
            yield chunk
        if self.machine.ending is None:
            await asyncio.Event().wait()

    async def send(self, data: bytes) -> None:
        raise NotImplementedError

    async def end(self) -> Finished:
        assert self.machine.ending is not None
        return self.machine.ending


def probes() -> list[str]:
    """Of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [child for child in children if b"sys.stdin.buffer.readline" in Path(f"/proc/{child}/cmdline").read_bytes()]


async def test_this_machine_is_watched_and_nothing_is_left_of_it_when_nobody_listens(tmp_path: Path) -> None:
    async with aclosing(watch(LocalTransport(), interval=0.2, folder=tmp_path / "not" / "made")) as watching:
        found = [await anext(watching), await anext(watching)]
        assert len(probes()) == 1
    assert probes() == []
    assert found[0].disks[0].path == str(tmp_path / "not" / "made")
    assert found[0].versions is not None
    assert found[0].boot_id == found[1].boot_id
    assert found[0].at < found[1].at


async def test_what_this_machine_says_is_stored(migrated_database_url: str) -> None:
    async with a_store(migrated_database_url) as store:
        async with store.connection() as connection:
            found = await connection.execute(
                "INSERT INTO nodes (slug, kind, name, machine_id, apps_domain) "
                "VALUES ('local', 'local', 'This machine', 'm', 'localhost') RETURNING id"
            )
            (node_id,) = await only(found)
        writer = MetricsWriter(store)
        async with aclosing(watch(LocalTransport(), interval=0.2, folder=FOLDER)) as watching:
            said = await anext(watching)
        writer.add(node_id, said, datetime.now(UTC))
        await writer.flush()
        assert read_vitals((await latest(store, [node_id]))[node_id].line) == said


async def test_nonsense_between_the_lines_does_no_harm() -> None:
    machine = Telling(b"motd\n", a_line() + a_line(cpu=5) + b"{}\n", ending=done())
    async with aclosing(watch(machine, interval=10, folder=FOLDER)) as watching:
        assert [said.cpu for said in (await anext(watching), await anext(watching))] == [1.89, 5]


async def test_a_machine_that_falls_silent_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_SECONDS_ALLOWED", 0.05)
    machine = Telling(a_line(), b"motd\n")
    async with aclosing(watch(machine, interval=0.05, folder=FOLDER)) as watching:
        await anext(watching)
        with pytest.raises(NodeUnreachable, match=r"said nothing of itself for 0\.2 s\. 1 lines made no sense\."):
            await anext(watching)
    assert not machine.is_listened_to


async def test_a_probe_that_ends_is_no_silence_and_says_why() -> None:
    machine = Telling(ending=done(status=1, errors="python3: No module named json\n"))
    with pytest.raises(CommandFailed, match="ended with status 1: python3: No module") as ended:
        await anext(watch(machine, interval=10, folder=FOLDER))
    assert ended.value.exit_status == 1
