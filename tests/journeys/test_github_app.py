"""A GitHub App is made with a real browser: from the settings to GitHub and back, installed, chosen from, forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.github_double.deliveries import of_app
from tests.github_double.server import GitHubDouble, a_github
from tests.github_double.world import App
from tests.hooks.pushes import github as a_push
from tests.journeys.working import a_working_bakery
from tests.support.chromium import a_page, sign_in
from tests.support.github_apps import with_code
from tests.support.morning import ADMIN
from tests.support.people import PASSWORD
from tests.support.postgres import new_database, url_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def github() -> Iterator[GitHubDouble]:
    with a_github() as double:
        double.world.repository("acme/shop", main="a" * 40, trunk="b" * 40)
        double.world.repository("acme/hidden")
        yield double


@pytest.fixture
def page(browser: Browser, database_server: str, migrated_template: str, tmp_path: Path) -> Iterator[Page]:
    """An Admin's, at a Bakery of its own that runs apps and knows its address."""
    with (
        new_database(database_server, template=migrated_template) as database,
        a_working_bakery(tmp_path, DATABASE_URL=url_of(database)) as bakery,
    ):
        bakery.command("admin", "create", ADMIN, "--password-stdin", stdin=PASSWORD.reveal())
        with a_page(browser, bakery.url) as opened:
            sign_in(opened, ADMIN, PASSWORD)
            opened.goto("/settings/general")
            opened.get_by_label("Base URL").fill(bakery.url)
            opened.get_by_role("button", name="Save").click()
            expect(opened.get_by_text("Settings saved.")).to_be_visible()
            yield opened


def make_app(page: Page, github: GitHubDouble) -> App:
    """As a person does."""
    page.goto("/settings/github")
    page.get_by_role("link", name="Create a GitHub App").click()
    page.get_by_label("Organisation").fill("acme")
    page.get_by_label("Server").fill(github.url)
    page.get_by_role("button", name="Use these").click()
    page.get_by_role("button", name="Create it at GitHub").click()
    expect(page.get_by_text("The GitHub App is made.")).to_be_visible()
    return next(iter(github.world.apps.values()))


def test_a_push_is_live_by_the_app_alone(page: Page, github: GitHubDouble, tmp_path: Path) -> None:
    """No link, no token, no webhook in the repository."""
    github.world.git = tmp_path / "at-github"
    github.world.git.mkdir()
    crumbs = with_code(github, "acme/crumbs")
    app = make_app(page, github)
    installation = github.world.install(app, "acme", "acme/crumbs")
    page.get_by_role("button", name="Look again").click()

    page.goto("/apps/new/github?repository=acme/crumbs&of=acme")
    page.get_by_role("button", name="Use this branch").click()
    for _ in range(4):
        page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("button", name="Create and deploy").click()
    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)

    repository = github.world.repositories["acme/crumbs"]
    before, after = repository.branches["main"], crumbs.commit("Better", {"index.html": "better"})
    repository.branches["main"] = after
    told = {"id": repository.id, "full_name": "acme/crumbs", "clone_url": crumbs.url}
    payload = {**a_push(before, after), "repository": told, "installation": {"id": installation.id}}
    assert of_app(app, app.hook_url, "push", payload).send() == 202
    page.goto("/apps/crumbs/deployments/2")
    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)
    expect(page.get_by_text(after[:7]).first).to_be_visible()
    assert repository.hooks == {}
    wait_until(lambda: "success" in {one["state"] for one in repository.statuses}, what="GitHub is told", seconds=30)


def test_an_app_is_made_at_github_and_chosen_from(page: Page, github: GitHubDouble) -> None:
    app = make_app(page, github)
    expect(page.get_by_role("link", name="Install on an account")).to_be_visible()
    installation = github.world.install(app, "acme", "acme/shop")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("listitem").filter(has_text="1 repository: acme/shop")).to_be_visible()

    page.goto("/apps/new")
    page.get_by_role("link", name="Choose from GitHub").click()
    expect(page.get_by_text("acme/hidden")).not_to_be_attached()
    page.get_by_role("link", name="Choose acme/shop").click()
    page.get_by_label("Branch", exact=True).select_option("trunk")
    page.get_by_role("button", name="Use this branch").click()
    expect(page.get_by_text("The GitHub App opens it.")).to_be_visible()
    expect(page.get_by_label("Address of the repository")).to_have_value(f"{github.url}/acme/shop.git")

    github.world.change(installation, suspended=True)
    page.goto("/settings/github")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("acme suspended the GitHub App.")).to_be_visible()
    page.get_by_role("button", name="Forget the App…").click()
    expect(page.get_by_role("dialog").get_by_text("No app is opened by it.")).to_be_visible()
    page.get_by_role("button", name="Forget the App", exact=True).click()
    expect(page.get_by_text("The GitHub App is forgotten here.")).to_be_visible()
