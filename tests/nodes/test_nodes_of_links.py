"""The node that apps live on, when it is far away: opened once, seen to once, and made anew when it was verified."""

import json

import pytest

from bakery.commands.command import Command
from bakery.model.errors import NodeUnreachable, NotReady
from bakery.model.nodes import parse_new_node
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.nodes.catalogue import show_node
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.nodes.registry import add_node, edit_node
from bakery.nodes.transcript import Transcript
from bakery.nodes.transport import Finished, Transport
from bakery.nodes.verify import INSTALLATION, verify
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.nodes.memory import MemoryTransport, done
from tests.nodes.test_hostile_nodes import FACTS
from tests.nodes.test_registry import a_handshake, a_node
from tests.support.people import SYSTEM

ENSURE = "sudo -n /usr/local/lib/bakery/helper site-ensure"


class NodeInMemory(Links):
    """One that is ready for apps. `facts` are what it says of itself."""

    def __init__(self, store: Store, **facts: object) -> None:
        super().__init__(store, _no_machine, Transcript(store, now))
        self._facts_there = {**FACTS, **facts}
        self.is_away = False
        self.docker, self.has_buildx = "1.2.3", True
        self.machine_there = MemoryTransport(self._answer)

    async def transport(self, node_id: int) -> Transport:
        del node_id
        return self.machine_there

    async def ssh(self, node_id: int) -> "NodeInMemory":  # type: ignore[override]  # all that verifying asks of it
        del node_id
        return self

    async def connect(self) -> object:
        return a_handshake()

    @property
    def ensured(self) -> int:
        return sum(told.startswith(ENSURE) for told in self.machine_there.told)

    def _answer(self, command: Command) -> Finished:
        said = str(command)
        if self.is_away:
            raise NodeUnreachable("oven-1 did not answer.")
        if said.startswith(ENSURE):
            return done(json.dumps({"notes": ["The nginx here was there before."]}))
        if "bakery-ready" in said:
            return done("bakery-ready")
        if said.startswith("/usr/bin/python3"):
            return done(json.dumps(self._facts_there))
        if "docker-buildx" in said:
            return done("", status=0 if self.has_buildx else 1)
        return done(self.docker if said.startswith("docker") else "1.2.3")


async def test_it_is_opened_once_and_again_after_it_was_verified(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    links = NodeInMemory(store)
    opened = await links.node(node.id)
    can = opened.capabilities
    assert (opened.name, can.units, can.ingress, can.isolated_users) == (
        "oven-1", UnitKeeper.SYSTEMD, IngressKind.SYSTEM_NGINX, True,
    )  # fmt: skip
    assert await links.node(node.id) is opened
    assert links.ensured == 1
    await verify(store, links, queue, node.id)
    assert await links.node(node.id) is not opened


async def test_one_that_is_away_is_seen_to_when_it_is_back(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    links = NodeInMemory(store)
    await verify(store, links, queue, node.id)
    links.is_away = True
    away = await links.node(node.id)
    with pytest.raises(NodeUnreachable):
        await away.homes.uploads()
    links.is_away = False
    before = links.ensured
    assert await links.node(node.id) is not away
    assert links.ensured == before + 1


async def test_a_machine_without_systemd_runs_no_apps(store: Store) -> None:
    node = await a_node(store)
    with pytest.raises(NotReady, match="oven-1 does not run systemd"):
        await NodeInMemory(store, has_systemd=False).node(node.id)


async def test_verifying_writes_down_what_apps_need(store: Store, queue: Queue) -> None:
    new = parse_new_node(slug="oven-1", host="oven.example.com")
    node = await add_node(store, new, apps_domain="localhost", actor=SYSTEM)
    assert node.apps_domain == "oven-1.localhost"
    links = NodeInMemory(store, address="8.8.4.4")
    links.machine_there.files[INSTALLATION] = await _installation(store)
    await verify(store, links, queue, node.id)
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.site_port, seen.public_address, seen.apps_domain) == (80, "8.8.4.4", "8-8-4-4.sslip.io")
    assert seen.facts is not None
    assert (seen.facts.units, seen.facts.ingress, seen.facts.limits, seen.facts.notes) == (
        UnitKeeper.SYSTEMD, IngressKind.SYSTEM_NGINX, (), ("The nginx here was there before.",),
    )  # fmt: skip


async def test_an_ipv6_address_is_found_and_what_a_person_says_of_it_holds(store: Store, queue: Queue) -> None:
    node = await a_node(store)

    async def verified(found: str | None) -> str | None:
        await verify(store, NodeInMemory(store, ipv6=found), queue, node.id)
        return (await show_node(store, "oven-1", actor=SYSTEM)).public_ipv6

    async def said(ipv6: str) -> None:
        await edit_node(store, "oven-1", {"public_ipv6": ipv6}, actor=SYSTEM)

    assert await verified("2a01:4f8::7") == "2a01:4f8::7"
    await edit_node(store, "oven-1", {"name": "Oven"}, actor=SYSTEM)
    assert await verified("2a01:4f8::8") == "2a01:4f8::8"  # the machine moved
    assert await verified(None) is None
    await said("2a01:4f8::9")
    assert await verified("2a01:4f8::8") == "2a01:4f8::9"
    await said("")
    assert await verified("2a01:4f8::8") is None


async def test_a_docker_that_builds_nothing_without_its_plugin_is_told_before_anything_is_built(
    store: Store, queue: Queue
) -> None:
    node = await a_node(store)
    links = NodeInMemory(store)

    async def said_of_buildx(docker: str, *, has_it: bool) -> list[tuple[bool, str]]:
        links.docker, links.has_buildx = docker, has_it
        await verify(store, links, queue, node.id)
        seen = await show_node(store, "oven-1", actor=SYSTEM)
        return [(check.is_well, check.fix) for check in seen.checks if check.name == "buildx"]

    assert await said_of_buildx("Docker version 20.10.24", has_it=False) == []
    assert await said_of_buildx("Docker version 27.1.1", has_it=True) == [(True, "")]
    ((is_well, fix),) = await said_of_buildx("Docker version 27.1.1", has_it=False)
    assert (is_well, fix.partition(" (")[0]) == (False, "Install it: apt-get install docker-buildx")


async def test_a_node_without_nginx_says_that_no_app_can_live_on_it(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    links = NodeInMemory(store, nginx=None, nginx_settings=None)
    links.machine_there.files[INSTALLATION] = await _installation(store)
    await verify(store, links, queue, node.id)
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert seen.facts is not None
    assert (seen.site_port, links.ensured) == (None, 0)
    assert seen.facts.limits == ("No app can live on it: there is no nginx, through which apps are reached.",)
    assert seen.apps_domain == "oven-1.example.com"


async def _installation(store: Store) -> bytes:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT id::text FROM installation")).fetchone()
    assert row is not None
    return str(row[0]).encode()


async def _no_machine() -> Node:
    raise NotImplementedError
