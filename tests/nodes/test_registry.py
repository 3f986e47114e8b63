"""Nodes as people add, change and remove them."""

import asyncio
from pathlib import Path

import pytest

from bakery.model.errors import BadInput, Conflict, NotAllowed, NotFound
from bakery.model.jobs import JobState
from bakery.model.nodes import NodeState, parse_new_node
from bakery.model.secret import Secret
from bakery.nodes import registry
from bakery.nodes.bootstrap import make_bootstrap, script_at
from bakery.nodes.catalogue import NodeSummary, list_nodes, show_node
from bakery.nodes.links import Links
from bakery.nodes.login import Cause, Handshake, Unreachable, fingerprint, mint_key
from bakery.nodes.node import Node
from bakery.nodes.rotation import rotate
from bakery.nodes.touch import Kept, note_reached, note_trouble, pause_after
from bakery.nodes.transcript import Transcript
from bakery.nodes.work import move_job, request_exec
from bakery.store.queue import Queue
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.web.moments import now
from tests.support.people import SYSTEM, a_developer, an_admin
from tests.support.ssh_server import SshServer, serving, shown

HOST_KEY = mint_key("")[0].rsplit(" ", 1)[0]
OTHER_KEY = mint_key("")[0].rsplit(" ", 1)[0]


async def a_node(store: Store, slug: str = "oven-1") -> NodeSummary:
    new = parse_new_node(slug=slug, host="203.0.113.7", port=2222, bastion="ops@gateway.example.com")
    return await registry.add_node(store, new, apps_domain="example.com", actor=SYSTEM)


def a_handshake(host_key: str = HOST_KEY) -> Handshake:
    return Handshake(host_key=host_key, bastion_host_key=OTHER_KEY, seconds=0.048, at=now())


def an_obstacle(cause: Cause = Cause.TIMED_OUT, seen: str | None = None) -> Unreachable:
    return Unreachable("Could not reach oven-1.", cause=cause, hint="Is it on?", seen_host_key=seen)


def kept(node: NodeSummary) -> Kept:
    return Kept(node.id, node.slug)


async def actions(store: Store) -> list[str]:
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT action FROM audit WHERE target_kind = 'node' ORDER BY id")
        return [action for (action,) in await cursor.fetchall()]


async def test_a_new_node_has_a_key_of_its_own_that_only_the_vault_can_read(store: Store) -> None:
    node = await a_node(store)
    other = await a_node(store, "oven-2")
    assert (node.state, node.apps_domain, node.facts) == (NodeState.NEW, "oven-1.example.com", None)
    assert node.key_public is not None
    assert node.key_public.startswith("ssh-ed25519 ")
    assert node.key_public != other.key_public
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT key_secret FROM nodes WHERE id = %s", (node.id,))).fetchone()
    assert row is not None
    assert b"OPENSSH" not in row[0]
    links = Links(store, _no_machine, Transcript(store, now))
    login = links.login(node.id, await links.address(node.id))
    assert "OPENSSH PRIVATE KEY" in login.private_key.reveal()
    assert (login.host, login.port, login.bastion and login.bastion.host) == (
        "203.0.113.7",
        2222,
        "gateway.example.com",
    )
    assert await actions(store) == ["node.added", "node.added"]


async def test_two_nodes_never_share_a_name(store: Store) -> None:
    await a_node(store)
    with pytest.raises(Conflict, match="already a node with the name oven-1"):
        await a_node(store)


async def test_only_admins_manage_nodes(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    developer = await a_developer(store)
    new = parse_new_node(slug="oven-2", host="203.0.113.8")
    with pytest.raises(NotAllowed):
        await registry.add_node(store, new, apps_domain="example.com", actor=developer)
    with pytest.raises(NotAllowed):
        await registry.edit_node(store, node.slug, {"host": "203.0.113.9"}, actor=developer)
    with pytest.raises(NotAllowed):
        await registry.verify_node(store, queue, node.slug, actor=developer)
    with pytest.raises(NotAllowed):
        await registry.remove_node(store, node.slug, actor=developer)
    assert await actions(store) == ["node.added"]


async def test_what_is_not_named_in_a_change_stays(store: Store) -> None:
    await a_node(store)
    changed = await registry.edit_node(store, "oven-1", {"port": 22, "bastion": ""}, actor=SYSTEM)
    assert (changed.host, changed.port, changed.login, changed.bastion) == ("203.0.113.7", 22, "bakery-agent", None)


@pytest.mark.parametrize(
    "wanted",
    [
        {"host": "a b"},
        {"port": "x"},
        {"bastion": "x"},
        {"apps_domain": "-"},
        {"public_address": "x"},
        {"public_ipv6": "203.0.113.7"},
    ],
)
async def test_a_change_that_makes_no_sense_names_its_field_and_stores_nothing(
    store: Store, wanted: dict[str, str]
) -> None:
    before = await a_node(store)
    with pytest.raises(BadInput) as refused:
        await registry.edit_node(store, "oven-1", wanted, actor=SYSTEM)
    assert refused.value.field == next(iter(wanted))
    assert await show_node(store, "oven-1", actor=SYSTEM) == before


async def test_the_first_handshake_pins_the_host_key_and_ends_the_installers_address(
    store: Store, queue: Queue
) -> None:
    node = await a_node(store)
    made = await make_bootstrap(store, "oven-1", base_url="https://b.example", now=now(), actor=SYSTEM)
    await note_reached(store, queue, kept(node), a_handshake())
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.state, seen.host_key, seen.bastion_host_key) == (NodeState.ONLINE, HOST_KEY, OTHER_KEY)
    assert seen.is_checking
    with pytest.raises(NotFound, match="not good any more"):
        await script_at(store, _token_of(made.url))
    await note_reached(store, queue, kept(node), a_handshake(OTHER_KEY))
    assert (await show_node(store, "oven-1", actor=SYSTEM)).host_key == HOST_KEY
    assert await actions(store) == ["node.added", "node.bootstrap_made", "node.first_reached"]


