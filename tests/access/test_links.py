import asyncio

import pytest

from bakery.access.invitations import (
    accept_invitation,
    invite,
    list_invitations,
    look_at_invitation,
    revoke_invitation,
)
from bakery.access.people import list_people, suspend
from bakery.access.resets import look_at_reset_link, make_reset_link, use_reset_link
from bakery.access.sessions import SignedIn, actor_of_session, sign_in
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict, NotAllowed, NotFound
from bakery.model.permissions import Role
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.authenticator import enrol
from tests.support.people import ELSEWHERE, HERE, PASSWORD, SYSTEM, a_developer, a_viewer, an_admin

NEW = Secret("quite another password")


async def accept(store: Store, token: Secret, name: str = "Vic") -> SignedIn:
    return await accept_invitation(store, token, name=name, password=PASSWORD, origin=ELSEWHERE)


async def expire(store: Store, table: str) -> None:
    statements = {
        "invitations": "UPDATE invitations SET expires_at = now()",
        "reset_links": "UPDATE reset_links SET expires_at = now()",
    }
    async with store.transaction() as tx:
        await tx.connection.execute(statements[table])


async def test_who_accepts_has_the_address_and_the_role_of_the_invitation(store: Store) -> None:
    offer = await invite(store, "Vic@Example.com", Role.DEVELOPER, actor=await an_admin(store))
    shown = await look_at_invitation(store, offer.token, origin=ELSEWHERE)
    assert (shown.email, shown.role, shown.invited_by, shown.state) == (
        "Vic@Example.com",
        Role.DEVELOPER,
        "ada",
        "open",
    )
    session = await accept(store, offer.token, "Vic Weaver")
    actor = await actor_of_session(store, session.token, ELSEWHERE)
    assert actor is not None
    assert (actor.label, actor.role) == ("Vic@Example.com", Role.DEVELOPER)
    assert (await list_people(store, actor=SYSTEM))[1].name == "Vic Weaver"


async def test_of_two_acceptances_at_once_one_counts(store: Store) -> None:
    offer = await invite(store, "vic@example.com", Role.VIEWER, actor=await an_admin(store))
    results = await asyncio.gather(*(accept(store, offer.token) for _ in range(4)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NotFound", "NotFound", "NotFound", "SignedIn"]
    with pytest.raises(NotFound):
        await accept(store, offer.token)


async def test_looking_accepts_nothing(store: Store) -> None:
    offer = await invite(store, "vic@example.com", Role.VIEWER, actor=await an_admin(store))
    for _ in range(3):
        await look_at_invitation(store, offer.token, origin=ELSEWHERE)
    assert len(await list_people(store, actor=SYSTEM)) == 1


async def test_inviting_an_address_again_replaces_the_open_invitation(store: Store) -> None:
    ada = await an_admin(store)
    results = await asyncio.gather(
        *(invite(store, email, Role.VIEWER, actor=ada) for email in ("vic@example.com", "VIC@example.com"))
    )
    latest = await invite(store, "vic@example.com", Role.DEVELOPER, actor=ada)
    for replaced in results:
        with pytest.raises(NotFound):
            await accept(store, replaced.token)
    assert [(row.role, row.state) for row in await list_invitations(store, actor=ada)] == [(Role.DEVELOPER, "open")]
    await accept(store, latest.token)


async def test_a_revoked_or_expired_invitation_is_good_no_more(store: Store) -> None:
    ada = await an_admin(store)
    revoked = await invite(store, "one@example.com", Role.VIEWER, actor=ada)
    await revoke_invitation(store, revoked.invitation.id, actor=ada)
    with pytest.raises(Conflict, match="revoked already"):
        await revoke_invitation(store, revoked.invitation.id, actor=ada)
    expired = await invite(store, "two@example.com", Role.VIEWER, actor=ada)
    await expire(store, "invitations")
    for offer in (revoked, expired):
        with pytest.raises(NotFound):
            await accept(store, offer.token)
    assert [row.state for row in await list_invitations(store, actor=ada)] == ["expired", "revoked"]


async def test_only_admins_invite_and_see_invitations(store: Store) -> None:
    dev = await a_developer(store)
    for attempt in (
        invite(store, "eve@example.com", Role.ADMIN, actor=dev),
        list_invitations(store, actor=dev),
        revoke_invitation(store, 1, actor=dev),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_who_has_an_account_is_not_invited(store: Store) -> None:
    with pytest.raises(Conflict, match=r"There is already an account for ADA@example\.com"):
        await invite(store, "ADA@example.com", Role.VIEWER, actor=await an_admin(store))


async def test_a_reset_link_sets_the_password_once_and_ends_all_sessions(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    session = await sign_in(store, vic.label, PASSWORD, origin=HERE)
    link = await make_reset_link(store, "VIC@example.com", actor=ada)
    assert (await look_at_reset_link(store, link.token, origin=ELSEWHERE)).email == "vic@example.com"
    results = await asyncio.gather(
        *(use_reset_link(store, link.token, NEW, origin=ELSEWHERE) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["NotFound", "NotFound", "SignedIn"]
    assert await actor_of_session(store, session.token, HERE) is None
    await sign_in(store, vic.label, NEW, origin=HERE)


async def test_a_reset_link_turns_off_the_second_factor_only_when_it_was_made_for_that(store: Store) -> None:
    vic = await a_viewer(store)
    await enrol(store, vic)
    for clears in (False, True):
        link = await make_reset_link(store, vic.label, clears_second_factor=clears, actor=SYSTEM)
        signed_in = await use_reset_link(store, link.token, NEW, origin=ELSEWHERE)
        session = await sign_in(store, vic.label, NEW, origin=HERE)
        assert (signed_in.second_factor_due, session.second_factor_due) == (not clears, not clears)


async def test_an_old_replaced_or_foreign_reset_link_is_good_no_more(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    replaced = await make_reset_link(store, vic.label, actor=ada)
    expired = await make_reset_link(store, vic.label, actor=ada)
    await expire(store, "reset_links")
    withdrawn = await make_reset_link(store, vic.label, actor=ada)
    assert vic.person_id is not None
    await suspend(store, vic.person_id, actor=ada)
    for link in (replaced.token, expired.token, withdrawn.token, Secret(""), Secret("\ud800")):
        with pytest.raises(NotFound):
            await use_reset_link(store, link, NEW, origin=ELSEWHERE)


async def test_only_admins_make_reset_links(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    with pytest.raises(NotAllowed):
        await make_reset_link(store, ada.label, actor=dev)
    with pytest.raises(NotAllowed):
        await make_reset_link(store, ada.label, actor=Actor.nobody(HERE))
    with pytest.raises(NotFound):
        await make_reset_link(store, "nobody@example.com", actor=ada)


async def test_a_weak_password_is_refused_and_the_link_stays_good(store: Store) -> None:
    vic = await a_viewer(store)
    link = await make_reset_link(store, vic.label, actor=SYSTEM)
    with pytest.raises(BadInput) as error:
        await use_reset_link(store, link.token, Secret("short"), origin=ELSEWHERE)
    assert error.value.field == "password"
    await use_reset_link(store, link.token, NEW, origin=ELSEWHERE)
