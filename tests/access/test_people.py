import asyncio

import pytest

from bakery.access.invitations import invite, look_at_invitation
from bakery.access.people import (
    change_password,
    change_preferences,
    change_profile,
    change_role,
    find_person,
    list_colleagues,
    list_people,
    preferences_of,
    remove_person,
    set_grants,
    suspend,
    unsuspend,
)
from bakery.access.sessions import actor_of_session, list_sessions, sign_in
from bakery.access.tokens import actor_of_token
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict, NotAllowed, NotFound
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.people import (
    HERE,
    PASSWORD,
    SYSTEM,
    a_developer,
    a_token,
    a_viewer,
    an_admin,
    an_app,
    signed_in,
)


def id_of(person: Actor) -> int:
    assert person.person_id is not None
    return person.person_id


async def roles(store: Store) -> dict[str, Role]:
    return {person.email: person.role for person in await list_people(store, actor=SYSTEM)}


async def test_everybody_sees_names_and_only_admins_the_rest(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    assert [person.name for person in await list_colleagues(store, actor=vic)] == ["ada", "vic"]
    assert [person.email for person in await list_people(store, actor=ada)] == ["ada@example.com", "vic@example.com"]
    with pytest.raises(NotAllowed):
        await list_people(store, actor=vic)
    with pytest.raises(NotAllowed):
        await find_person(store, id_of(ada), actor=vic)


async def test_a_changed_role_ends_the_sessions(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    session = await sign_in(store, dev.label, PASSWORD, origin=HERE)
    await change_role(store, id_of(dev), Role.VIEWER, actor=ada)
    assert (await roles(store))["dev@example.com"] is Role.VIEWER
    assert await actor_of_session(store, session.token, HERE) is None


async def test_a_suspended_person_is_out_at_once_and_their_tokens_stay_revoked(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    session, token = await sign_in(store, dev.label, PASSWORD, origin=HERE), await a_token(store, dev)
    await suspend(store, id_of(dev), actor=ada)
    assert await actor_of_session(store, session.token, HERE) is None
    assert await actor_of_token(store, token, HERE) is None
    with pytest.raises(NotAllowed, match="This account is suspended"):
        await sign_in(store, dev.label, PASSWORD, origin=HERE)
    await unsuspend(store, id_of(dev), actor=ada)
    assert await actor_of_token(store, token, HERE) is None
    await sign_in(store, dev.label, PASSWORD, origin=HERE)


async def test_a_removed_person_is_gone_with_sessions_and_tokens(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    session, token = await sign_in(store, dev.label, PASSWORD, origin=HERE), await a_token(store, dev)
    await remove_person(store, id_of(dev), actor=ada)
    assert await actor_of_session(store, session.token, HERE) is None
    assert await actor_of_token(store, token, HERE) is None
    with pytest.raises(NotFound):
        await find_person(store, id_of(dev), actor=ada)


async def test_the_last_active_admin_stays(store: Store) -> None:
    ada, other = await an_admin(store), await an_admin(store, "other@example.com")
    await suspend(store, id_of(other), actor=ada)
    for change in (
        change_role(store, id_of(ada), Role.DEVELOPER, actor=ada),
        suspend(store, id_of(ada), actor=ada),
        remove_person(store, id_of(ada), actor=ada),
    ):
        with pytest.raises(Conflict, match="The last active Admin cannot be"):
            await change
    assert (await roles(store))["ada@example.com"] is Role.ADMIN


async def test_of_two_admins_who_demote_each_other_one_stays(store: Store) -> None:
    for attempt in range(5):
        one = await an_admin(store, f"one{attempt}@example.com")
        two = await an_admin(store, f"two{attempt}@example.com")
        async with store.transaction() as tx:
            await tx.connection.execute("DELETE FROM people WHERE id <> ALL(%s)", ([one.person_id, two.person_id],))
        results = await asyncio.gather(
            change_role(store, id_of(one), Role.VIEWER, actor=two),
            remove_person(store, id_of(two), actor=one),
            return_exceptions=True,
        )
        assert [type(result) for result in results if result is not None] == [Conflict]
        assert list((await roles(store)).values()).count(Role.ADMIN) == 1


async def test_only_admins_change_others(store: Store) -> None:
    await an_admin(store)
    dev, vic = await a_developer(store), await a_viewer(store)
    for change in (
        change_role(store, id_of(vic), Role.DEVELOPER, actor=dev),
        set_grants(store, id_of(vic), [], actor=dev),
        suspend(store, id_of(vic), actor=dev),
        unsuspend(store, id_of(vic), actor=dev),
        remove_person(store, id_of(vic), actor=dev),
    ):
        with pytest.raises(NotAllowed):
            await change


async def test_grants_are_the_apps_that_a_person_sees(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    shop, _ = await an_app(store, "shop"), await an_app(store, "blog")
    session = await sign_in(store, vic.label, PASSWORD, origin=HERE)
    await set_grants(store, id_of(vic), ["shop"], actor=ada)
    seen = await actor_of_session(store, session.token, HERE)
    assert seen is not None
    assert seen.apps == frozenset({shop})
    assert (await find_person(store, id_of(vic), actor=ada)).apps == ("shop",)
    await set_grants(store, id_of(vic), None, actor=ada)
    seen = await actor_of_session(store, session.token, HERE)
    assert seen is not None
    assert seen.apps is None


async def test_an_unknown_app_is_not_granted(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    await an_app(store, "shop")
    for slug in ("nothing", "", "a\0b", "\ud800", "%"):
        with pytest.raises(BadInput) as error:
            await set_grants(store, id_of(vic), ["shop", slug], actor=ada)
        assert error.value.field == "apps"
    assert (await find_person(store, id_of(vic), actor=ada)).all_apps


async def test_admins_see_all_apps_whatever_was_granted_before(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store, apps=frozenset())
    await change_role(store, id_of(vic), Role.ADMIN, actor=ada)
    assert (await signed_in(store, vic)).apps is None
    with pytest.raises(Conflict):
        await set_grants(store, id_of(vic), [], actor=ada)


async def test_a_new_password_ends_the_other_sessions(store: Store) -> None:
    ada = await an_admin(store)
    other, here = await signed_in(store, ada), await signed_in(store, ada)
    new = Secret("another long password")
    await change_password(store, current=PASSWORD, new=new, actor=here)
    assert [session.id for session in await list_sessions(store, actor=here)] == [here.session_id]
    assert other.session_id != here.session_id
    await sign_in(store, ada.label, new, origin=HERE)
    with pytest.raises(BadInput):
        await sign_in(store, ada.label, PASSWORD, origin=HERE)


async def test_a_password_is_changed_only_by_who_knows_it(store: Store) -> None:
    ada = await signed_in(store, await an_admin(store))
    with pytest.raises(BadInput) as error:
        await change_password(store, current=Secret("not my password"), new=Secret("another long one"), actor=ada)
    assert (error.value.message, error.value.field) == ("This is not your password.", "current_password")
    with pytest.raises(BadInput, match="differs from the current one"):
        await change_password(store, current=PASSWORD, new=PASSWORD, actor=ada)


async def test_profile_and_preferences_are_ones_own(store: Store) -> None:
    vic = await a_viewer(store)
    await change_profile(store, name=" Vic Weaver ", actor=vic)
    await change_preferences(store, theme="dark", shortcuts=False, actor=vic)
    person = await preferences_of(store, actor=vic)
    assert (person.name, person.theme, person.shortcuts) == ("Vic Weaver", "dark", False)
    with pytest.raises(BadInput) as error:
        await change_preferences(store, theme="pink", shortcuts=False, actor=vic)
    assert error.value.field == "theme"


async def test_what_an_admin_offered_is_withdrawn_when_they_are_demoted(store: Store) -> None:
    ada, other = await an_admin(store), await an_admin(store, "other@example.com")
    offer = await invite(store, "new@example.com", Role.ADMIN, actor=other)
    await change_role(store, id_of(other), Role.VIEWER, actor=ada)
    with pytest.raises(BakeryError):
        await look_at_invitation(store, offer.token, origin=HERE)
