import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.faults.outside import Outside
from tests.faults.site import a_bakery, end, end_programs, program_at, token_of
from tests.support.serving import Serving
from tests.support.waiting import wait_until


@pytest.fixture
def new_bakery(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Makes one in the test's folder, to be started. In the end none of them runs."""
    made: list[Serving] = []

    def make(*arguments: str, **environ: str) -> Serving:
        made.append(a_bakery(tmp_path, *arguments, **environ))
        return made[-1]

    yield make
    for bakery in made:  # all of them, before one of them starts what another ended
        bakery.process.kill()
    for bakery in made:
        end(bakery)


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Bakery that has been started, has made its node, and has been stopped."""
    folder = tmp_path_factory.mktemp("bakery")
    bakery = a_bakery(folder)
    bakery.start()
    with program_at(bakery, token_of(bakery)) as program:
        wait_until(lambda: "local" in program.get("/api/nodes").text, what="the machine is a node", seconds=30)
    bakery.stop()
    end_programs(bakery)
    wait_until(lambda: not (folder / "node/nginx/nginx.pid").exists(), what="its nginx has ended")
    return folder


@pytest.fixture
def bakery(first_start: Path, new_bakery: Callable[..., Serving]) -> Serving:
    """It runs."""
    running = new_bakery()
    subprocess.run(
        ["cp", "-a", f"{first_start}/control", f"{first_start}/node", running.settings.data_dir.parent], check=True
    )
    running.start()
    return running


@pytest.fixture
def outside(first_start: Path, tmp_path: Path) -> Iterator[Outside]:
    """It runs, with Bakery's database on it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    subprocess.run(["cp", "-a", first_start / "control/postgres", folder], check=True)
    subprocess.run(["cp", "-a", first_start / "node", tmp_path], check=True)
    (tmp_path / "control").mkdir()
    subprocess.run(["cp", "-a", first_start / "control/encryption.key", tmp_path / "control"], check=True)
    with start_blocking_portal() as portal:
        server = Outside(folder, portal)
        server.start()
        yield server
        server.stop()
