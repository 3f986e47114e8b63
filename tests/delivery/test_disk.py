"""Room on a node: looked for before a deployment, and made where something lies that nobody needs."""

import asyncio
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bakery.delivery import leftovers, pruning, tasks
from bakery.delivery.delete import clear_environment, delete_app
from bakery.delivery.leftovers import Kind, Known, Leftover, Rows
from bakery.delivery.local import local_node_id
from bakery.delivery.old_logs import shorten_old_logs
from bakery.delivery.pruning import prune, prune_environment, prune_in_time, prune_node, what_would_go
from bakery.model.actor import Actor, Origin
from bakery.model.deployments import DeploymentState
from bakery.model.errors import CommandFailed, NotAllowed
from bakery.model.names import Colour
from bakery.model.permissions import Role
from bakery.model.runtimes import Runtime
from bakery.nodes.disk import Disk, Found, FoundImage
from bakery.nodes.homes import Place
from bakery.nodes.node import Node
from bakery.store.logs import append_within
from bakery.store.store import Store
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at


async def value(store: Store, query: str) -> object:
    async with store.connection() as connection:
        row = await (await connection.execute(query)).fetchone()
    return row[0] if row else None


async def change(store: Store, query: str) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(query)


async def waits(fleet: Fleet, task: str, subject: int) -> bool:
    async with fleet.store.transaction() as tx:
        return await fleet.queue.has(tx, task, subject)


