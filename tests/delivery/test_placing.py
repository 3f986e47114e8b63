"""An app comes to live on the node that was chosen, or the person reads why it cannot."""

import asyncio
from collections.abc import Mapping

import pytest
from psycopg.types.json import Jsonb

from bakery.delivery.apps import create_app, show_app
from bakery.delivery.delete import delete_app
from bakery.delivery.environments import NewEnvironment, add_environment, list_environments
from bakery.delivery.running import restart_app
from bakery.delivery.tasks import DELETE_APP
from bakery.delivery.worker import register_tasks
from bakery.github.left_hooks import list_left_hooks
from bakery.model.apps import AppStatus, parse_new_app
from bakery.model.errors import BadInput, NodeUnreachable, Unavailable
from bakery.model.names import EnvironmentName
from bakery.model.nodes import NodeName, parse_new_node
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.nodes.registry import add_node, remove_node
from bakery.nodes.transcript import Transcript
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.delivery.conftest import PATIENCE
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

SEEN: Mapping[str, object] = {
    "user": "bakery-agent", "is_root": False, "has_docker": False, "nginx": "/usr/sbin/nginx", "python": "3.11.2",
    "disk_free_bytes": 1, "memory_bytes": 1, "cpus": 1, "units": "systemd", "ingress": "system-nginx", "limits": [],
    "notes": [],
}  # fmt: skip


async def a_node_far_away(store: Store, slug: str = "oven-1", *, state: str = "online", **seen: object) -> int:
    new = parse_new_node(slug=slug, host="192.0.2.7")
    node = await add_node(store, new, apps_domain="localhost", actor=ADMIN)
    async with store.connection() as connection:
        await connection.execute(
            "UPDATE nodes SET state = %s, facts = %s, site_port = 80 WHERE id = %s",
            (state, Jsonb({**SEEN, **seen}), node.id),
        )
    return node.id


async def test_an_app_lives_where_it_was_told_to_and_each_node_has_all_ports(bare_fleet: Fleet) -> None:
    await a_node_far_away(bare_fleet.store)
    await bare_fleet.make("here")
    made = await create_app(
        bare_fleet.store, parse_new_app(slug="shop", command="python3 app.py", node="oven-1"), actor=ADMIN
    )
    assert (made.node, made.node_state) == ("oven-1", "online")
    async with bare_fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT slug, slots.port FROM slots JOIN nodes ON nodes.id = node_id")
        assert sorted(await cursor.fetchall()) == [
            ("local", 20000), ("local", 20001), ("oven-1", 20000), ("oven-1", 20001)
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "runtime", "said"),
    [
        ({"state": "new"}, "process", "oven-1 waits for its first handshake."),
        ({"state": "blocked"}, "process", "oven-1 is blocked: it shows another host key than the one that is pinned."),
        ({}, "docker", "oven-1 has no Docker, which runs apps in containers."),
        ({"ingress": "none"}, "static", "oven-1 has no nginx, through which visitors reach the app."),
        ({"ingress": "none"}, "process", "oven-1 has no nginx, through which visitors reach the app."),
        ({"units": "supervisor"}, "process", "oven-1 does not run systemd, which keeps processes running."),
    ],
)
async def test_a_node_that_cannot_run_it_says_why(store: Store, seen: dict[str, str], runtime: str, said: str) -> None:
    await a_node_far_away(store, **seen)
    command = "python3 app.py" if runtime == "process" else ""
    with pytest.raises(BadInput) as refused:
        await create_app(
            store, parse_new_app(slug="shop", runtime=runtime, command=command, node="oven-1"), actor=ADMIN
        )
    assert (refused.value.message, refused.value.field) == (said, "node")


async def test_a_node_that_drains_or_does_not_exist_takes_no_app(store: Store) -> None:
    node_id = await a_node_far_away(store)
    async with store.connection() as connection:
        await connection.execute("UPDATE nodes SET is_draining = true WHERE id = %s", (node_id,))
    with pytest.raises(BadInput, match="oven-1 is being drained: no new app comes to it"):
        await create_app(store, parse_new_app(slug="shop", command="true", node="oven-1"), actor=ADMIN)
    with pytest.raises(BadInput, match="There is no such node"):
        await create_app(store, parse_new_app(slug="shop", command="true", node="oven-2"), actor=ADMIN)
    with pytest.raises(Unavailable, match="not known as a node yet"):
        await create_app(store, parse_new_app(slug="shop", command="true"), actor=ADMIN)


