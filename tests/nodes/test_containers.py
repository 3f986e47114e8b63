"""Containers and images of a node: what its helper is told, and what is believed of its answers."""

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from bakery.commands.command import Command
from bakery.model.container import ContainerSpec, image_name
from bakery.model.errors import BadInput, NodeUnreachable
from bakery.model.names import AppName, EnvironmentName, Port, UnitName
from bakery.model.secret import Secret
from bakery.nodes.containers import Containers
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place
from bakery.nodes.images import ImageBuild, ImagePull, Images, Pruned, RegistryLogin
from bakery.nodes.jobs import JobKey, JobLimits
from bakery.nodes.transport import Finished
from bakery.nodes.units import UnitState, Use
from tests.nodes.memory import Answers, MemoryTransport, done

SHOP = AppName("shop")
NAME = UnitName("bakery-shop-production-blue")
OTHER = UnitName("bakery-shop-production-green")
A_CONTAINER = ContainerSpec(
    name=NAME,
    image=image_name(SHOP, 4),
    build=4,
    host_port=Port(20001),
    port=Port(8080),
    environment={"TOKEN": Secret("hush")},
    volumes={"data": PurePosixPath("/data")},
)
RUNS = '{"is_running": true, "process_id": 7, "restarts": 0, "last_exit": ""}'
KEY = JobKey("j0123456789abcdef01234567")
PLACE = Place(SHOP, EnvironmentName("production"))
A_BUILD = ImageBuild(
    key=KEY,
    place=PLACE,
    build=4,
    folder=PurePosixPath("/somewhere"),
    dockerfile="Dockerfile",
    secrets={"variables": Secret("hush")},
    registries=(RegistryLogin("registry.example", "me", Secret("hush")),),
    limits=JobLimits(seconds=60, log_bytes=1000, memory_bytes=1024**3),
)


def helper_of(answers: Answers) -> Helper:
    return Helper(MemoryTransport(answers), ("helper",))


def told(said: Command) -> object:
    assert isinstance(said.stdin, Secret)
    return json.loads(said.stdin.reveal())


async def test_a_container_is_told_in_one_call_and_in_secret() -> None:
    said: list[Command] = []

    def hear(command: Command) -> Finished:
        said.append(command)
        return done(RUNS)

    assert await Containers(helper_of(hear)).start(A_CONTAINER) == UnitState(is_running=True, process_id=7)
    assert [str(one) for one in said] == [f"helper container-start {NAME} < ••••"]
    assert told(said[0]) == {
        "image": "bakery/shop:4",
        "build": 4,
        "host_port": 20001,
        "port": 8080,
        "environment": {"TOKEN": "hush"},
        "command": None,
        "user": None,
        "memory_bytes": None,
        "cpu_percent": None,
        "processes": 4096,
        "volumes": {"data": "/data"},
        "stop_seconds": 10,
    }


async def test_states_of_many_come_by_one_call_and_what_is_not_there_does_not_run() -> None:
    answer = done(f'{{"containers": {{"{NAME}": {RUNS}, "{OTHER}": null}}}}')
    containers = Containers(helper_of(lambda _: answer))
    assert await containers.states(NAME, OTHER) == {
        NAME: UnitState(is_running=True, process_id=7),
        OTHER: UnitState(is_running=False),
    }
    with pytest.raises(NodeUnreachable, match="other containers than it was asked for"):
        await containers.states(NAME)


async def test_of_more_than_one_call_takes_all_are_told_of() -> None:
    asked: list[int] = []

    def answers(command: Command) -> Finished:
        verb, *names = command.argv[1:]
        asked.append(len(names))
        if verb == "container-state":
            return done(json.dumps({"containers": dict.fromkeys(names, json.loads(RUNS))}))
        return done(json.dumps({"uses": {name: {"memory_bytes": 1, "cpu_microseconds": 2} for name in names}}))

    containers = Containers(helper_of(answers))
    names = [UnitName(f"bakery-app{number}-production-blue") for number in range(401)]
    assert await containers.states(*names) == dict.fromkeys(names, UnitState(is_running=True, process_id=7))
    assert await containers.restarts(*names) == dict.fromkeys(names, 0)
    assert await containers.uses(*names) == dict.fromkeys(names, Use(memory_bytes=1, cpu_microseconds=2))
    assert asked == 3 * [200, 200, 1]


@pytest.mark.parametrize(
    "answer", ["", "{}", '{"containers": {"x": {"is_running": 1}}}', '{"containers": [], "more": 1}']
)
async def test_words_that_are_none_of_ours_are_not_believed(answer: str) -> None:
    with pytest.raises(NodeUnreachable, match="words that Bakery does not understand"):
        await Containers(helper_of(lambda _: done(answer))).state(NAME)


async def test_lines_of_a_log_are_shown_without_their_times() -> None:
    written = "2026-01-31T23:59:59.123456789Z one\n2026-01-31T23:59:59.123456790Z two  words\n2026-01-31T23:59:59.2Z \n"
    containers = Containers(helper_of(lambda _: done(written)))
    assert await containers.last_lines(NAME, count=2) == ["two  words", ""]
    following = containers.logs(NAME, after="1769903999.123456789", lines=50, follows=True)
    assert str(following) == f"helper container-logs {NAME} --after 1769903999.123456789 --lines 50 --follow"


async def test_a_build_begins_as_a_job_that_is_told_in_secret() -> None:
    building = Images(helper_of(lambda _: done())).building(A_BUILD)
    assert str(building) == f"helper image-build {KEY} --follow < ••••"
    assert told(building) == {
        "app": "shop",
        "environment": "production",
        "build": 4,
        "folder": "/somewhere",
        "dockerfile": "Dockerfile",
        "dockerfile_text": None,
        "args": {},
        "secrets": {"variables": "hush"},
        "registries": [{"host": "registry.example", "username": "me", "password": "hush"}],
        "target": None,
        "network": "default",
        "output": None,
        "no_cache": False,
        "memory_bytes": 1024**3,
        "cpu_percent": None,
        "seconds": 60,
        "log_bytes": 1000,
    }


async def test_a_pull_begins_likewise() -> None:
    login = RegistryLogin("registry.example", "me", Secret("hush"))
    limits = JobLimits(seconds=60, log_bytes=1000)
    pull = ImagePull(KEY, PLACE, 4, "registry.example/shop:1", login, limits)
    pulling = Images(helper_of(lambda _: done())).pulling(pull)
    assert str(pulling) == f"helper image-pull {KEY} --follow < ••••"
    assert told(pulling) == {
        "app": "shop",
        "environment": "production",
        "build": 4,
        "reference": "registry.example/shop:1",
        "username": "me",
        "password": "hush",
        "seconds": 60,
        "log_bytes": 1000,
    }


async def test_pruning_names_what_stays() -> None:
    transport = MemoryTransport(lambda _: done('{"removed": [1, 2], "in_use": [3], "bytes": 7}'))
    pruned = await Images(Helper(transport, ("helper",))).prune(SHOP, keep=(4, 5))
    assert (pruned, transport.told) == (Pruned((1, 2), (3,), 7), ["helper image-prune shop 4 5"])


def test_a_container_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(BadInput, match="A port of the container goes with one of the machine"):
        replace(A_CONTAINER, host_port=None)
    with pytest.raises(BadInput, match="A command cannot hold a NUL"):
        replace(A_CONTAINER, command=("a\0",))
    with pytest.raises(BadInput, match="The value of TOKEN cannot hold a NUL"):
        replace(A_CONTAINER, environment={"TOKEN": Secret("\0")})
