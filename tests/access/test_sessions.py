from datetime import timedelta

import pytest

from bakery.access.people import change_role, suspend
from bakery.access.sessions import (
    actor_of_session,
    end_other_sessions,
    end_session,
    forget_expired,
    is_still_valid,
    list_sessions,
    sign_in,
    sign_out,
)
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, NotFound
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.people import HERE, PASSWORD, SYSTEM, a_viewer, an_admin, an_app, signed_in


async def age(store: Store, *, idle: timedelta = timedelta(), old: timedelta = timedelta()) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE sessions SET last_seen_at = last_seen_at - %s, expires_at = expires_at - %s", (idle, old)
        )


async def test_signing_in_gives_a_token_that_the_database_does_not_know(store: Store) -> None:
    ada = await an_admin(store)
    session = await sign_in(store, " ADA@example.com ", PASSWORD, origin=HERE)
    actor = await actor_of_session(store, session.token, HERE)
    assert actor is not None
    assert (actor.person_id, actor.role, actor.apps, actor.scope) == (ada.person_id, Role.ADMIN, None, None)
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT sessions::text FROM sessions")).fetchone()
    assert row is not None
    assert session.token.reveal() not in row[0]


async def test_each_sign_in_gives_another_token(store: Store) -> None:
    ada = await an_admin(store)
    tokens = {(await sign_in(store, ada.label, PASSWORD, origin=HERE)).token for _ in range(3)}
    assert len(tokens) == 3


async def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(store: Store) -> None:
    ada = await an_admin(store)
    errors = []
    for email, password in ((ada.label, "wrong"), ("nobody@example.com", PASSWORD.reveal()), (ada.label, "x" * 5000)):
        with pytest.raises(BadInput) as error:
            await sign_in(store, email, Secret(password), origin=HERE)
        errors.append((error.value.message, error.value.field))
    assert set(errors) == {("The e-mail address or the password is wrong.", "password")}


async def test_tokens_that_were_never_given_belong_to_nobody(store: Store) -> None:
    for token in ("", "x", "\0", "\ud800", "x" * 10_000):
        assert await actor_of_session(store, Secret(token), HERE) is None


@pytest.mark.parametrize(
    ("stay", "idle", "lives"),
    [
        (False, timedelta(hours=11), True),
        (False, timedelta(hours=13), False),
        (True, timedelta(days=29), True),
    ],
)
async def test_an_idle_session_ends_unless_the_person_stays(
    store: Store, *, stay: bool, idle: timedelta, lives: bool
) -> None:
    ada = await an_admin(store)
    session = await sign_in(store, ada.label, PASSWORD, origin=HERE, stay=stay)
    await age(store, idle=idle)
    assert (await actor_of_session(store, session.token, HERE) is not None) is lives


async def test_every_session_ends_after_thirty_days(store: Store) -> None:
    ada = await an_admin(store)
    session = await sign_in(store, ada.label, PASSWORD, origin=HERE, stay=True)
    await age(store, old=timedelta(days=30, seconds=1))
    assert await actor_of_session(store, session.token, HERE) is None


async def test_when_a_session_was_last_used_is_noted_once_a_minute(store: Store) -> None:
    ada = await signed_in(store, await an_admin(store))
    session = await sign_in(store, ada.label, PASSWORD, origin=HERE)
    before = {row.id: row.last_seen_at for row in await list_sessions(store, actor=ada)}
    await actor_of_session(store, session.token, HERE)
    assert {row.id: row.last_seen_at for row in await list_sessions(store, actor=ada)} == before
    await age(store, idle=timedelta(minutes=2))
    await actor_of_session(store, session.token, HERE)
    after = {row.id: row.last_seen_at for row in await list_sessions(store, actor=ada)}
    assert sum(after[row] > before[row] for row in before) == 1


async def test_ones_own_sessions_are_listed_and_ended_and_nobody_elses(store: Store) -> None:
    ada, vic = await an_admin(store), await signed_in(store, await a_viewer(store))
    here, other = await signed_in(store, ada), await signed_in(store, ada)
    listed = await list_sessions(store, actor=here)
    assert [(row.id, row.is_current) for row in listed] == [(here.session_id, True), (other.session_id, False)]
    assert vic.session_id is not None
    with pytest.raises(NotFound):
        await end_session(store, vic.session_id, actor=here)
    assert other.session_id is not None
    await end_session(store, other.session_id, actor=here)
    assert [row.id for row in await list_sessions(store, actor=here)] == [here.session_id]


async def test_the_other_sessions_end_together(store: Store) -> None:
    ada = await an_admin(store)
    here, *_ = [await signed_in(store, ada) for _ in range(3)]
    assert await end_other_sessions(store, actor=here) == 2
    assert [row.is_current for row in await list_sessions(store, actor=here)] == [True]


async def test_who_signs_out_is_out(store: Store) -> None:
    ada = await an_admin(store)
    session = await sign_in(store, ada.label, PASSWORD, origin=HERE)
    actor = await actor_of_session(store, session.token, HERE)
    assert actor is not None
    await sign_out(store, actor=actor)
    assert await actor_of_session(store, session.token, HERE) is None


async def test_a_connection_that_stays_open_is_told_when_it_is_over(store: Store) -> None:
    ada, shop = await an_admin(store), await an_app(store)
    for end in ("sign out", "suspend", "role", "grants"):
        vic = await signed_in(
            store, await a_viewer(store, f"{end[:4]}@example.com".replace(" ", ""), apps=frozenset({shop}))
        )
        assert await is_still_valid(store, vic)
        await _end(store, vic, ada, end)
        assert not await is_still_valid(store, vic)


async def _end(store: Store, vic: Actor, ada: Actor, end: str) -> None:
    assert vic.person_id is not None
    if end == "sign out":
        await sign_out(store, actor=vic)
    elif end == "suspend":
        await suspend(store, vic.person_id, actor=ada)
    elif end == "role":
        await change_role(store, vic.person_id, Role.DEVELOPER, actor=ada)
    else:
        async with store.transaction() as tx:
            await tx.connection.execute("DELETE FROM grants WHERE person_id = %s", (vic.person_id,))


async def test_what_is_over_is_forgotten(store: Store) -> None:
    ada = await signed_in(store, await an_admin(store))
    await sign_in(store, ada.label, PASSWORD, origin=HERE)
    await age(store, old=timedelta(days=31))
    await sign_in(store, ada.label, PASSWORD, origin=HERE)
    await forget_expired(store)
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT count(*) FROM sessions")).fetchone()
    assert row == (1,)


async def test_what_a_browser_says_of_itself_is_kept_only_as_far_as_it_can_be_shown(store: Store) -> None:
    ada = await an_admin(store)
    await sign_in(store, ada.label, PASSWORD, origin=HERE, user_agent="Fire\0fox\ud800\n" + "x" * 1000)
    (row,) = await list_sessions(store, actor=ada)
    assert row.user_agent == ("Firefox" + "x" * 1000)[:300]


async def test_the_system_itself_has_no_sessions(store: Store) -> None:
    assert await list_sessions(store, actor=SYSTEM) == []