async def test_a_node_that_is_gone_for_good_takes_apps_that_were_deleted_along(store: Store) -> None:
    node_id = await a_node_far_away(store, state="unreachable")
    await create_app(store, parse_new_app(slug="shop", command="true", node="oven-1"), actor=ADMIN)
    async with store.connection() as connection:
        await connection.execute("UPDATE apps SET deleted_at = now()")
    await remove_node(store, "oven-1", actor=ADMIN)
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT (SELECT count(*) FROM apps), (SELECT count(*) FROM nodes)")
        assert await cursor.fetchone() == (0, 0)
    assert node_id


async def test_a_node_that_is_gone_for_good_leaves_webhooks_at_github_which_stay_known(store: Store) -> None:
    await a_node_far_away(store, state="unreachable")
    app = await create_app(store, parse_new_app(slug="shop", command="true", node="oven-1"), actor=ADMIN)
    async with store.connection() as connection:
        await connection.execute(
            "INSERT INTO github_hooks (environment_id, repository, hook, server) VALUES (%s, 'acme/shop', 7, 'https://g')",
            (app.environment_id,),
        )
        await connection.execute("UPDATE apps SET deleted_at = now()")

    await remove_node(store, "oven-1", actor=ADMIN)

    left = await list_left_hooks(store, limit=10, actor=ADMIN)
    assert [(one.app, one.environment, one.repository, one.hook) for one in left] == [
        ("shop", "production", "acme/shop", 7)
    ]


async def an_open_queue(store: Store) -> Queue:
    queue = Queue(store)
    queue.register(DELETE_APP, _clears_nothing)
    await queue.open()
    return queue


async def _clears_nothing(environment_id: int) -> None: ...


async def shop_on_two_nodes(store: Store) -> None:
    """Its staging is on oven-2, which does not answer any more."""
    await a_node_far_away(store)
    oven_2 = await a_node_far_away(store, "oven-2")
    await create_app(store, parse_new_app(slug="shop", command="true", node="oven-1"), actor=ADMIN)
    staging = NewEnvironment(EnvironmentName("staging"), node=NodeName("oven-2"))
    await add_environment(store, at("shop"), staging, actor=ADMIN)
    async with store.connection() as connection:
        await connection.execute("UPDATE nodes SET state = 'unreachable' WHERE id = %s", (oven_2,))


async def test_an_app_whose_staging_was_deleted_on_a_node_that_is_gone_for_good_keeps_its_production(
    store: Store,
) -> None:
    queue = await an_open_queue(store)
    await shop_on_two_nodes(store)
    await delete_app(store, queue, at("shop", "staging"), actor=ADMIN)

    await remove_node(store, "oven-2", actor=ADMIN)

    assert [(made.environment, made.node) for made in await list_environments(store, at("shop"), actor=ADMIN)] == [
        ("production", "oven-1")
    ]
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT before -> 'forgotten' FROM audit WHERE action = 'node.removed'")
        assert await cursor.fetchone() == (["shop staging"],)


async def test_what_a_deleted_app_has_on_a_node_that_answers_is_still_known_until_it_is_cleared(store: Store) -> None:
    queue = await an_open_queue(store)
    await shop_on_two_nodes(store)
    await delete_app(store, queue, at("shop"), actor=ADMIN)

    await remove_node(store, "oven-2", actor=ADMIN)

    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT environments.name, nodes.slug FROM environments JOIN nodes ON nodes.id = node_id"
        )
        assert await cursor.fetchall() == [("production", "oven-1")]


class AwayForAWhile(Links):
    """The node does not answer the first time."""

    def __init__(self, fleet: Fleet) -> None:
        async def machine() -> Node:
            return fleet.node

        super().__init__(fleet.store, machine, Transcript(fleet.store, now))
        self.told: list[str] = []
        self._fleet = fleet
        self._is_away = True

    async def node(self, node_id: int) -> Node:
        self.told.append((await self._fleet.app()).health_note or "")
        if self._is_away:
            self._is_away = False
            raise NodeUnreachable("oven-1 did not answer.")
        return await super().node(node_id)


async def test_what_a_node_that_is_away_could_not_do_is_told_and_done_when_it_is_back(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    links, queue = AwayForAWhile(fleet), Queue(fleet.store)
    register_tasks(queue, fleet.store, links, patience=PATIENCE)
    await queue.open()
    async with fleet.store.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")  # of the deployment, which is over
    await restart_app(fleet.store, queue, at("shop"), actor=ADMIN)
    working = asyncio.create_task(queue.work())
    async with asyncio.timeout(30):
        while len(links.told) < 2 or (await fleet.app()).health_note:
            await asyncio.sleep(0.05)
    queue.stop()
    await working
    assert links.told == ["", "oven-1 did not answer. Bakery tries again."]
    assert (await show_app(fleet.store, at("shop"), actor=ADMIN)).status is AppStatus.HEALTHY
