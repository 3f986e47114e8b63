"""From the dashboard to an app that is live, from nothing but the address of its repository."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.accessibility import violations
from tests.journeys.hand import Hand
from tests.support.chromium import a_page
from tests.support.git_server import GitServer, a_git_server
from tests.support.serving import Serving

pytestmark = pytest.mark.browser
NEW = "newcomer@example.com"
APP = Path(__file__).parents[2] / "examples/hello"


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


def test_a_folder_is_uploaded_in_the_browser_and_live(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "crumbs"
    shutil.copytree(APP, folder)
    for name, text in {"Procfile": "web: ./start\n", "start": "#!/bin/sh\nexec python3 app.py\n"}.items():
        (folder / name).write_text(text)
    deep = folder / ("a" * 60) / ("b" * 60) / "Brösel.txt"
    deep.parent.mkdir(parents=True)
    deep.write_text("crumbs")
    page.goto("/apps/new")
    page.get_by_role("radio", name="A folder").check()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_label("Process").check()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_label("Name", exact=True).fill("uploaded")
    page.get_by_role("button", name="Create app").click()

    page.get_by_role("button", name="Upload and deploy").click()
    expect(page.get_by_role("alert")).to_have_text("Choose a folder, or an archive of one.")
    assert violations(page) == []
    page.get_by_label("Folder", exact=True).set_input_files(folder)
    page.get_by_role("button", name="Upload and deploy").click()

    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)


def test_an_app_is_live_after_at_most_ten_clicks_and_three_typed_fields(
    browser: Browser, bakery: Serving, server: GitServer
) -> None:
    """Counted from the link that the start prints for the first Admin."""
    files = {path.name: path.read_text() for path in APP.iterdir() if path.is_file()}
    files |= {"Procfile": "web: python3 app.py\n", ".env.example": "GREETING=\n"}
    server.repository("Crumbs").commit("Bake", files)
    with a_page(browser, bakery.url) as page:
        from_the_first_link(page, bakery, server)


def from_the_first_link(page: Page, bakery: Serving, server: GitServer) -> None:
    bakery.command("admin", "create", NEW, "--password-stdin", stdin="was printed beside it")
    told = bakery.command("admin", "reset", NEW)
    link = re.search(r"/reset/\S+", told)
    assert link is not None
    page.goto(link[0])
    hand = Hand(page)

    hand.type_in("New password", "an oven that is mine")
    hand.click("Change password")
    hand.click("New app", is_link=True)
    hand.click("Continue")
    address = page.get_by_label("Address of the repository")
    expect(address).to_be_focused()
    expect(address).to_have_attribute("aria-invalid", "true")
    assert violations(page) == []

    with page.expect_response(lambda answer: answer.url.endswith("/apps/new/draft") and answer.ok):
        hand.type_in("Address of the repository", server.url("Crumbs"))
        page.keyboard.press("Tab")
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    page.reload()
    expect(address).to_have_value(server.url("Crumbs"))

    hand.click("Continue")
    expect(page.get_by_role("heading", name="Build")).to_be_focused()
    expect(page.get_by_text("main@")).to_contain_text("Bake")
    hand.choose("Process")
    assert violations(page) == []
    hand.click("Continue")
    expect(page.get_by_label("Name", exact=True)).to_have_value("crumbs")
    expect(page.get_by_text("Nobody has this name.")).to_be_visible()
    assert violations(page) == []
    hand.click("Continue")
    hand.type_in("GREETING", "Good morning")
    assert violations(page) == []
    hand.click("Continue")
    expect(page.get_by_role("main").locator(".facts")).to_contain_text("1 with a value")
    hand.click("Create and deploy")

    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)
    assert (hand.clicks <= 10, hand.typed <= 3) == (True, True), hand
    page.goto("/apps/new")
    expect(address).to_have_value("")
