import re
from itertools import product

from bakery.access.audit import list_activity
from bakery.access.people import find_person, set_grants
from bakery.access.resets import look_at_reset_link
from bakery.model.actor import Actor
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from tests.api.site import Site
from tests.support.authenticator import enrol
from tests.support.people import HERE, SYSTEM, a_developer, a_viewer, an_admin
from tests.web.browser import Browser, Page, a_browser
from tests.web.goods import an_app

ODD = ["", "\0", "x" * 10_000, "<b>bold</b>", "\u202emoc.elgoog@example.com", "%", "a@b\nc"]


async def test_an_admin_sees_everything_about_the_members(site: Site, admin: Browser) -> None:
    await a_developer(site.store, apps=frozenset({await an_app(site)}))

    page = await admin.get("/team")

    assert (page.status, page.heading) == (200, "Members")
    assert "ada you ada@example.com Admin Active all off" in page.text
    assert "dev dev@example.com Developer Active shop off never" in page.text


async def test_others_see_names_and_roles(site: Site, admin: Browser) -> None:
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/team")
        others = [await viewer.get(path) for path in ("/team/invites", "/team/members/1")]
        roles = await viewer.get("/team/roles")

    assert "ada Admin vic you Viewer" in page.text
    assert "@example.com" not in page.html.replace("vic@example.com", "")
    assert [other.status for other in others] == [403, 403]
    assert (roles.status, roles.heading) == (200, "Roles")


async def test_the_roles_say_what_each_may_do(admin: Browser) -> None:
    page = await admin.get("/team/roles")

    assert "Delete apps no Viewer no Developer yes Admin" in page.text


async def test_an_invitation_shows_its_link_once(site: Site, admin: Browser) -> None:
    made = await admin.send("/team/invites", {"email": "new@example.com", "role": "developer"})
    later = await admin.get("/team/invites")

    link = re.search(r"http://127\.0\.0\.1:4100/invite/[\w-]{43}", made.html)
    assert made.status == 200
    assert link is not None
    assert "Invitation for new@example.com" in made.text
    assert link[0] not in later.html
    assert "new@example.com Developer, by ada Waiting" in later.text


async def test_an_invitation_is_revoked_once(site: Site, admin: Browser) -> None:
    await admin.send("/team/invites", {"email": "new@example.com", "role": "viewer"})

    revoked = await admin.send("/team/invites/1/revoke")
    again = await admin.send("/team/invites/1/revoke")

    assert "The invitation no longer works." in revoked.text
    assert "new@example.com Viewer, by ada Revoked" in revoked.text
    assert (again.status, "This invitation is revoked already." in again.text) == (409, True)


async def test_an_odd_value_in_an_invitation_gets_a_sentence(admin: Browser) -> None:
    for field, odd in product(("email", "role"), ODD):
        page = await admin.send("/team/invites", {"email": "new@example.com", "role": "viewer", field: odd})

        assert (page.status, page.heading) == (422, "Invitations"), (field, odd)
        assert 'aria-invalid="true"' in page.html
        assert "<b>bold" not in page.html
        assert "Nobody is invited" in page.text


async def test_role_and_apps_are_saved_together(site: Site, admin: Browser, ada: Actor) -> None:
    await an_app(site, "shop")
    await an_app(site, "landing")
    viewer = await a_viewer(site.store)

    page = await admin.send(f"/team/members/{viewer.person_id}", {"role": "developer", "apps": ["shop", "landing"]})

    person = await find_person(site.store, viewer.person_id or 0, actor=ada)
    assert "Access saved." in page.text
    assert (person.role, person.all_apps, person.apps) == (Role.DEVELOPER, False, ("landing", "shop"))


async def test_of_a_refused_form_nothing_is_stored(site: Site, admin: Browser, ada: Actor) -> None:
    viewer = await a_viewer(site.store, apps=frozenset({await an_app(site, "shop")}))

    page = await admin.send(f"/team/members/{viewer.person_id}", {"role": "developer", "apps": ["shop", "gone"]})

    person = await find_person(site.store, viewer.person_id or 0, actor=ada)
    assert (page.status, "There is no app “gone”." in page.text) == (422, True)
    assert (person.role, person.apps) == (Role.VIEWER, ("shop",))


async def test_what_did_not_change_leaves_no_trace(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)

    await admin.send(f"/team/members/{viewer.person_id}", {"role": "viewer", "all_apps": "on"})

    activity = await list_activity(site.store, action="person.", actor=SYSTEM)
    assert {row.action for row in activity.rows} == {"person.signed_in"}


