"""What every test may ask for."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import name_of, new_database, quick_folder, running_server

pytest_plugins = ["tests.lab.fixtures", "tests.delivery.fault_record"]


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Async tests run on the event loop that Bakery runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    with quick_folder() as folder, running_server(folder) as server:
        yield server


@pytest.fixture
def database_url(database_server: str) -> Iterator[str]:
    """An empty database."""
    with new_database(database_server) as database:
        yield database


@pytest.fixture(scope="session")
def migrated_template(database_server: str) -> Iterator[str]:
    from bakery.store import migrate  # noqa: PLC0415 - it loads SQLAlchemy, which most tests do without

    with new_database(database_server) as database:
        migrate.upgrade(database)
        yield name_of(database)


@pytest.fixture
def migrated_database_url(database_server: str, migrated_template: str) -> Iterator[str]:
    """A database with all migrations applied, and nothing in it."""
    with new_database(database_server, template=migrated_template) as database:
        yield database
