"""A node keeps the helper that its installer brought: an update of Bakery meets older ones, and works with them."""

import asyncio

import pytest

from bakery.commands.command import Command
from bakery.helper.words import NO_SUCH_VERB
from bakery.model.errors import CommandFailed
from bakery.model.names import AppName, EnvironmentName, Port
from bakery.nodes.disk import Disk
from bakery.nodes.git_sources import GitSources
from bakery.nodes.helper_calls import OLDER_HELPER, Helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import Jobs, new_job_key
from bakery.nodes.traffic import Traffic
from bakery.nodes.transport import Finished
from tests.nodes.memory import MemoryTransport, done

KNOWN = {
    "job-cancel": '{"state": "unknown", "exit_status": null, "reason": "", "log_bytes": 0}',
    "job-remove": "",
}
SHOP = Place(AppName("shop"), EnvironmentName("production"))


def as_an_older_one(said: Command) -> Finished:
    verb = said.argv[1]
    return done(KNOWN[verb]) if verb in KNOWN else done(status=1, errors=f"{NO_SUCH_VERB}\n")


@pytest.fixture
def machine() -> MemoryTransport:
    return MemoryTransport(as_an_older_one)


async def test_jobs_are_forgotten_one_by_one(machine: MemoryTransport) -> None:
    first, second = new_job_key(), new_job_key()
    await Jobs(machine, ("helper",)).forget(first, second)
    assert [said.split()[1:] for said in machine.told] == [
        ["job-forget", first, second],
        *([verb, key] for key in (first, second) for verb in ("job-cancel", "job-remove")),
    ]


async def test_a_port_counts_as_free_and_a_drain_takes_its_whole_time(
    machine: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    traffic = Traffic(Helper(machine, ("helper",)))
    assert not await traffic.is_taken(Port(20000))
    assert await traffic.wait_for_drain(Port(20000), seconds=30) == 0
    assert waited == [30]


async def test_what_git_fetched_stays_there(machine: MemoryTransport) -> None:
    await GitSources(Helper(machine, ("helper",))).forget(SHOP)
    assert machine.told == ["helper source-forget shop production"]


async def test_what_it_cannot_do_is_told_with_what_to_do(machine: MemoryTransport) -> None:
    with pytest.raises(CommandFailed) as caught:
        await Disk(Helper(machine, ("helper",))).space(with_docker=False)
    assert (caught.value.message, "Repair" in caught.value.hint) == (OLDER_HELPER, True)
