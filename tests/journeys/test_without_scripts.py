"""With JavaScript off."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import a_page, sign_in
from tests.support.morning import ADMIN, PAGES, Morning
from tests.support.people import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(browser: Browser, morning: Morning) -> Iterator[Page]:
    with a_page(browser, morning.serving.url, scripts=False) as page:
        yield page


def test_everything_is_read_a_form_is_sent_and_one_signs_out(plain: Page) -> None:
    sign_in(plain, ADMIN, PASSWORD)
    for path in PAGES.values():
        plain.goto(path)
        expect(plain.get_by_role("heading", level=1)).to_be_visible()
    expect(plain.get_by_text("Ctrl K")).to_be_hidden()

    plain.goto("/account/profile")
    plain.get_by_label("Name").fill("Ada Q.")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_label("Name")).to_have_value("Ada Q.")

    plain.get_by_role("button", name="Sign out", exact=True).click()
    expect(plain.get_by_role("heading", name="Sign in to Bakery")).to_be_visible()


def test_steps_open_and_lines_have_addresses(plain: Page) -> None:
    sign_in(plain, ADMIN, PASSWORD)
    plain.goto(PAGES["deployment-failed"])

    plain.get_by_role("link", name="Go to the line").click()

    expect(plain.get_by_text("FileNotFoundError").last).to_be_in_viewport()
