"""Without a mouse."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_the_palette_goes_anywhere(morning_page: Page) -> None:
    morning_page.goto("/")
    morning_page.keyboard.press("Control+k")
    search = morning_page.get_by_role("combobox")
    expect(search).to_be_focused()
    expect(morning_page.get_by_role("option", selected=True)).to_be_visible()

    morning_page.keyboard.type("s")
    options = morning_page.get_by_role("option")
    expect(options.nth(1)).to_be_visible()
    morning_page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    morning_page.keyboard.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "true")
    search.fill("blog")
    expect(options).to_have_count(1)
    morning_page.keyboard.press("Enter")

    expect(morning_page.get_by_role("heading", level=1)).to_have_text("Blog")


def test_keys_lead_to_pages_and_to_the_list_of_keys(morning_page: Page) -> None:
    morning_page.goto("/")
    morning_page.keyboard.press("g")
    morning_page.keyboard.press("a")
    expect(morning_page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()

    morning_page.keyboard.press("?")
    expect(morning_page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    morning_page.keyboard.press("Escape")
    expect(morning_page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_brackets_walk_through_tabs(morning_page: Page) -> None:
    morning_page.goto("/apps/shop")
    morning_page.keyboard.press("]")
    morning_page.wait_for_url("**/apps/shop/deployments")
    morning_page.keyboard.press("[")
    morning_page.wait_for_url("**/apps/shop")

    morning_page.goto("/apps/shop/terminal")
    morning_page.keyboard.press("Escape")
    morning_page.get_by_role("heading", level=1).click()  # out of the terminal, which hears every key
    morning_page.keyboard.press("]")
    morning_page.wait_for_url("**/apps/shop/settings")
    expect(morning_page.get_by_role("link", name="General")).to_have_attribute("aria-current", "page")
    morning_page.keyboard.press("]")
    morning_page.wait_for_url("**/apps/shop/source")
    morning_page.keyboard.press("[")
    morning_page.keyboard.press("[")
    morning_page.wait_for_url("**/apps/shop/settings")


def test_the_palette_opens_with_where_one_was(morning_page: Page) -> None:
    for path in ("/apps/shop/logs", "/team", "/"):
        morning_page.goto(path)
    morning_page.keyboard.press("/")

    options = morning_page.get_by_role("option")
    expect(options.first).to_have_text("Team")
    expect(options.nth(1)).to_contain_text("shop")
    morning_page.keyboard.press("Enter")
    morning_page.wait_for_url("**/team")


def test_n_d_and_l_act_on_the_app_that_is_open(morning_page: Page) -> None:
    morning_page.goto("/apps/api/source")
    morning_page.keyboard.press("l")
    morning_page.wait_for_url("**/apps/api/logs")
    morning_page.keyboard.press("d")
    morning_page.wait_for_url("**/apps/api/deploy")
    morning_page.get_by_role("heading", level=1).click()
    morning_page.keyboard.press("n")
    morning_page.wait_for_url("**/apps/new")


def test_the_first_tab_stop_skips_to_the_content(morning_page: Page) -> None:
    morning_page.goto("/apps")
    morning_page.keyboard.press("Tab")
    skip = morning_page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()

    morning_page.keyboard.press("Enter")
    expect(morning_page.locator("#main")).to_be_focused()


def test_a_dialog_takes_the_focus_and_gives_it_back(morning_page: Page) -> None:
    morning_page.goto("/apps/docs")
    opener = morning_page.get_by_role("button", name="Stop…")
    opener.focus()
    morning_page.keyboard.press("Enter")
    dialog = morning_page.get_by_role("dialog", name="Stop Documentation?")
    expect(dialog.get_by_role("button", name="Keep it running")).to_be_focused()

    for _ in range(5):
        morning_page.keyboard.press("Tab")
        assert morning_page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    morning_page.keyboard.press("Escape")

    expect(opener).to_be_focused()
