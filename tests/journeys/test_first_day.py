"""From the first start to a team of two: every step that a new Admin takes, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bakery.model.secret import Secret
from tests.journeys.accessibility import violations
from tests.journeys.working import a_working_bakery
from tests.support.authenticator import Authenticator
from tests.support.chromium import a_page
from tests.support.serving import Serving
from tests.support.terminal import a_terminal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
ADA, ADAS_PASSWORD = "ada@example.com", Secret("the oven is warm at four")
VIC, VICS_PASSWORD = "vic@example.com", Secret("I only came to look")


@pytest.fixture
def new_bakery(tmp_path: Path) -> Iterator[Serving]:
    """As it is found after the first start: nobody is known yet, and the database is its own."""
    with a_working_bakery(tmp_path) as bakery:
        yield bakery


def test_the_first_day(browser: Browser, new_bakery: Serving) -> None:
    with a_page(browser, new_bakery.url) as ada, a_page(browser, new_bakery.url) as vic:
        set_up(ada, new_bakery)
        authenticator = turn_on_second_factor(ada)
        sign_out(ada)
        sign_in_with_code(ada, authenticator)
        a_terminal(new_bakery, ADA).run("apps", "create", "hello", "--name", "Hello", "--command", "python3 app.py")
        link = invite_a_viewer(ada)
        accept(vic, link)
        may_look_but_not_act(vic)
        activity_tells_all(ada)
    audit_is_sealed(new_bakery)


def set_up(ada: Page, bakery: Serving) -> None:
    ada.goto("/")
    expect(ada.get_by_role("heading", name="Welcome to Bakery")).to_be_visible()
    assert violations(ada) == []

    told = re.search(r"/setup with this code: (\S+)", bakery.said())
    assert told is not None
    ada.get_by_label("Setup code").fill(told[1])
    ada.get_by_label("E-mail").fill(ADA)
    ada.get_by_label("Password").fill(ADAS_PASSWORD.reveal())
    ada.get_by_role("button", name="Create Admin").click()

    expect(ada.get_by_role("heading", level=1)).to_have_text("Nothing runs yet")


def turn_on_second_factor(ada: Page) -> Authenticator:
    ada.goto("/account/security")
    ada.get_by_role("button", name="Turn on second factor…").click()
    expect(ada.get_by_role("img", name="QR code of the secret below")).to_be_visible()
    assert violations(ada) == []
    authenticator = Authenticator(Secret(ada.locator(".how code").inner_text()))
    ada.get_by_role("textbox", name="Code").fill(authenticator.code())
    ada.get_by_role("button", name="Turn on second factor").click()

    expect(ada.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    expect(ada.locator(".codes li")).to_have_count(10)
    assert violations(ada) == []
    ada.get_by_role("link", name="I have kept them").click()
    expect(ada.locator(".codes")).to_have_count(0)
    return authenticator


def sign_out(ada: Page) -> None:
    ada.get_by_role("button", name="Sign out", exact=True).click()
    expect(ada.get_by_role("heading", name="Sign in to Bakery")).to_be_visible()
    assert ada.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('bakery-recent'))") == []


def sign_in_with_code(ada: Page, authenticator: Authenticator) -> None:
    ada.get_by_label("E-mail").fill(ADA)
    ada.get_by_label("Password").fill(ADAS_PASSWORD.reveal())
    ada.get_by_role("button", name="Sign in").click()
    expect(ada.get_by_role("heading", name="One more step")).to_be_visible()
    assert violations(ada) == []
    ada.get_by_label("Code", exact=True).fill(authenticator.code(steps=1))  # each code is good once
    ada.get_by_role("button", name="Sign in", exact=True).click()

    expect(ada.get_by_role("navigation", name="Main")).to_be_visible()


def invite_a_viewer(ada: Page) -> str:
    ada.goto("/team/invites")
    ada.get_by_label("E-mail").fill(VIC)
    ada.get_by_label("Viewer").check()
    ada.get_by_role("button", name="Make invitation").click()
    shown = ada.get_by_text(re.compile("/invite/"))
    expect(shown).to_be_visible()
    link = shown.inner_text()

    ada.goto("/team/invites")
    expect(ada.get_by_text(VIC)).to_be_visible()
    expect(shown).to_have_count(0)
    return link


def accept(vic: Page, link: str) -> None:
    vic.goto(link)
    expect(vic.get_by_text(f"ada invites {VIC} as Viewer.")).to_be_visible()
    vic.get_by_label("Your name").fill("Vic")
    vic.get_by_label("Password").fill(VICS_PASSWORD.reveal())
    vic.get_by_role("button", name="Accept invitation").click()
    expect(vic.get_by_role("navigation", name="Main")).to_be_visible()

    vic.goto(link)
    expect(vic.get_by_role("heading", level=1)).to_have_text("There is nothing here")


def may_look_but_not_act(vic: Page) -> None:
    for path in ("/", "/apps", "/nodes", "/activity", "/team", "/team/roles", "/account/profile"):
        answer = vic.goto(path)
        assert answer is not None
        assert answer.status == 200, path
    for path in ("/settings/general", "/team/invites", "/team/members/1"):
        answer = vic.goto(path)
        assert answer is not None
        assert answer.status == 403, path
        expect(vic.get_by_text("Admin", exact=False).first).to_be_visible()
    vic.goto("/apps/hello")
    delete = vic.get_by_role("button", name="Delete…")
    expect(delete).to_be_disabled()
    expect(delete.locator("xpath=..")).to_contain_text("Ask an Admin.")
    assert post(vic, "/apps/hello/delete", confirm="hello") == 403
    assert post(vic, "/team/invites", email="friend@example.com", role="admin") == 403
    expect(vic.get_by_role("heading", name="Hello")).to_be_visible()


def post(page: Page, path: str, **form: str) -> int:
    """As the form of a page would, were it there."""
    token = str(page.locator("meta[name=csrf]").get_attribute("content"))
    origin = str(page.evaluate("location.origin"))
    return page.request.post(path, form={**form, "csrf_token": token}, headers={"origin": origin}).status


def activity_tells_all(ada: Page) -> None:
    ada.goto("/activity")
    feed = ada.get_by_role("main")
    for words in (
        "set up Bakery as",
        "turned on the second factor of",
        "signed out",
        "signed in as",
        "invited",
        "accepted the invitation of",
    ):
        expect(feed.get_by_text(words).first).to_be_visible()


def audit_is_sealed(bakery: Serving) -> None:
    wait_until(lambda: "waiting" not in bakery.command("audit", "verify"), what="the worker seals the audit")