async def test_one_miss_is_nothing_and_several_name_the_cause(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    await note_reached(store, queue, kept(node), a_handshake())
    await note_trouble(store, kept(node), an_obstacle(), is_certain=False)
    assert (await show_node(store, "oven-1", actor=SYSTEM)).state is NodeState.ONLINE
    await note_trouble(store, kept(node), an_obstacle(), is_certain=True)
    await note_trouble(store, kept(node), an_obstacle(), is_certain=True)
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.state, seen.trouble, seen.trouble_hint) == (
        NodeState.UNREACHABLE,
        "Could not reach oven-1.",
        "Is it on?",
    )
    assert (await actions(store)).count("node.lost") == 1
    await note_reached(store, queue, kept(node), a_handshake())
    assert (await show_node(store, "oven-1", actor=SYSTEM)).trouble == ""


async def test_a_changed_host_key_blocks_at_once_until_an_admin_accepts_what_they_saw(
    store: Store, queue: Queue
) -> None:
    node = await a_node(store)
    admin = await an_admin(store)
    await note_reached(store, queue, kept(node), a_handshake())
    await note_trouble(store, kept(node), an_obstacle(Cause.HOST_KEY, OTHER_KEY), is_certain=False)
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.state, seen.host_key, seen.other_host_key) == (NodeState.BLOCKED, HOST_KEY, OTHER_KEY)
    with pytest.raises(Conflict, match="another host key than the one that you looked at"):
        await registry.accept_host_key(store, queue, "oven-1", fingerprint(HOST_KEY), actor=admin)
    await registry.accept_host_key(store, queue, "oven-1", fingerprint(OTHER_KEY), actor=admin)
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.host_key, seen.other_host_key) == (OTHER_KEY, None)
    with pytest.raises(Conflict, match="nothing to decide"):
        await registry.accept_host_key(store, queue, "oven-1", fingerprint(OTHER_KEY), actor=admin)


