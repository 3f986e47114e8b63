"""What fault tests do with a Bakery that runs: ask it as a program does, deploy to it, and watch it."""

import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import httpx

from tests.delivery.fleet import packed
from tests.support.machine import a_free_port
from tests.support.serving import Serving
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
EMAIL, PASSWORD = "ada@example.com", "a long enough password"


def a_bakery(folder: Path, *arguments: str, **environ: str) -> Serving:
    """Not started. Nothing of this machine outside of the folder is changed by what it deploys."""
    program = program_of_a_user(folder)
    variables = {"BAKERY_ADMIN_EMAIL": EMAIL, "BAKERY_ADMIN_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT), **environ}
    return Serving(folder, variables, program, arguments)


def program_of_a_user(folder: Path) -> tuple[str, ...]:
    """That is not root on its node, whoever runs it."""
    return (sys.executable, "-m", "tests.support.bakery_of_a_user", str(folder / "node"), str(a_free_port()))


def site_port(bakery: Serving) -> int:
    """Where its nginx answers."""
    return int(bakery.argv[bakery.argv.index("serve") - 1])


def open_for_nginx(folder: Path) -> None:
    """Its workers pass through to it."""
    own = folder.relative_to(tempfile.gettempdir()).parts
    for each in (folder, *folder.parents[: len(own) - 1]):
        each.chmod(0o711)


def end(bakery: Serving) -> None:
    """Whatever the test left, nothing of it runs on."""
    bakery.process.kill()
    bakery.process.wait()
    end_programs(bakery)


def end_programs(bakery: Serving) -> None:
    """What it started, and what outlives it: its nginx, apps, and what was about to start one of these."""

    def none_is_left() -> bool:
        node = bakery.settings.node_dir
        nginx = set(pids_in(node / "nginx"))
        others = {pid for part in ("units", "programs") for pid in pids_in(node / part)} - nginx
        for pid, number in [*((pid, signal.SIGTERM) for pid in nginx), *((pid, signal.SIGKILL) for pid in others)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)  # nginx ends its workers
        return not (nginx or others)

    wait_until(none_is_left, what="nothing of it runs")


def pids_in(folder: Path) -> Iterator[int]:
    """Processes that name the folder in their command line."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder).encode() in words:
            yield int(entry.name)


def token_of(bakery: Serving) -> str:
    made: str = json.loads(bakery.command("admin", "token", EMAIL, "--json"))["token"]
    return made


@contextmanager
def program_at(bakery: Serving, token: str) -> Iterator[httpx.Client]:
    """An Admin's program."""
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=bakery.url, headers=headers, trust_env=False, timeout=30) as http:
        yield http


@contextmanager
def browser_at(bakery: Serving, email: str = EMAIL) -> Iterator[httpx.Client]:
    """A browser of somebody who has signed in with PASSWORD."""
    with httpx.Client(base_url=bakery.url, headers={"origin": bakery.url}, trust_env=False, timeout=30) as http:
        answer = http.post("/login", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield http


def make_app(http: httpx.Client, slug: str) -> None:
    http.post("/api/apps", json={"slug": slug, "command": "python3 app.py"}).raise_for_status()


def deploy(http: httpx.Client, slug: str, files: Mapping[str, str]) -> int:
    source = http.post(f"/api/apps/{slug}/sources", content=packed(files)).raise_for_status().json()
    asked = http.post(f"/api/apps/{slug}/deployments", json={"source": source["id"]}).raise_for_status().json()
    return int(asked["number"])


def deployment(http: httpx.Client, slug: str, number: int) -> dict[str, object]:
    found: dict[str, object] = http.get(f"/api/apps/{slug}/deployments/{number}").raise_for_status().json()
    return found


def steps_of(found: dict[str, object]) -> dict[str, str]:
    steps = found["steps"]
    assert isinstance(steps, list)
    return {step["key"]: step["state"] for step in steps}


def wait_for_step(
    http: httpx.Client, slug: str, number: int, step: str, state: str = "running", *, seconds: float = 30
) -> None:
    wait_until(
        lambda: steps_of(deployment(http, slug, number)).get(step) == state,
        what=f"step {step} of {slug} #{number} is {state}",
        seconds=seconds,
    )


def wait_for_end(http: httpx.Client, slug: str, number: int, *, seconds: float = 40) -> dict[str, object]:
    wait_until(lambda: _has_ended(http, slug, number), what=f"{slug} #{number} ends", seconds=seconds)
    return deployment(http, slug, number)


def _has_ended(http: httpx.Client, slug: str, number: int) -> bool:
    """A database that is away for a moment says so with 503, which is to be asked again."""
    answer = http.get(f"/api/apps/{slug}/deployments/{number}")
    return answer.status_code != 503 and answer.raise_for_status().json()["ended_at"] is not None


def answers(http: httpx.Client, path: str) -> int:
    """The status; 0 for no answer at all."""
    try:
        return http.get(path).status_code
    except httpx.TransportError:
        return 0


class Viewer:
    """An open page: it follows `/events` and connects again where it was, as browsers do."""

    def __init__(self, bakery: Serving, token: str, topics: str) -> None:
        self._http = httpx.Client(
            base_url=bakery.url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=20
        )
        self._topics = topics
        self._position: str | None = None
        self._is_over = threading.Event()
        self.seen: list[str] = []
        self.connected = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.connected > 0, what="the page is connected")
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._http.close()
        self._thread.join(25)

    def _follow(self) -> None:
        while not self._is_over.is_set():
            with suppress(httpx.HTTPError, RuntimeError):  # a client that was closed says RuntimeError
                self._read()
            self._is_over.wait(0.3)

    def _read(self) -> None:
        again = {"last-event-id": self._position} if self._position else {}
        with self._http.stream("GET", "/events", params={"topics": self._topics}, headers=again) as answer:
            if answer.status_code != 200:
                return
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self._position = value
                elif (name, value) == ("event", "hello"):
                    self.connected += 1
                elif name == "data" and (found := re.search(r'"topic": "([^"]+)"', value)):
                    self.seen.append(found[1])


def without_traceback(said: str) -> bool:
    return "Traceback" not in said and "RuntimeWarning" not in said and '"level": "error"' not in said
