"""A Viewer changes nothing but their own account."""

import pytest

from bakery.access.invitations import invite
from bakery.access.people import find_person
from bakery.model.permissions import Permission, Role, Scope
from tests.api.site import Site
from tests.security.surface import asking, routes_of
from tests.support.people import SYSTEM, a_token, a_viewer, an_admin, signed_in
from tests.support.tables import TRACES, rows_of_all_tables
from tests.web.goods import a_live_app

_OWN = {Permission.PUBLIC, Permission.SECOND_FACTOR, Permission.OWN_ACCOUNT}


@pytest.mark.parametrize("scope", [None, Scope.ADMIN], ids=["browser", "token"])
async def test_a_viewer_changes_nothing(site: Site, scope: Scope | None) -> None:
    await a_live_app(site, "shop")
    ada = await an_admin(site.store)
    offer = await invite(site.store, "new@example.com", Role.VIEWER, actor=ada)
    known = {
        "app": "shop",
        "slug": "shop",
        "number": 1,
        "person": ada.person_id,
        "invitation": offer.invitation.id,
        "node": "local",
    }
    body = {"role": "admin", "apps": None, "confirm": "shop", "number": 1, "slug": "mine", "command": "true"}
    async with asking(site, await a_viewer(site.store), scope=scope) as viewer:
        before = await rows_of_all_tables(site.store, but=TRACES)
        for route in routes_of(site.web):
            if route.changes and route.permission not in _OWN:
                answer = await viewer.request(route.method, route.address(**known), json=body)
                assert answer.status_code == 403, route
        assert await rows_of_all_tables(site.store, but=TRACES) == before


async def test_sessions_and_tokens_of_others_are_not_there(site: Site) -> None:
    ada = await signed_in(site.store, await an_admin(site.store))
    await a_token(site.store, ada)
    async with asking(site, await a_viewer(site.store)) as viewer:
        before = await rows_of_all_tables(site.store, but={"audit", "audit_seals"})
        refused = [
            await viewer.post(f"/account/sessions/{ada.session_id}/end"),
            await viewer.post("/account/tokens/1/revoke"),
            await viewer.delete("/api/tokens/1"),
        ]
        assert [answer.status_code for answer in refused] == [404, 404, 404]
        assert await rows_of_all_tables(site.store, but={"audit", "audit_seals"}) == before


async def test_fields_that_a_form_does_not_have_make_nobody_an_admin(site: Site) -> None:
    viewer = await a_viewer(site.store)
    more = {"name": "Vic", "role": "admin", "all_apps": "on", "email": "ada@example.com", "id": "1"}
    async with asking(site, viewer) as client:
        assert (await client.post("/account/profile", data=more)).status_code == 303
    person = await find_person(site.store, viewer.person_id or 0, actor=SYSTEM)
    assert (person.name, person.role, person.email) == ("Vic", Role.VIEWER, "vic@example.com")


async def test_who_must_choose_a_new_password_first_watches_nothing(site: Site) -> None:
    """Their page asks for no events, which would be refused to them."""
    viewer = await a_viewer(site.store)
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE people SET password_change_due = true WHERE id = %s", (viewer.person_id,))
    async with asking(site, viewer) as client:
        page = await client.get("/account/security", headers={"accept": "text/html"})
        assert (page.status_code, 'data-topics=""' in page.text) == (200, True)
        assert (await client.get("/events", params={"topics": "apps"})).status_code == 403
