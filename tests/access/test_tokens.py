import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bakery.access.cli_login import (
    begin_cli_login,
    confirm_cli_login,
    look_at_cli_login,
    poll_cli_login,
    refuse_cli_login,
)
from bakery.access.people import change_role, set_grants
from bakery.access.tokens import actor_of_token, create_token, create_token_for, list_tokens, revoke_token
from bakery.model.actor import Origin
from bakery.model.errors import BadInput, NotAllowed, NotFound
from bakery.model.permissions import Permission, Role, Scope
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.authenticator import enrol
from tests.support.people import (
    HERE,
    SYSTEM,
    a_developer,
    a_token,
    a_viewer,
    an_admin,
    an_app,
    signed_in,
)

PROGRAM = Origin("api", "203.0.113.5", "request-3")


async def test_a_token_is_shown_once_and_kept_as_a_hash(store: Store) -> None:
    dev = await a_developer(store)
    made = await create_token(store, "CI", Scope.DEPLOY, actor=dev)
    assert made.secret.reveal().startswith("bky_")
    (listed,) = await list_tokens(store, actor=dev)
    assert (listed.name, listed.scope, listed.prefix) == ("CI", Scope.DEPLOY, made.secret.reveal()[:8])
    assert listed.expires_at - listed.created_at == timedelta(days=90)
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT api_tokens::text FROM api_tokens")).fetchone()
    assert row is not None
    assert made.secret.reveal() not in row[0]


