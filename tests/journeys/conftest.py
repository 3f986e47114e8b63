"""One browser and two Bakeries for all journeys: one that runs apps, and one with a busy morning behind it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.working import a_working_bakery
from tests.support.chromium import a_chromium, a_page, sign_in
from tests.support.morning import ADMIN, Morning, a_morning
from tests.support.people import PASSWORD
from tests.support.postgres import new_database, url_of
from tests.support.serving import Serving


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with a_chromium() as started:
        yield started


@pytest.fixture(scope="package")
def bakery(database_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """With a node of its own that runs apps, and ADMIN, whose password is PASSWORD."""
    folder = tmp_path_factory.mktemp("bakery")
    with new_database(database_server) as database, a_working_bakery(folder, DATABASE_URL=url_of(database)) as serving:
        serving.command("admin", "create", ADMIN, "--password-stdin", stdin=PASSWORD.reveal())
        yield serving


@pytest.fixture(scope="package")
def morning(
    database_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Morning]:
    folder = tmp_path_factory.mktemp("morning")
    with new_database(database_server, template=migrated_template) as database, a_morning(database, folder) as served:
        yield served


@pytest.fixture
def page(browser: Browser, bakery: Serving) -> Iterator[Page]:
    """An Admin's, at the Bakery that runs apps."""
    with a_page(browser, bakery.url) as opened:
        sign_in(opened, ADMIN, PASSWORD)
        yield opened


@pytest.fixture(scope="module")
def morning_page(browser: Browser, morning: Morning) -> Iterator[Page]:
    """An Admin's, at the Bakery that nothing moves."""
    with a_page(browser, morning.serving.url) as opened:
        sign_in(opened, ADMIN, PASSWORD)
        yield opened
