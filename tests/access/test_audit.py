import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bakery.access.audit import ActivityPage, list_activity
from bakery.access.people import change_profile, change_role, list_people, suspend
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, NotSignedIn
from bakery.model.permissions import Role
from bakery.store.store import Store
from tests.support.people import HERE, SYSTEM, a_developer, a_viewer, an_admin, an_app, signed_in


async def record(store: Store, actor: Actor, action: str, *, app: int | None = None, target: str = "x") -> None:
    async with store.transaction() as tx:
        tx.record(AuditEntry(actor, action, "app" if app else "node", str(app or 1), target, app_id=app))


def told(page: ActivityPage) -> list[str]:
    return [row.sentence for row in page.rows]


async def test_a_change_is_told_with_who_what_where_and_the_difference(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    assert vic.person_id is not None
    await change_role(store, vic.person_id, Role.DEVELOPER, actor=ada)
    (row,) = (await list_activity(store, actor=ada)).rows
    assert row.sentence == "ada changed the role of vic@example.com"
    assert (row.source, row.address) == ("browser", "192.0.2.1")
    assert (row.before, row.after) == ({"role": "viewer"}, {"role": "developer"})


async def test_the_name_is_the_one_of_today_and_the_record_stays(store: Store) -> None:
    ada = await an_admin(store)
    await change_profile(store, name="Ada Lovelace", actor=ada)
    (row,) = (await list_activity(store, actor=ada)).rows
    assert (row.who, row.actor) == ("Ada Lovelace", "ada@example.com")


async def test_a_member_sees_the_apps_granted_and_the_own_account_and_nothing_else(store: Store) -> None:
    ada, shop, blog = await an_admin(store), await an_app(store, "shop"), await an_app(store, "blog")
    dev = await a_developer(store, apps=frozenset({shop}))
    await record(store, ada, "app.created", app=shop, target="shop")
    await record(store, ada, "app.created", app=blog, target="blog")
    await record(store, dev, "app.created", app=blog, target="blog")
    await record(store, ada, "node.added", target="web-1")
    await signed_in(store, ada)
    dev_here = await signed_in(store, dev)
    seen = await list_activity(store, actor=dev_here)
    assert told(seen) == ["dev signed in as dev@example.com", "ada created shop"]
    assert len(told(await list_activity(store, actor=ada))) == 6
    vic = await a_viewer(store)
    assert told(await list_activity(store, actor=vic)) == [
        "dev created blog",
        "ada created blog",
        "ada created shop",
    ]


async def test_what_others_did_to_ones_account_is_seen(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    assert vic.person_id is not None
    await change_role(store, vic.person_id, Role.DEVELOPER, actor=ada)
    assert told(await list_activity(store, actor=vic)) == ["ada changed the role of vic@example.com"]


async def test_nobody_sees_nothing(store: Store) -> None:
    with pytest.raises(NotSignedIn):
        await list_activity(store, actor=Actor.nobody(HERE))


async def test_filters_narrow_what_is_seen(store: Store) -> None:
    ada, shop, blog = await an_admin(store), await an_app(store, "shop"), await an_app(store, "blog")
    dev = await a_developer(store)
    for app, slug in ((shop, "shop"), (blog, "blog")):
        for who, action in ((ada, "app.created"), (dev, "deployment.requested")):
            await record(store, who, action, app=app, target=slug)
    now = datetime.now(UTC)
    assert len(told(await list_activity(store, app="shop", actor=ada))) == 2
    assert len(told(await list_activity(store, person_id=dev.person_id, actor=ada))) == 2
    assert len(told(await list_activity(store, action="deployment.", app="blog", actor=ada))) == 1
    assert len(told(await list_activity(store, since=now - timedelta(hours=1), actor=ada))) == 4
    assert told(await list_activity(store, until=now - timedelta(hours=1), actor=ada)) == []
    assert told(await list_activity(store, app="unknown", actor=ada)) == []
    assert told(await list_activity(store, person_id=10**30, actor=ada)) == []


async def test_odd_filters_are_named(store: Store) -> None:
    ada = await an_admin(store)
    for field, attempt in (
        ("action", list_activity(store, action="%", actor=ada)),
        ("action", list_activity(store, action="a\0", actor=ada)),
        ("app", list_activity(store, app="'; DROP TABLE audit", actor=ada)),
        ("limit", list_activity(store, limit=0, actor=ada)),
        ("since", list_activity(store, since=datetime(2026, 1, 1), actor=ada)),  # noqa: DTZ001 - what is refused
    ):
        with pytest.raises(BadInput) as error:
            await attempt
        assert error.value.field == field


async def test_pages_follow_each_other_without_gap_or_repetition(store: Store) -> None:
    ada, shop = await an_admin(store), await an_app(store)
    for number in range(7):
        await record(store, ada, "app.created", app=shop, target=str(number))
    seen: list[str] = []
    cursor: int | None = None
    for _ in range(3):
        page = await list_activity(store, cursor=cursor, limit=3, actor=ada)
        seen += [row.target_label for row in page.rows]
        cursor = page.next
        await record(store, ada, "app.created", app=shop, target="newer")
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert cursor is None


async def test_rows_are_neither_changed_nor_deleted(store: Store) -> None:
    await record(store, SYSTEM, "node.added")
    for statement in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "TRUNCATE audit CASCADE"):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed or deleted"):
            async with store.connection() as connection:
                await connection.execute(statement)


async def test_a_change_that_cannot_be_recorded_is_not_made(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    session = await signed_in(store, vic)
    async with store.transaction() as tx:
        await tx.connection.execute("ALTER TABLE audit ADD CONSTRAINT nothing_new CHECK (id < 0) NOT VALID")
    assert vic.person_id is not None
    for change in (
        change_role(store, vic.person_id, Role.ADMIN, actor=ada),
        suspend(store, vic.person_id, actor=ada),
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            await change
    people = {person.email: person for person in await list_people(store, actor=ada)}
    assert (people[vic.label].role, people[vic.label].suspended_at) == (Role.VIEWER, None)
    assert session.session_id is not None


async def test_ids_are_in_the_order_of_the_commits(store: Store) -> None:
    await asyncio.gather(*(record(store, SYSTEM, "node.added", target=str(number)) for number in range(40)))
    rows = (await list_activity(store, actor=SYSTEM)).rows
    assert len(rows) == 40
    assert all(newer.at >= older.at for newer, older in itertools.pairwise(rows))


async def test_a_page_among_a_hundred_thousand_rows_is_quick(store: Store) -> None:
    ada, shop = await an_admin(store), await an_app(store)
    dev = await a_developer(store, apps=frozenset({shop}))
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO apps (slug, name) SELECT 'app-' || n, 'App' FROM generate_series(1, 999) n;
            INSERT INTO audit (person_id, actor, source, address, request_id, action, target_kind, target_id,
                               target_label, app_id)
            SELECT n % 50, 'somebody', 'browser', '', '', 'deployment.requested', 'app', 'x', 'x',
                   (SELECT min(id) FROM apps) + n % 1000
            FROM generate_series(1, 100000) n
            """
        )
    async with store.connection() as connection:
        await connection.execute("ANALYZE audit")
    for actor, app in ((ada, None), (ada, "shop"), (dev, None), (dev, "shop")):
        seconds: list[float] = []
        for _ in range(20):
            begun = time.perf_counter()
            page = await list_activity(store, app=app, action="deployment.", actor=actor)
            seconds.append(time.perf_counter() - begun)
            assert len(page.rows) == 50
        assert sorted(seconds)[10] < 0.04