async def test_access_that_somebody_else_changed_meanwhile_is_shown_beside_what_was_chosen(
    site: Site, admin: Browser, ada: Actor
) -> None:
    await an_app(site, "shop")
    viewer = await a_viewer(site.store)
    path = f"/team/members/{viewer.person_id}"
    seen = _version_in(await admin.get(path))
    await set_grants(site.store, viewer.person_id or 0, ["shop"], actor=await an_admin(site.store, "ben@example.com"))
    mine = {"role": "developer", "all_apps": "on"}

    refused = await admin.send(path, {**mine, "version": seen})

    assert (refused.status, refused.heading) == (412, "vic")
    assert "Someone else saved while you were editing. ben saved just now" in refused.text
    assert "Role Viewer Developer Apps shop all" in refused.text
    person = await find_person(site.store, viewer.person_id or 0, actor=ada)
    assert (person.role, person.apps) == (Role.VIEWER, ("shop",))

    theirs = await admin.send(path, {**mine, "version": _version_in(refused), "answer": "theirs"})
    assert (theirs.status, "Access saved." in theirs.text) == (200, False)
    kept = await admin.send(path, {**mine, "version": _version_in(refused)})
    assert "Access saved." in kept.text
    person = await find_person(site.store, viewer.person_id or 0, actor=ada)
    assert (person.role, person.all_apps) == (Role.DEVELOPER, True)


async def test_who_becomes_an_admin_sees_all_apps(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)

    page = await admin.send(f"/team/members/{viewer.person_id}", {"role": "admin"})

    assert (page.status, "Access saved." in page.text) == (200, True)


async def test_an_odd_value_in_the_access_of_somebody_gets_a_sentence(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)

    for field, odd in product(("role", "apps"), ODD):
        page = await admin.send(f"/team/members/{viewer.person_id}", {"role": "viewer", field: odd})

        assert (page.status, page.heading) == (422, "vic"), (field, odd)
        assert "<b>bold" not in page.html


async def test_the_last_admin_stays(site: Site, admin: Browser, ada: Actor) -> None:
    page = await admin.send(f"/team/members/{ada.person_id}", {"role": "viewer", "all_apps": "on"})

    assert page.status == 409
    assert "The last active Admin cannot be demoted. Make somebody else an Admin first." in page.text


async def test_somebody_is_suspended_and_let_in_again(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)

    suspended = await admin.send(f"/team/members/{viewer.person_id}/suspend")
    back = await admin.send(f"/team/members/{viewer.person_id}/resume")

    assert "vic Suspended" in suspended.text
    assert "vic Active" in back.text


async def test_removing_somebody_wants_their_address(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)

    refused = await admin.send(f"/team/members/{viewer.person_id}/remove", {"confirm": "vic"})
    done = await admin.send(f"/team/members/{viewer.person_id}/remove", {"confirm": "vic@example.com"})

    assert refused.status == 422
    assert "Type vic@example.com, exactly as it is written here." in refused.text
    assert (done.heading, "Removed." in done.text) == ("Members", True)
    assert (await admin.get(f"/team/members/{viewer.person_id}")).status == 404


async def test_a_link_for_a_new_password_is_shown_once(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)

    made = await admin.send(f"/team/members/{viewer.person_id}/reset-link")
    later = await admin.get(f"/team/members/{viewer.person_id}")

    assert re.search(r"http://127\.0\.0\.1:4100/reset/[\w-]{43}", made.html)
    assert "New password for vic@example.com" in made.text
    assert "/reset/" not in later.html


async def test_a_link_for_who_lost_the_second_factor_turns_it_off(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)
    path = f"/team/members/{viewer.person_id}"
    assert "Turn off second factor…" not in (await admin.get(path)).text
    await enrol(site.store, viewer)
    assert "Turn off the second factor of vic?" in (await admin.get(path)).text

    made = await admin.send(f"{path}/reset-link", {"clears_second_factor": "on"})

    link = re.search(r"/reset/([\w-]{43})", made.html)
    assert link
    assert "New password for vic@example.com, and no second factor" in made.text
    assert (await look_at_reset_link(site.store, Secret(link[1]), origin=HERE)).clears_second_factor


async def test_a_link_for_somebody_who_is_suspended_is_refused_on_their_page(site: Site, admin: Browser) -> None:
    viewer = await a_viewer(site.store)
    await admin.send(f"/team/members/{viewer.person_id}/suspend")

    page = await admin.send(f"/team/members/{viewer.person_id}/reset-link")

    assert (page.status, page.heading) == (409, "vic")
    assert "vic@example.com is suspended. End the suspension first." in page.text


async def test_somebody_who_is_not_there_is_not_found(admin: Browser) -> None:
    for person in ("0", "9" * 30, "9" * 5000, "x"):
        assert (await admin.get(f"/team/members/{person}")).status == 404, person
        for verb in ("suspend", "resume", "remove", "reset-link"):
            assert (await admin.send(f"/team/members/{person}/{verb}")).status == 404, (person, verb)
        assert (await admin.send(f"/team/members/{person}", {"role": "viewer"})).status == 404, person


async def test_only_admins_change_people(site: Site) -> None:
    grace = await an_admin(site.store)

    async with a_browser(site, await a_developer(site.store)) as developer:
        paths = ("", "/suspend", "/resume", "/remove", "/reset-link")
        answers = [await developer.send(f"/team/members/{grace.person_id}{path}") for path in paths]
        answers += [await developer.send("/team/invites"), await developer.send("/team/invites/1/revoke")]

    assert [answer.status for answer in answers] == [403] * 7


def _version_in(page: Page) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page.html)
    assert found
    return found[1]
