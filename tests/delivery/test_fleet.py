"""Pages of a thousand apps, and who sees which."""

import pytest

from bakery.delivery.apps import create_app, show_app
from bakery.delivery.fleet import PAGE, SIDEBAR, list_apps, overview, sidebar
from bakery.delivery.history import list_deployments, show_deployment
from bakery.delivery.request import cancel_deployment
from bakery.model.actor import Actor, Origin
from bakery.model.apps import AppStatus, parse_new_app
from bakery.model.errors import Conflict, NotAllowed, NotFound
from bakery.model.permissions import Role
from bakery.store.store import Store
from tests.delivery.fleet import ADMIN
from tests.support.places import at

FLEET = """
INSERT INTO nodes (slug, kind, name, machine_id, site_port, apps_domain)
VALUES ('local', 'local', 'This machine', 'here', 80, 'localhost');
INSERT INTO apps (slug, name, last_number) SELECT 'app-' || to_char(n, 'FM0000'), 'App ' || n, 1
    FROM generate_series(1, 1000) AS n;
INSERT INTO environments (app_id, name, node_id, runtime, command) SELECT apps.id, 'production', nodes.id, 'process',
    ARRAY['./run'] FROM apps, nodes ORDER BY apps.id;
INSERT INTO builds (app_id, source, title, version, archive) SELECT id, 'folder', 'Uploaded folder', 'abc', slug
    FROM apps;
INSERT INTO releases (environment_id, number, build_id, runtime, command, live_at)
    SELECT environments.id, 1, builds.id, 'process', command, now() FROM environments
    JOIN builds ON builds.app_id = environments.app_id;
INSERT INTO log_streams (bytes) SELECT 0 FROM generate_series(1, 1000);
INSERT INTO deployments (app_id, environment_id, number, release_id, state, trigger, asked_by, log_stream_id,
                         started_at, ended_at)
    SELECT app_id, environment_id, 1, releases.id, 'succeeded', 'browser', 'ada@example.com', releases.id, now(), now()
    FROM releases JOIN environments ON environments.id = environment_id ORDER BY app_id;
INSERT INTO slots (environment_id, colour, node_id, port, state, release_id, health)
    SELECT environment_id, 'blue', nodes.id, 20000 + releases.id, 'live', releases.id,
           CASE WHEN releases.id % 100 = 0 THEN 'down' ELSE 'healthy' END FROM releases, nodes;
"""


def someone(role: Role, *apps: int) -> Actor:
    return Actor(Origin("browser"), person_id=1, label="ada@example.com", role=role, apps=frozenset(apps) or None)


@pytest.fixture
async def thousand(store: Store) -> Store:
    async with store.transaction() as tx:
        await tx.connection.execute(FLEET.encode())
    return store


async def test_the_list_is_paged_filtered_and_counted(thousand: Store) -> None:
    first = await list_apps(thousand, actor=ADMIN)
    assert (first.total, len(first.page.items), first.page.next) == (1000, PAGE, "app-0050")
    second = await list_apps(thousand, actor=ADMIN, after=first.page.next or "")
    assert second.page.items[0].slug == "app-0051"
    found = await list_apps(thousand, actor=ADMIN, containing="APP 99")
    assert (found.total, found.page.next) == (11, None)
    assert found.page.items[0].address == "http://app-0099.localhost"
    assert (await list_apps(thousand, actor=ADMIN, containing="%_'")).total == 0


async def test_the_sidebar_begins_with_what_is_down(thousand: Store) -> None:
    found = await sidebar(thousand, ADMIN)
    assert (found.total, len(found.apps)) == (1000, SIDEBAR)
    assert [app.status for app in found.apps[:11]] == [AppStatus.DOWN] * 10 + [AppStatus.HEALTHY]


async def test_the_overview_counts_states_and_names_what_is_down(thousand: Store) -> None:
    found = await overview(thousand, actor=ADMIN)
    assert found.counts == {AppStatus.HEALTHY: 990, AppStatus.DOWN: 10}
    assert found.down == ("app-0100", "app-0200", "app-0300", "app-0400", "app-0500")
    assert [deployment.app for deployment in found.recent][:2] == ["app-1000", "app-0999"]


async def test_outside_the_grants_an_app_does_not_exist(thousand: Store) -> None:
    ada = someone(Role.DEVELOPER, 1, 2)
    assert (await list_apps(thousand, actor=ada)).total == 2
    assert (await sidebar(thousand, ada)).total == 2
    assert (await overview(thousand, actor=ada)).total == 2
    for slug in ("app-0003", "nothing"):
        with pytest.raises(NotFound, match="There is no such app"):
            await show_app(thousand, at(slug), actor=ada)
        with pytest.raises(NotFound, match="There is no such app"):
            await list_deployments(thousand, at(slug), actor=ada)
        with pytest.raises(NotFound, match="There is no such app"):
            await cancel_deployment(thousand, at(slug), 1, actor=ada)
    assert (await show_deployment(thousand, at("app-0001"), 1, actor=ada)).deployment.is_live
    with pytest.raises(NotFound, match="has no deployment #99999999999"):
        await show_deployment(thousand, at("app-0001"), 99999999999, actor=ada)


async def test_a_viewer_changes_nothing(thousand: Store) -> None:
    ada = someone(Role.VIEWER)
    with pytest.raises(NotAllowed):
        await create_app(thousand, parse_new_app(slug="another", command="x"), actor=ada)
    with pytest.raises(NotAllowed):
        await cancel_deployment(thousand, at("app-0001"), 1, actor=ada)


async def test_a_name_is_given_once(thousand: Store) -> None:
    with pytest.raises(Conflict, match="already an app with the name app-0001"):
        await create_app(thousand, parse_new_app(slug="app-0001", command="x"), actor=ADMIN)


async def test_ports_of_new_apps_are_the_lowest_that_no_slot_has(thousand: Store) -> None:
    await create_app(thousand, parse_new_app(slug="another", command="x"), actor=ADMIN)
    async with thousand.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT slots.colour, slots.port FROM slots JOIN app_facts USING (environment_id) WHERE slug = 'another'
            ORDER BY 1
            """
        )
        assert await cursor.fetchall() == [("blue", 20000), ("green", 21001)]
