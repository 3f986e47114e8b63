import pytest

from bakery.model.actor import Actor, Origin
from bakery.model.errors import NotAllowed, NotFound, NotSignedIn
from bakery.model.permissions import HELD_BY, Permission, Role, Scope

BROWSER = Origin("browser", "192.0.2.1")


def person(role: Role, **more: object) -> Actor:
    return Actor(origin=BROWSER, person_id=1, label="ada@example.com", role=role, **more)  # type: ignore[arg-type]  # fields by name


def test_a_viewer_reads_and_changes_nothing_but_their_own_account() -> None:
    viewer = person(Role.VIEWER)
    assert {permission for permission in HELD_BY if viewer.may(permission)} == {
        Permission.OWN_ACCOUNT,
        Permission.READ,
        Permission.SEE_PEOPLE,
        Permission.METRICS,
    }


def test_a_developer_acts_on_apps_and_manages_nothing() -> None:
    developer = person(Role.DEVELOPER)
    assert developer.may(Permission.DEPLOY)
    assert developer.may(Permission.CREATE_APP)
    assert not any(
        developer.may(permission)
        for permission in (
            Permission.MANAGE_PEOPLE,
            Permission.MANAGE_SYSTEM,
            Permission.MANAGE_NODES,
            Permission.DELETE_APP,
        )
    )


def test_an_admin_may_do_all() -> None:
    assert all(person(Role.ADMIN).may(permission) for permission in HELD_BY)


def test_an_app_outside_the_grants_does_not_exist() -> None:
    developer = person(Role.DEVELOPER, apps=frozenset({1}))
    developer.require(Permission.DEPLOY, app=1)
    with pytest.raises(NotFound):
        developer.require(Permission.READ, app=2)


def test_a_refusal_names_the_least_role_that_may() -> None:
    with pytest.raises(NotAllowed, match="Developers can do this") as refused:
        person(Role.VIEWER).require(Permission.DEPLOY)
    assert refused.value.hint == "Ask an Admin."


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_never_exceeds_its_owner(role: Role, scope: Scope) -> None:
    owner, token = person(role), person(role, scope=scope)
    assert all(owner.may(permission) for permission in HELD_BY if token.may(permission))


def test_a_token_that_only_reads_is_told_so() -> None:
    with pytest.raises(NotAllowed, match="This token's scope is “read”"):
        person(Role.ADMIN, scope=Scope.READ).require(Permission.DEPLOY, app=1)


def test_half_a_sign_in_reaches_the_second_factor_only() -> None:
    half = person(Role.ADMIN, second_factor_due=True)
    half.require(Permission.SECOND_FACTOR)
    with pytest.raises(NotSignedIn):
        half.require(Permission.READ)


def test_nobody_reaches_what_is_public_only() -> None:
    nobody = Actor.nobody(BROWSER)
    nobody.require(Permission.PUBLIC)
    for permission in (*HELD_BY, Permission.SECOND_FACTOR):
        with pytest.raises(NotSignedIn):
            nobody.require(permission)
