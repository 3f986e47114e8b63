"""Pages that show what others do, as they do it."""

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bakery.store.transaction import CHANNEL
from tests.journeys.test_deploy import stay, stayed
from tests.support.chromium import a_page, sign_in
from tests.support.morning import ADMIN
from tests.support.people import PASSWORD
from tests.support.serving import Serving
from tests.support.terminal import a_terminal

pytestmark = pytest.mark.browser
_TELL = """
WITH fresh AS (INSERT INTO events (topic) SELECT unnest(%s::text[]) RETURNING id)
SELECT pg_notify(%s, max(id)::text) FROM fresh
"""


def watch(page: Page, path: str) -> Locator:
    """What is on the page, which must not be loaded again."""
    page.goto(path)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stay(page)
    return page.get_by_role("main")


def test_people_invitations_and_tokens_appear_where_they_are_listed(page: Page, bakery: Serving) -> None:
    terminal = a_terminal(bakery, ADMIN)

    team = watch(page, "/team")
    bakery.command("admin", "create", "new.admin@example.com")
    expect(team.get_by_text("new.admin@example.com")).to_be_visible()
    stayed(page)

    invites = watch(page, "/team/invites")
    page.get_by_label("E-mail").fill("half.typed@exam")
    terminal.run("invites", "create", "invited@example.com", "--role", "viewer")
    expect(invites.get_by_text("invited@example.com")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("half.typed@exam")
    expect(page.get_by_label("E-mail")).to_be_focused()
    stayed(page)

    tokens = watch(page, "/account/tokens")
    terminal.run("token", "create", "made elsewhere", "--scope", "read")
    expect(tokens.get_by_text("made elsewhere")).to_be_visible()
    stayed(page)

    activity = watch(page, "/activity")
    bakery.command("admin", "create", "one.more@example.com")
    expect(activity.get_by_text("one.more@example.com").first).to_be_visible()
    stayed(page)


def test_a_session_that_begins_elsewhere_appears_and_can_be_ended(
    page: Page, browser: Browser, bakery: Serving
) -> None:
    sessions = watch(page, "/account/sessions")
    before = sessions.get_by_role("listitem").count()

    with a_page(browser, bakery.url) as elsewhere:
        sign_in(elsewhere, ADMIN, PASSWORD)

    expect(sessions.get_by_role("listitem")).to_have_count(before + 1)
    stayed(page)
    sessions.get_by_role("button", name="Sign out everywhere else").click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)


def test_who_types_loses_no_letter_while_fifty_events_a_second_arrive(page: Page, bakery: Serving) -> None:
    """Five before each letter, about all that the page shows: as many for who types ten letters a second."""
    invites = watch(page, "/team/invites")
    field = page.get_by_label("E-mail")
    topics = page.evaluate("document.body.dataset.topics.split(' ')")
    topics += page.evaluate("[...document.querySelectorAll('[data-live]')].flatMap((it) => it.dataset.live.split(' '))")
    text = "somebody.who.types.while.all.moves@example.com"
    field.focus()

    with psycopg.connect(bakery.environ["DATABASE_URL"], autocommit=True) as connection:
        for letter in text:
            for _ in range(5):
                connection.execute(_TELL, (topics, CHANNEL))
            page.keyboard.type(letter)
    expect(field).to_have_value(text)
    expect(field).to_be_focused()
    stayed(page)

    page.get_by_role("button", name="Make invitation").click()
    expect(invites.get_by_text(text).first).to_be_visible()
