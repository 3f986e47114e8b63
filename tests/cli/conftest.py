import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from typer.testing import CliRunner, Result

from bakery.cli.program import program
from bakery.store.store import Store
from tests.cli.server import Server, a_server
from tests.support.people import a_token, an_admin
from tests.support.postgres import new_database
from tests.support.store import a_store

_NOTHING: dict[str, str | None] = {name: None for name in os.environ if name.startswith("BAKERY_")}


class Terminal:
    """Somebody's shell: the commands with its environment. There is no terminal to ask at."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)

    def run(self, *words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(program, words, env=_NOTHING | self.environ, input=stdin, catch_exceptions=False)


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def live_database(database_server: str, migrated_template: str) -> Iterator[str]:
    with new_database(database_server, template=migrated_template) as database:
        yield database


@pytest.fixture(scope="session")
def live_store(live_database: str, portal: BlockingPortal) -> Iterator[Store]:
    with portal.wrap_async_context_manager(a_store(live_database)) as store:
        yield store


@pytest.fixture(scope="session")
def server(live_database: str) -> Iterator[Server]:
    """One for all: each test has an app of its own name. Apps' accounts have to come into its folder."""
    with tempfile.TemporaryDirectory(prefix="bakery-cli-") as folder:
        Path(folder).chmod(0o755)
        with a_server(live_database, Path(folder)) as server:
            yield server


@pytest.fixture(scope="session")
def token(server: Server, live_store: Store, portal: BlockingPortal) -> str:
    """An Admin's."""

    async def make() -> str:
        return (await a_token(live_store, await an_admin(live_store))).reveal()

    return portal.call(make)


@pytest.fixture
def shell(server: Server, token: str, tmp_path: Path) -> Terminal:
    """Of an Admin, anywhere."""
    return Terminal({"BAKERY_URL": server.url, "BAKERY_TOKEN": token, "HOME": str(tmp_path)})


@pytest.fixture
def stranger(server: Server, tmp_path: Path) -> Terminal:
    """Nobody has signed in here."""
    return Terminal({"HOME": str(tmp_path)})


@pytest.fixture
def console(server: Server) -> Terminal:
    """On the server."""
    return Terminal(server.environ)
