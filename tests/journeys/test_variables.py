"""Secret values in a browser: shown to who asks, for half a minute."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import a_page, sign_in
from tests.support.morning import ADMIN, Morning
from tests.support.people import PASSWORD

pytestmark = pytest.mark.browser
VALUE = "sk_live_of_the_morning"


@pytest.fixture
def timed(browser: Browser, morning: Morning) -> Iterator[Page]:
    """Its clock is ours."""
    with a_page(browser, morning.serving.url) as page:
        page.clock.install()
        sign_in(page, ADMIN, PASSWORD)
        yield page


def test_a_revealed_value_hides_itself_after_half_a_minute(timed: Page) -> None:
    timed.goto("/apps/shop/variables")
    expect(timed.get_by_text(VALUE)).to_have_count(0)
    timed.get_by_role("button", name="Reveal STRIPE_KEY").click()
    expect(timed.get_by_text(VALUE)).to_be_visible()
    assert timed.url.endswith("/apps/shop/variables")
    expect(timed.locator("tr.htmx-added")).to_have_count(0)  # from here on its half minute runs
    timed.clock.fast_forward(29_000)
    expect(timed.get_by_text(VALUE)).to_be_visible()
    timed.clock.fast_forward(2_000)
    expect(timed.get_by_text(VALUE)).to_have_count(0)
    expect(timed.get_by_role("button", name="Reveal STRIPE_KEY")).to_be_visible()


def test_a_revealed_value_is_hidden_by_hand(timed: Page) -> None:
    timed.goto("/apps/shop/variables")
    timed.get_by_role("button", name="Reveal STRIPE_KEY").click()
    timed.get_by_role("link", name="Hide STRIPE_KEY").click()
    expect(timed.get_by_text(VALUE)).to_have_count(0)


def test_without_scripts_a_value_is_revealed_and_one_is_removed(browser: Browser, morning: Morning) -> None:
    with a_page(browser, morning.serving.url, scripts=False) as plain:
        sign_in(plain, ADMIN, PASSWORD)
        plain.goto("/apps/shop/variables")
        plain.get_by_role("button", name="Reveal STRIPE_KEY").click()
        expect(plain.get_by_text(VALUE)).to_be_visible()

        plain.goto("/apps/api/variables?new=1")
        plain.get_by_label("Name").fill("GONE_SOON")
        plain.get_by_label("Value").fill("1")
        plain.get_by_role("main").get_by_role("button", name="Add variable").click()
        plain.get_by_role("link", name="Edit GONE_SOON").click()
        plain.get_by_role("button", name="Remove GONE_SOON").click()
        expect(plain.get_by_text("No variables yet")).to_be_visible()