async def test_a_deployment_for_which_there_is_no_room_ends_before_it_began(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    taken = await value(fleet.store, "SELECT bytes FROM builds")
    assert isinstance(taken, int)
    assert 0 < taken < 100_000
    await change(fleet.store, "UPDATE builds SET bytes = 1::bigint << 59")
    found = await fleet.deploy(an_app("two"))
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure.startswith(
        "There is too little room for this deployment: it needs about 524288 TB, "
    )
    assert found.deployment.failure.endswith(f" are free at {fleet.node.folders.root}.")
    assert "bakery nodes prune local --dry-run" in found.deployment.hint
    assert await fleet.visitors_see("one")
    assert not (Path(fleet.node.folders.root) / "apps/shop/production/releases/2").exists()


async def test_a_node_that_cannot_tell_how_much_is_free_is_deployed_to(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise CommandFailed("There is no such verb.", exit_status=1)

    monkeypatch.setattr(Disk, "space", refuse)
    await fleet.make()
    found = await fleet.deploy_well(an_app("one"))
    assert "How much room is left cannot be found out: There is no such verb." in await fleet.log(found.deployment)


async def test_what_nobody_needs_goes_and_all_else_stays(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await fleet.deploy_well(an_app("two"))
    root = Path(fleet.node.folders.root)
    await _leave_something(fleet, root)
    node_id = await local_node_id(fleet.store)
    goes = await what_would_go(fleet.store, fleet.links, "local", actor=ADMIN)
    assert {(one.kind, one.name) for one in goes.leftovers} == {
        (Kind.PROGRAM, "bakery-shop-production-blue"),
        (Kind.RELEASE, "shop #99"),
        (Kind.HOME, "blog-production"),
    }
    await change(fleet.store, "UPDATE releases SET live_at = NULL WHERE number = 1")  # as if it had failed
    await prune(fleet.store, fleet.queue, fleet.node, node_id)
    assert await waits(fleet, "prune-environment", app.environment_id)
    await prune_environment(fleet.store, fleet.node, app.environment_id)
    assert sorted(path.name for path in (root / "apps").iterdir()) == ["foreign", "shop"]
    assert [path.name for path in (root / "apps/shop/production/releases").iterdir()] == ["2"]
    assert sorted(path.name for path in (root / "units").iterdir()) == ["bakery-shop-production-green"]
    assert await value(fleet.store, "SELECT array_agg(number) FROM releases WHERE removed_at IS NULL") == [2]
    assert await fleet.visitors_see("two")
    assert (await what_would_go(fleet.store, fleet.links, "local", actor=ADMIN)).leftovers == ()


async def _leave_something(fleet: Fleet, root: Path) -> None:
    """A release of a deployment that could not be undone, what runs in the free slot, a deleted app's folder; and what
    is somebody else's."""
    shutil.copytree(root / "apps/shop/production/releases/2", root / "apps/shop/production/releases/99")
    (root / "units/bakery-shop-production-blue").mkdir()
    blog = await fleet.make("blog", runtime="static")
    await delete_app(fleet.store, fleet.queue, at("blog"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, blog.environment_id)
    (root / "apps/foreign/production").mkdir(parents=True)
    left = root / "apps/blog/production"
    left.mkdir(parents=True)
    two_hours_ago = time.time() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))


async def test_an_image_stays_while_a_release_on_another_node_needs_its_build(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may be one machine, with one Docker."""
    first = await fleet.make()
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, first.environment_id)
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    build = await value(fleet.store, "SELECT build_id FROM releases")
    assert isinstance(build, int)
    await change(
        fleet.store,
        """
        INSERT INTO nodes (slug, kind, name, machine_id, apps_domain) VALUES ('other', 'local', 'Other', 'x', 'other');
        UPDATE environments SET node_id = (SELECT id FROM nodes WHERE slug = 'other');
        """,
    )

    async def found(*_: object) -> Found:
        return Found(images=[FoundImage("shop", build, 1), FoundImage("shop", build + 1, 1)])

    monkeypatch.setattr(Disk, "found", found)
    goes = await what_would_go(fleet.store, fleet.links, "local", actor=ADMIN)
    assert [one.name for one in goes.leftovers] == [f"bakery/shop:{build + 1}"]


async def test_one_environment_is_pruned_by_its_own_rows(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others the node has."""
    await fleet.make("blog")
    await fleet.deploy_well(an_app("one"), "blog")
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    build = await value(fleet.store, "SELECT max(build_id) FROM releases")
    assert isinstance(build, int)
    read: list[Rows] = []

    def left_over(found: Found, rows: Rows, *, is_scarce: bool) -> tuple[Leftover, ...]:
        read.append(rows)
        return leftovers.left_over(found, rows, is_scarce=is_scarce)

    monkeypatch.setattr(pruning, "left_over", left_over)
    await prune_environment(fleet.store, fleet.node, app.environment_id)
    known = Known(app.environment_id, Runtime.PROCESS, is_busy=False, used=(Colour.BLUE,), releases={1})
    assert read == [Rows({("shop", "production"): known}, set(), {build}, set(), set(), set())]


async def test_of_the_log_of_a_deployment_of_long_ago_one_line_stays(fleet: Fleet) -> None:
    await fleet.make()
    first = await fleet.deploy_well(an_app("one"))
    second = await fleet.deploy_well(an_app("two"))
    async with fleet.store.connection() as connection:
        await append_within(connection, first.deployment.log_stream, b"x" * 30_000 + b"\n")
    whole = await fleet.log(second.deployment)
    await shorten_old_logs(fleet.store, older_than=timedelta(0))
    assert len(await fleet.log(first.deployment)) > 30_000  # one of the last twenty
    await change(fleet.store, "UPDATE apps SET last_number = 21")
    await shorten_old_logs(fleet.store, older_than=timedelta(0))
    await shorten_old_logs(fleet.store, older_than=timedelta(0))
    assert await fleet.log(first.deployment) == "[Bakery: this log of 30 KB went 0 days after its deployment.]\n"
    assert {step.from_byte for step in (await fleet.look(first.deployment)).steps} == {None}
    assert await fleet.log(second.deployment) == whole


async def test_what_git_fetched_goes_when_the_disk_is_nearly_full(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    source = Path(fleet.node.folders.root) / "apps/shop/production/source"
    source.mkdir()
    with (source / "large.pack").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 60 * 1024**2)
    await prune_environment(fleet.store, fleet.node, app.environment_id)
    assert source.exists()
    monkeypatch.setattr(pruning, "SCARCE", 2**60)
    await prune_environment(fleet.store, fleet.node, app.environment_id)
    assert not source.exists()
    assert await fleet.visitors_see("one")


async def test_who_was_taken_over_takes_nothing_away_any_more(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    stray = Path(fleet.node.folders.root) / "apps/shop/production/releases/9"
    stray.mkdir()
    has_looked = asyncio.Event()
    look = pruning._look

    async def stand_still(store: Store, node: Node, node_id: int, place: Place) -> tuple[Leftover, ...]:
        found = await look(store, node, node_id, place)
        await change(
            fleet.store,
            """
            WITH other AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)
            UPDATE procrastinate_jobs SET attempts = attempts + 1, worker_id = other.id FROM other
            WHERE status = 'doing'
            """,
        )
        has_looked.set()
        return found

    monkeypatch.setattr(pruning, "_look", stand_still)
    async with fleet.store.transaction() as tx:
        lock = tasks.environment_lock(app.environment_id)
        await fleet.queue.enqueue(tx, tasks.PRUNE_ENVIRONMENT, app.environment_id, lock=lock)
    working = asyncio.create_task(fleet.queue.work())
    await has_looked.wait()
    fleet.queue.stop()
    await working
    assert stray.exists()


async def test_a_node_is_pruned_once_a_day(fleet: Fleet) -> None:
    node_id = await local_node_id(fleet.store)
    await prune_in_time(fleet.store, fleet.queue, fleet.links, node_id)
    assert not await waits(fleet, "prune-node", node_id)
    await change(fleet.store, "UPDATE nodes SET pruned_at = now() - interval '25 hours'")
    await prune_in_time(fleet.store, fleet.queue, fleet.links, node_id)
    assert await waits(fleet, "prune-node", node_id)


async def test_only_who_manages_nodes_prunes_them(fleet: Fleet) -> None:
    with pytest.raises(NotAllowed):
        await prune_node(
            fleet.store, fleet.queue, "local", actor=Actor(Origin("browser"), person_id=1, role=Role.DEVELOPER)
        )
    await prune_node(fleet.store, fleet.queue, "local", actor=ADMIN)
    assert await value(fleet.store, "SELECT action FROM audit ORDER BY id DESC LIMIT 1") == "node.pruned"