async def test_a_key_is_only_changed_where_the_old_one_works(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    with pytest.raises(Conflict, match="oven-1 is new right now"):
        await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
    await note_reached(store, queue, kept(node), a_handshake())
    await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
    waiting = await show_node(store, "oven-1", actor=SYSTEM)
    await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
    assert waiting.is_rotating
    assert waiting == await show_node(store, "oven-1", actor=SYSTEM)


async def test_an_installer_is_good_for_its_address_alone_and_as_often_as_needed(store: Store) -> None:
    await a_node(store)
    first = await make_bootstrap(store, "oven-1", base_url="https://b.example/bakery", now=now(), actor=SYSTEM)
    assert first.url.startswith("https://b.example/bakery/bootstrap/")
    assert first.sha256 in first.line
    assert await script_at(store, _token_of(first.url)) == await script_at(store, _token_of(first.url)) == first.script
    second = await make_bootstrap(store, "oven-1", base_url="https://b.example", now=now(), actor=SYSTEM)
    with pytest.raises(NotFound):
        await script_at(store, _token_of(first.url))
    assert await script_at(store, _token_of(second.url)) == second.script


async def test_an_installers_address_ends_after_an_hour(store: Store) -> None:
    await a_node(store)
    made = await make_bootstrap(store, "oven-1", base_url="https://b.example", now=now(), actor=SYSTEM)
    async with store.connection() as connection:
        await connection.execute("UPDATE nodes SET bootstrap_until = now() - interval '1 second'")
    with pytest.raises(NotFound):
        await script_at(store, _token_of(made.url))


async def test_a_node_is_not_removed_while_apps_live_there(store: Store) -> None:
    node = await a_node(store)
    async with store.connection() as connection:
        await connection.execute("INSERT INTO apps (slug, name) VALUES ('shop', 'Shop'), ('blog', 'Blog')")
        await connection.execute(
            """
            INSERT INTO environments (app_id, name, node_id, runtime, command)
            SELECT id, 'production', %s, 'process', '{true}' FROM apps
            """,
            (node.id,),
        )
    with pytest.raises(Conflict, match="blog, shop live on oven-1"):
        await registry.remove_node(store, "oven-1", actor=SYSTEM)
    async with store.connection() as connection:
        await connection.execute("DELETE FROM apps")
    await registry.remove_node(store, "oven-1", actor=SYSTEM)
    assert await list_nodes(store, actor=SYSTEM) == []


async def test_a_node_is_not_removed_while_a_job_runs_where_it_could_be_ended(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    await note_reached(store, queue, kept(node), a_handshake())
    job = await request_exec(store, queue, "oven-1", ("sleep", "60"), actor=SYSTEM)
    async with store.transaction() as tx:
        await move_job(tx, job.id, JobState.RUNNING)
    with pytest.raises(Conflict, match=f"Job {job.id} runs on oven-1"):
        await registry.remove_node(store, "oven-1", actor=SYSTEM)
    await note_trouble(store, kept(node), an_obstacle(), is_certain=True)
    await registry.remove_node(store, "oven-1", actor=SYSTEM)
    assert await list_nodes(store, actor=SYSTEM) == []


async def test_of_two_changes_at_once_none_undoes_the_other(store: Store) -> None:
    await a_node(store)
    async with store.pool.connection() as other:
        await other.execute("SELECT FROM nodes FOR UPDATE")
        changes = [
            asyncio.create_task(registry.edit_node(store, "oven-1", wanted, actor=SYSTEM))
            for wanted in ({"host": "203.0.113.9"}, {"port": 2200}, {"name": "The oven"})
        ]
        await _until_waiting(store, len(changes))
    await asyncio.gather(*changes)
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.host, seen.port, seen.name) == ("203.0.113.9", 2200, "The oven")


async def test_of_a_blocked_node_the_host_key_is_decided_about_before_its_key_is_changed(
    store: Store, queue: Queue
) -> None:
    node = await a_node(store)
    await note_reached(store, queue, kept(node), a_handshake())
    await note_trouble(store, kept(node), an_obstacle(Cause.HOST_KEY, OTHER_KEY), is_certain=True)
    with pytest.raises(Conflict, match="oven-1 is blocked") as refused:
        await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
    assert refused.value.hint == "Decide about its host key first: bakery nodes accept-key oven-1"


async def test_a_key_that_a_node_does_not_take_is_given_up_with_the_reason(
    store: Store, queue: Queue, tmp_path: Path
) -> None:
    node = await a_node(store)
    assert node.key_public is not None
    there = SshServer(tmp_path, accepts=node.key_public)
    there.shell = "/bin/false"
    async with serving(there) as server:
        place: dict[str, str | int] = {"host": "127.0.0.1", "port": int(server.port), "bastion": ""}
        await registry.edit_node(store, "oven-1", place, actor=SYSTEM)
        await note_reached(store, queue, kept(node), a_handshake(shown(server.keys[0])))
        await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
        links = Links(store, _no_machine, Transcript(store, now))
        await rotate(store, links, node.id)
        await links.close()
    seen = await show_node(store, "oven-1", actor=SYSTEM)
    assert (seen.key_public, seen.is_rotating) == (node.key_public, False)
    assert (await actions(store))[-1] == "node.key_kept"


async def test_a_key_that_waits_for_its_node_is_changed_when_that_is_back(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    await note_reached(store, queue, kept(node), a_handshake())
    await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
    async with store.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    await note_reached(store, queue, kept(node), a_handshake())
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT task_name FROM procrastinate_jobs")
        assert await cursor.fetchall() == [("rotate-key",)]


async def test_an_installer_lets_the_next_key_in_while_the_key_is_changed(store: Store, queue: Queue) -> None:
    node = await a_node(store)
    before = await make_bootstrap(store, "oven-1", base_url="https://b.example", now=now(), actor=SYSTEM)
    assert "\nNEXT_KEY=''\n" in before.script
    await note_reached(store, queue, kept(node), a_handshake())
    await registry.rotate_key(store, queue, "oven-1", actor=SYSTEM)
    made = await make_bootstrap(store, "oven-1", base_url="https://b.example", now=now(), actor=SYSTEM)
    assert "\nNEXT_KEY='ssh-ed25519 " in made.script
    assert await script_at(store, _token_of(made.url)) == made.script


async def _until_waiting(store: Store, count: int) -> None:
    waiting = 0
    async with asyncio.timeout(10):
        while waiting < count:
            async with store.connection() as connection:
                cursor = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = await only(cursor)


def test_pauses_grow_differ_and_end() -> None:
    assert [pause_after(misses, 1.0) for misses in (1, 2, 3, 20)] == [2.2, 4.2, 8.2, 60.2]
    assert pause_after(20, 0.0) == 0.2


async def _no_machine() -> Node:
    raise AssertionError


def _token_of(url: str) -> Secret:
    return Secret(url.split("/")[-2])
