import asyncio

import pytest

from bakery.access.audit import last_change
from bakery.access.general import change_general
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, ChangedMeanwhile
from bakery.settings import read_settings
from bakery.store.installation import General, read_general
from bakery.store.store import Store
from tests.support.people import an_admin

SETTINGS = read_settings({}, is_root=False)


async def change(store: Store, domain: str, actor: Actor, *made_from: str) -> General:
    return await change_general(
        store, SETTINGS, base_url="", public_ip="", apps_domain=domain, made_from=made_from or None, actor=actor
    )


async def test_of_two_who_save_at_once_what_they_saw_one_is_told(store: Store) -> None:
    ada = await an_admin(store)
    for attempt in range(5):
        seen = (await read_general(store, SETTINGS)).version
        domains = [f"{name}{attempt}.example.com" for name in ("one", "two")]
        results = await asyncio.gather(
            *(change(store, domain, ada, seen) for domain in domains), return_exceptions=True
        )
        saved = [result for result in results if isinstance(result, General)]
        assert [type(result) for result in results if not isinstance(result, General)] == [ChangedMeanwhile]
        assert saved == [await read_general(store, SETTINGS)]


async def test_what_is_stored_already_is_no_conflict(store: Store) -> None:
    ada = await an_admin(store)
    seen = (await read_general(store, SETTINGS)).version
    changed = await change(store, "apps.example.com", ada, seen)

    assert await change(store, "apps.example.com", ada, seen) == changed


async def test_the_last_change_says_who_and_when(store: Store) -> None:
    ada = await an_admin(store)
    assert await last_change(store, "settings", "general", ["settings.changed"], actor=ada) is None
    await change(store, "apps.example.com", ada)

    found = await last_change(store, "settings", "general", ["settings.changed"], actor=ada)

    assert found is not None
    assert (found.who, found.person_id) == ("ada", ada.person_id)


async def test_what_the_environment_decides_is_not_changed(store: Store) -> None:
    ada = await an_admin(store)
    fixed = read_settings({"BAKERY_PUBLIC_IP": "192.0.2.1"}, is_root=False)

    with pytest.raises(BadInput) as error:
        await change_general(store, fixed, base_url="", public_ip="192.0.2.2", apps_domain="", actor=ada)

    assert error.value.field == "public_ip"
