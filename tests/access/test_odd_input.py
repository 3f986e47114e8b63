"""Whatever people type: it is taken as it is, or refused with the field named. Never an error of the database."""

import contextlib
from collections.abc import Coroutine

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakery.access.cli_login import begin_cli_login
from bakery.access.invitations import accept_invitation, invite
from bakery.access.people import change_profile, preferences_of
from bakery.access.sessions import sign_in
from bakery.access.tokens import create_token
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, TooMany
from bakery.model.labels import parse_label
from bakery.model.permissions import Role, Scope
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.people import HERE, PASSWORD, an_admin

ODD = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "two\nlines",
    "\u2028",
    "x" * 101,
    "\x1b[31m",
]
ODD_EMAILS = [
    "",
    "@",
    "a",
    "a@",
    "@b",
    "a@b@c",
    "a b@c.example",
    "a\0@c.example",
    "a@c\0.example",
    "\ud800@c.example",
    "a@\udfff.example",
    "a@b..example",
    "x" * 65 + "@c.example",
    "a@" + "x" * 300,
    "a\n@c.example",
    '"a"@c.example',
]


@pytest.mark.parametrize("text", ODD)
async def test_odd_names_are_refused(store: Store, text: str) -> None:
    ada = await an_admin(store)
    offer = await invite(store, "vic@example.com", Role.VIEWER, actor=ada)
    fields: list[tuple[str, Coroutine[None, None, object]]] = [
        ("name", change_profile(store, name=text, actor=ada)),
        ("name", create_token(store, text, Scope.READ, actor=ada)),
        ("machine", begin_cli_login(store, machine=text, origin=HERE)),
        ("name", accept_invitation(store, offer.token, name=text, password=PASSWORD, origin=HERE)),
    ]
    for field, attempt in fields:
        with pytest.raises(BadInput) as error:
            await attempt
        assert error.value.field == field


@pytest.mark.parametrize("email", ODD_EMAILS)
async def test_odd_addresses_are_refused(store: Store, email: str) -> None:
    ada = await an_admin(store)
    attempts: list[Coroutine[None, None, object]] = [
        invite(store, email, Role.VIEWER, actor=ada),
        sign_in(store, email, PASSWORD, origin=HERE),
    ]
    for attempt in attempts:
        with pytest.raises(BadInput) as error:
            await attempt
        assert error.value.field == "email"


@pytest.mark.parametrize(
    "name", ["O'Brien", "李小龍", "Zoë & Max <zm>", "%s {name} $HOME `id`", "مريم", "👩🏽‍🚀", "x" * 100]
)
async def test_unusual_names_are_kept_as_they_are(store: Store, name: str) -> None:
    ada = await an_admin(store)
    await change_profile(store, name=name, actor=ada)
    assert (await preferences_of(store, actor=ada)).name == name


async def test_any_text_at_all_is_kept_or_refused(store: Store) -> None:
    ada = await an_admin(store)
    texts = st.text(alphabet=st.characters(), max_size=120)
    emails = st.builds(
        lambda local, host: f"{local}@{host}", st.text(st.characters(), max_size=20), st.text(max_size=20)
    )

    drawn: list[tuple[str, str]] = []

    @settings(max_examples=150, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(texts, emails)
    def draw(text: str, email: str) -> None:
        drawn.append((text, email))

    draw()
    for text, email in drawn:
        await _try(store, ada, text, email)


async def _try(store: Store, ada: Actor, text: str, email: str) -> None:
    attempts: list[Coroutine[None, None, object]] = [
        change_profile(store, name=text, actor=ada),
        create_token(store, text, Scope.READ, actor=ada),
        invite(store, email, Role.VIEWER, actor=ada),
        sign_in(store, email, Secret("x" * 2000), origin=HERE),
    ]
    for attempt in attempts:
        with contextlib.suppress(BadInput, TooMany):
            await attempt


@given(st.text(alphabet=st.characters()))
def test_a_label_is_one_short_visible_line_or_refused(text: str) -> None:
    try:
        label = parse_label(text)
    except BadInput:
        return
    assert 1 <= len(label) <= 100
    assert label == label.strip()
    assert label.encode()
    assert "\0" not in label
    assert "\n" not in label
