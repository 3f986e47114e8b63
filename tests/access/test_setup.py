import asyncio

import pytest

from bakery.access.people import list_people
from bakery.access.sessions import SignedIn, actor_of_session, sign_in
from bakery.access.setup import create_admin, create_first_admin, is_set_up, renew_setup_code, seed_admin
from bakery.model.errors import BadInput, Conflict, NotAllowed
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.people import HERE, PASSWORD, SYSTEM, an_admin


async def first_admin(store: Store, code: str, email: str = "ada@example.com") -> SignedIn:
    return await create_first_admin(store, code=code, email=email, password=PASSWORD, origin=HERE)


async def test_with_the_printed_code_the_first_admin_is_made_and_signed_in(store: Store) -> None:
    code = await renew_setup_code(store)
    assert not await is_set_up(store)
    session = await first_admin(store, code.reveal().lower().replace("-", " "))
    admin = await actor_of_session(store, session.token, HERE)
    assert admin is not None
    assert (admin.label, admin.role) == ("ada@example.com", Role.ADMIN)
    assert await is_set_up(store)


async def test_another_code_makes_nobody(store: Store) -> None:
    await renew_setup_code(store)
    for code in ("", "BCDF-GHJK-LMNP", "\0", "\ud800"):
        with pytest.raises(BadInput) as error:
            await first_admin(store, code)
        assert error.value.field == "code"
    assert not await is_set_up(store)


async def test_without_a_code_printed_an_empty_one_is_wrong_too(store: Store) -> None:
    with pytest.raises(BadInput):
        await first_admin(store, "")


async def test_a_new_code_replaces_the_old_one(store: Store) -> None:
    old, new = await renew_setup_code(store), await renew_setup_code(store)
    with pytest.raises(BadInput):
        await first_admin(store, old.reveal())
    await first_admin(store, new.reveal())


async def test_of_two_first_admins_at_once_one_is_made(store: Store) -> None:
    code = (await renew_setup_code(store)).reveal()
    results = await asyncio.gather(
        *(first_admin(store, code, f"{name}@example.com") for name in ("one", "two", "three")), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Conflict", "SignedIn"]
    assert len(await list_people(store, actor=SYSTEM)) == 1


async def test_after_that_the_code_is_good_for_nothing(store: Store) -> None:
    code = (await renew_setup_code(store)).reveal()
    await first_admin(store, code)
    with pytest.raises(Conflict, match="set up already"):
        await first_admin(store, code, "eve@example.com")


async def test_the_admin_of_the_environment_is_made_once_and_must_choose_another_password(store: Store) -> None:
    results = await asyncio.gather(*(seed_admin(store, "ada@example.com", PASSWORD, actor=SYSTEM) for _ in range(3)))
    assert sorted(results) == [False, False, True]
    session = await sign_in(store, "ada@example.com", PASSWORD, origin=HERE)
    admin = await actor_of_session(store, session.token, HERE)
    assert admin is not None
    assert admin.password_change_due


async def test_a_weak_password_in_the_environment_is_named(store: Store) -> None:
    with pytest.raises(BadInput) as error:
        await seed_admin(store, "ada@example.com", Secret("admin"), actor=SYSTEM)
    assert error.value.field == "BAKERY_ADMIN_PASSWORD"


async def test_on_the_server_an_admin_is_made_with_or_without_a_password(store: Store) -> None:
    await create_admin(store, "ada@example.com", password=PASSWORD, actor=SYSTEM)
    await create_admin(store, "bob@example.com", actor=SYSTEM)
    await sign_in(store, "ada@example.com", PASSWORD, origin=HERE)
    with pytest.raises(BadInput):
        await sign_in(store, "bob@example.com", Secret(""), origin=HERE)
    with pytest.raises(Conflict, match="There is already an account"):
        await create_admin(store, "ADA@example.com", actor=SYSTEM)


async def test_a_half_signed_in_admin_makes_nobody(store: Store) -> None:
    dev = await an_admin(store)
    with pytest.raises(NotAllowed):
        await create_admin(store, "x@example.com", actor=type(dev).nobody(HERE))
