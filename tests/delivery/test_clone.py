"""An app that is set up like another."""

import pytest

from bakery.delivery.clone import clone_app
from bakery.delivery.find import find_app
from bakery.delivery.git_rows import StoredSource, read_source, seal_key, seal_token, write_source
from bakery.delivery.variables import Setting, change_variables, list_variables, reveal
from bakery.model.actor import Actor, Origin
from bakery.model.apps import AppStatus
from bakery.model.errors import BadInput, Conflict, NotAllowed, NotFound
from bakery.model.nodes import NodeName
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from bakery.model.sources import Branch, GitUrl
from bakery.model.variables import parse_variable_name
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

URL = GitUrl("https://git.example.com/shop.git")


async def a_shop_with_everything(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    settings = [Setting(parse_variable_name("KEY"), Secret("canary-1"))]
    await change_variables(fleet.store, at("shop"), settings, actor=ADMIN)
    vault = fleet.store.vault
    async with fleet.store.transaction() as tx:
        source = StoredSource(
            app.environment_id, URL, Branch("main"), username="ann",
            token=seal_token(vault, app.environment_id, Secret("canary-2")),
            key_public="ssh-ed25519 AAAA", key_secret=seal_key(vault, app.environment_id, Secret("canary-3")),
        )  # fmt: skip
        await write_source(tx.connection, source)
        await tx.connection.execute("INSERT INTO process_counts VALUES (%s, 'worker', 3)", (app.environment_id,))
        await tx.connection.execute("UPDATE environments SET health_path = '/up', strategy = 'recreate'")


async def test_a_clone_has_the_same_source_settings_and_variables_and_nothing_deployed(fleet: Fleet) -> None:
    await a_shop_with_everything(fleet)
    made = await clone_app(fleet.store, at("shop"), "shop-2", node=None, actor=ADMIN)
    original = await fleet.app("shop")
    assert (made.slug, made.status, made.node) == ("shop-2", AppStatus.NEVER_DEPLOYED, "local")
    assert (made.command, made.health_path, made.strategy) == (original.command, "/up", original.strategy)
    assert [one.name for one in (await list_variables(fleet.store, at("shop-2"), actor=ADMIN)).rows] == ["KEY"]
    revealed = await reveal(fleet.store, at("shop-2"), ["KEY"], actor=ADMIN)
    assert [value.reveal() for value in revealed.values()] == ["canary-1"]
    async with fleet.store.connection() as connection:
        source = await read_source(connection, made.environment_id)
        cursor = await connection.execute("SELECT array_agg(count) FROM process_counts")
        assert await cursor.fetchone() == ([3, 3],)
        cursor = await connection.execute("SELECT count(*), count(DISTINCT port) FROM slots")
        assert await cursor.fetchone() == (4, 4)
        cursor = await connection.execute("SELECT after::text FROM audit WHERE action = 'app.cloned'")
        assert await cursor.fetchone() == ('{"of": "shop", "node": "local", "variables": ["KEY"]}',)
    assert source is not None
    assert (source.url, source.branch, source.key_public) == (URL, "main", "ssh-ed25519 AAAA")
    token, key = source.open_token(fleet.store.vault), source.open_key(fleet.store.vault)
    assert token is not None
    assert key is not None
    assert (token.reveal(), key.reveal()) == ("canary-2", "canary-3")
    await fleet.deploy_well(an_app("two"), "shop-2")
    assert await fleet.visitors_see("two", "shop-2")
    assert await fleet.visitors_see("one")


async def test_a_clone_needs_a_name_that_is_free_a_node_that_takes_it_and_who_may(fleet: Fleet) -> None:
    await fleet.make()
    with pytest.raises(Conflict, match="There is already an app with the name shop"):
        await clone_app(fleet.store, at("shop"), "shop", node=None, actor=ADMIN)
    with pytest.raises(BadInput, match="taken by a page"):
        await clone_app(fleet.store, at("shop"), "new", node=None, actor=ADMIN)
    with pytest.raises(BadInput, match="no such node"):
        await clone_app(fleet.store, at("shop"), "shop-2", node=NodeName("oven-9"), actor=ADMIN)
    viewer = Actor(Origin("browser"), person_id=1, role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        await clone_app(fleet.store, at("shop"), "shop-2", node=None, actor=viewer)
    stranger = Actor(Origin("browser"), person_id=1, role=Role.DEVELOPER, apps=frozenset({99}))
    with pytest.raises(NotFound):
        await clone_app(fleet.store, at("shop"), "shop-2", node=None, actor=stranger)
    with pytest.raises(NotFound):
        await find_app(fleet.store, at("shop-2"), ADMIN)