async def test_a_token_may_what_its_scope_and_its_owners_role_allow(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    reading = await actor_of_token(store, await a_token(store, ada, Scope.READ), PROGRAM)
    assert reading is not None
    assert [reading.may(right) for right in (Permission.READ, Permission.DEPLOY, Permission.OWN_ACCOUNT)] == [
        True,
        False,
        False,
    ]
    everything = await actor_of_token(store, await a_token(store, dev, Scope.ADMIN), PROGRAM)
    assert everything is not None
    assert everything.may(Permission.DEPLOY)
    assert not everything.may(Permission.MANAGE_PEOPLE)


async def test_a_token_follows_the_role_and_the_grants_of_its_owner(store: Store) -> None:
    ada, dev, shop = await an_admin(store), await a_developer(store), await an_app(store)
    token = await a_token(store, dev, Scope.DEPLOY)
    assert dev.person_id is not None
    await set_grants(store, dev.person_id, ["shop"], actor=ada)
    await change_role(store, dev.person_id, Role.VIEWER, actor=ada)
    actor = await actor_of_token(store, token, PROGRAM)
    assert actor is not None
    assert actor.apps == frozenset({shop})
    assert not actor.may(Permission.DEPLOY)


async def test_a_token_of_one_app_sees_only_that_app(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    shop, blog = await an_app(store, "shop"), await an_app(store, "blog")
    made = await create_token(store, "CI", Scope.DEPLOY, app="shop", actor=dev)
    actor = await actor_of_token(store, made.secret, PROGRAM)
    assert actor is not None
    assert actor.apps == frozenset({shop})
    assert not actor.sees_app(blog)
    assert dev.person_id is not None
    await set_grants(store, dev.person_id, ["blog"], actor=ada)
    actor = await actor_of_token(store, made.secret, PROGRAM)
    assert actor is not None
    assert actor.apps == frozenset()


async def test_a_token_is_not_bound_to_an_app_that_its_owner_does_not_see(store: Store) -> None:
    shop, _ = await an_app(store, "shop"), await an_app(store, "blog")
    dev = await a_developer(store, apps=frozenset({shop}))
    messages = set()
    for slug in ("blog", "unknown"):
        with pytest.raises(BadInput) as error:
            await create_token(store, "CI", Scope.DEPLOY, app=slug, actor=dev)
        messages.add((error.value.message, error.value.field))
    assert messages == {("There is no such app.", "app")}


async def test_odd_tokens_are_refused_with_the_field_named(store: Store) -> None:
    vic, dev = await a_viewer(store), await a_developer(store)
    await an_app(store)
    for field, attempt in (
        ("scope", create_token(store, "x", Scope.DEPLOY, actor=vic)),
        ("expires", create_token(store, "x", Scope.READ, days=366, actor=dev)),
        ("expires", create_token(store, "x", Scope.READ, days=0, actor=dev)),
        ("name", create_token(store, "", Scope.READ, actor=dev)),
        ("name", create_token(store, "a\0b", Scope.READ, actor=dev)),
        ("app", create_token(store, "x", Scope.READ, app="shop", actor=dev)),
        ("app", create_token(store, "x", Scope.DEPLOY, app="\0", actor=dev)),
    ):
        with pytest.raises(BadInput) as error:
            await attempt
        assert error.value.field == field


async def test_a_revoked_or_expired_token_is_refused_at_its_next_call(store: Store) -> None:
    dev = await a_developer(store)
    made = await create_token(store, "CI", Scope.DEPLOY, actor=dev)
    await revoke_token(store, made.token.id, actor=dev)
    assert await actor_of_token(store, made.secret, PROGRAM) is None
    expired = await create_token(store, "CI", Scope.DEPLOY, actor=dev)
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE api_tokens SET expires_at = now()")
    assert await actor_of_token(store, expired.secret, PROGRAM) is None
    for token in ("", "bky_", "\ud800\0"):
        assert await actor_of_token(store, Secret(token), PROGRAM) is None


async def test_tokens_are_listed_and_revoked_by_their_owner_only(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    made = await create_token(store, "CI", Scope.DEPLOY, actor=dev)
    assert await list_tokens(store, actor=ada) == []
    with pytest.raises(NotFound):
        await revoke_token(store, made.token.id, actor=ada)


async def test_when_a_token_was_last_used_is_shown(store: Store) -> None:
    dev = await a_developer(store)
    made = await create_token(store, "CI", Scope.DEPLOY, actor=dev)
    assert (await list_tokens(store, actor=dev))[0].last_used_at is None
    await actor_of_token(store, made.secret, PROGRAM)
    first = (await list_tokens(store, actor=dev))[0].last_used_at
    await actor_of_token(store, made.secret, PROGRAM)
    assert first is not None
    assert (await list_tokens(store, actor=dev))[0].last_used_at == first


async def test_a_token_for_somebody_else_is_made_on_the_server_only(store: Store) -> None:
    ada, dev = await an_admin(store), await a_developer(store)
    with pytest.raises(NotAllowed):
        await create_token_for(store, dev.label, "x", Scope.READ, actor=ada)
    with pytest.raises(NotFound):
        await create_token_for(store, "nobody@example.com", "x", Scope.READ, actor=SYSTEM)


async def test_a_command_line_fetches_its_token_once_after_a_browser_confirmed_it(store: Store) -> None:
    dev = await signed_in(store, await a_developer(store))
    begun = await begin_cli_login(store, machine="laptop", origin=PROGRAM)
    assert await poll_cli_login(store, begun.poll_secret, origin=PROGRAM) is None
    shown = await look_at_cli_login(store, begun.code.lower().replace("-", ""), actor=dev)
    assert (shown.machine, shown.address) == ("laptop", "203.0.113.5")
    await confirm_cli_login(store, begun.code, actor=dev)
    results = await asyncio.gather(
        *(poll_cli_login(store, begun.poll_secret, origin=PROGRAM) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["NotFound", "NotFound", "Secret"]
    token = next(result for result in results if isinstance(result, Secret))
    actor = await actor_of_token(store, token, PROGRAM)
    assert actor is not None
    assert (actor.person_id, actor.scope) == (dev.person_id, Scope.ADMIN)
    assert [row.name for row in await list_tokens(store, actor=dev)] == ["laptop"]


async def test_a_code_for_the_command_line_is_confirmed_once_by_one_person_and_not_later(store: Store) -> None:
    dev, ada = await signed_in(store, await a_developer(store)), await signed_in(store, await an_admin(store))
    begun = await begin_cli_login(store, machine="laptop", origin=PROGRAM)
    await confirm_cli_login(store, begun.code, actor=dev)
    with pytest.raises(NotFound):
        await confirm_cli_login(store, begun.code, actor=ada)
    late = await begin_cli_login(store, machine="laptop", origin=PROGRAM)
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE cli_logins SET expires_at = now()")
    with pytest.raises(NotFound):
        await confirm_cli_login(store, late.code, actor=ada)
    with pytest.raises(NotFound):
        await poll_cli_login(store, late.poll_secret, origin=PROGRAM)


async def test_a_refused_command_line_gets_no_token(store: Store) -> None:
    dev = await signed_in(store, await a_developer(store))
    begun = await begin_cli_login(store, machine="laptop", origin=PROGRAM)
    await refuse_cli_login(store, begun.code, actor=dev)
    with pytest.raises(NotFound):
        await poll_cli_login(store, begun.poll_secret, origin=PROGRAM)


async def test_a_token_lets_no_command_line_in(store: Store) -> None:
    ada = await an_admin(store)
    program = await actor_of_token(store, await a_token(store, ada), PROGRAM)
    begun = await begin_cli_login(store, machine="laptop", origin=PROGRAM)
    assert program is not None
    with pytest.raises(NotAllowed, match="confirmed in a browser"):
        await confirm_cli_login(store, begun.code, actor=program)


async def test_letting_a_command_line_in_asks_for_the_second_factor(store: Store) -> None:
    ada = await signed_in(store, await an_admin(store))
    authenticator, _ = await enrol(store, ada)
    begun = await begin_cli_login(store, machine="laptop", origin=PROGRAM)
    with pytest.raises(BadInput) as error:
        await confirm_cli_login(store, begun.code, actor=ada)
    assert error.value.field == "second_factor"
    await confirm_cli_login(store, begun.code, second_factor_code=authenticator.code(), actor=ada)
    assert await poll_cli_login(store, begun.poll_secret, origin=HERE) is not None


async def test_a_password_that_somebody_else_knows_makes_no_token(store: Store) -> None:
    ada = replace(await an_admin(store), session_id=1, password_change_due=True)
    with pytest.raises(NotAllowed, match="Choose a new password first"):
        await create_token(store, "CI", Scope.READ, actor=ada)
