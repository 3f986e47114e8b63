"""A real Chromium, and pages in it whose scripts make no mistakes."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bakery.model.secret import Secret

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def a_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def a_page(browser: Browser, base_url: str, *, scripts: bool = True) -> Iterator[Page]:
    """In a context of its own. What a script throws, and what the policy refuses, is an error."""
    context = browser.new_context(base_url=base_url, java_script_enabled=scripts)
    context.set_default_timeout(15_000)
    page = context.new_page()
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        yield page
    finally:
        context.close()
    assert complaints == [], complaints


def sign_in(page: Page, email: str, password: Secret) -> None:
    page.goto("login")  # below the path of the base URL, if it has one
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password.reveal())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_attached()
