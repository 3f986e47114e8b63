"""The disk of the control plane fills up: nothing is stored by half, and all goes on when there is space again."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.delivery.fleet import packed
from tests.faults.site import a_bakery, answers, browser_at, end, make_app, program_at, token_of, without_traceback
from tests.support.serving import Serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.lab  # mounting a small disk needs root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "bakery-test", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture
def on_small_disk(small_disk: Path) -> Iterator[Serving]:
    bakery = a_bakery(small_disk)
    bakery.start()
    yield bakery
    end(bakery)


def test_a_full_disk(on_small_disk: Serving, small_disk: Path) -> None:
    token = token_of(on_small_disk)
    with browser_at(on_small_disk) as browser, program_at(on_small_disk, token) as program:
        ballast = small_disk / "ballast"
        fill(ballast)
        for number in range(40):
            answer = program.post("/api/apps", json={"slug": f"app-{number}", "command": "python3 app.py"})
            expect_sense(answer)
        for path in ("/account/security", "/api/apps"):
            expect_sense((program if path.startswith("/api") else browser).get(path))
        assert browser.get("/healthz").status_code == 200
        ballast.unlink()
        wait_until(lambda: answers(browser, "/readyz") == 200, what="it is ready again", seconds=30)
        make_app(program, "shop")
        assert browser.get("/account/security").status_code == 200
    assert without_traceback(on_small_disk.said())


def test_an_upload_that_does_not_fit_is_refused_in_words(on_small_disk: Serving, small_disk: Path) -> None:
    folder = packed({"a": secrets.token_hex(200_000)})
    with program_at(on_small_disk, token_of(on_small_disk)) as program:
        wait_until(lambda: "local" in program.get("/api/nodes").text, what="the machine is a node", seconds=30)
        make_app(program, "shop")
        ballast = small_disk / "ballast"
        fill(ballast)
        refused = program.post("/api/apps/shop/sources", content=folder)
        assert (refused.status_code, refused.headers["content-type"]) == (507, "application/problem+json")
        assert refused.json()["detail"] == "There is no space left for the upload on the node local."
        assert refused.json()["hint"].startswith("Make some below ")
        assert list((on_small_disk.settings.node_dir / "uploads").iterdir()) == []
        ballast.unlink()
        wait_until(lambda: answers(program, "/readyz") == 200, what="it is ready again", seconds=30)
        assert program.post("/api/apps/shop/sources", content=folder).status_code == 201
    assert without_traceback(on_small_disk.said())


def fill(ballast: Path) -> None:
    """Until nothing more fits."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(64 * 1024)):
                pass
        except OSError:
            return


def expect_sense(answer: httpx.Response) -> None:
    """It is done, or it is said that it cannot be done now: never a fault of ours."""
    assert answer.status_code in {200, 201, 503}, answer.text
