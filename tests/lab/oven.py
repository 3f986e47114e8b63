"""A node that was made by its installer, and the Bakery that it belongs to."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.faults.site import a_bakery, end, program_at, token_of
from tests.lab.lab import Lab
from tests.lab.nodes import SSH, Node
from tests.support.serving import BAKERY, Serving
from tests.support.waiting import wait_until

NAME = "oven-1"


@dataclass
class Oven:
    """The node, and the Bakery that it belongs to."""

    node: Node
    bakery: Serving
    token: str
    http: httpx.Client
    name: str = NAME

    def get(self, path: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/api/nodes/{self.name}{path}").raise_for_status().json()
        return found

    def wait_for(self, state: str, *, seconds: float = 60) -> dict[str, Any]:
        wait_until(lambda: self.get()["state"] == state, what=f"{self.name} is {state}", seconds=seconds)
        return self.get()

    def run(self, *words: str, seconds: int = 600) -> int:
        asked = self.http.post(f"/api/nodes/{self.name}/jobs", json={"command": list(words), "seconds": seconds})
        return int(asked.raise_for_status().json()["id"])

    def job(self, number: int) -> dict[str, Any]:
        return self.get(f"/jobs/{number}")

    def finish(self, number: int, *, seconds: float = 120) -> dict[str, Any]:
        def is_over() -> bool:
            try:
                return self.job(number)["ended_at"] is not None
            except httpx.HTTPError:
                return False

        wait_until(is_over, what=f"job {number} ends", seconds=seconds)
        return self.job(number)

    def log(self, number: int) -> bytes:
        return self.http.get(f"/api/nodes/{self.name}/jobs/{number}/log").raise_for_status().content

    def has_said(self, number: int, text: bytes) -> bool:
        return text in self.log(number)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line of an Admin, about nodes."""
        return self.program("nodes", *arguments)

    def program(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "BAKERY_URL": self.bakery.url, "BAKERY_TOKEN": self.token}
        return subprocess.run(
            [*BAKERY, *arguments], env=environ, input=stdin, capture_output=True, text=True, timeout=120, check=False
        )


@contextmanager
def an_oven(lab: Lab, folder: Path, **environ: str) -> Iterator[Oven]:
    bakery = a_bakery(folder, **environ)
    bakery.start()
    with lab.node() as node:
        token = token_of(bakery)
        try:
            with program_at(bakery, token) as http:
                yield made_a_node(Oven(node, bakery, token, http))
        finally:
            end(bakery)


def made_a_node(oven: Oven) -> Oven:
    """By its installer, which waits for the first handshake."""
    place = {"slug": oven.name, "host": "127.0.0.1", "port": oven.node.ports[SSH]}
    oven.http.post("/api/nodes", json=place).raise_for_status()
    wait_until(lambda: "Permission denied" in oven.get()["trouble"], what="Bakery has knocked", seconds=30)
    made = oven.http.post(f"/api/nodes/{oven.name}/bootstrap").raise_for_status().json()
    served = oven.http.get(made["url"]).raise_for_status().text
    assert served == made["script"]
    assert hashlib.sha256(served.encode()).hexdigest() == made["sha256"]
    oven.node.run("bash", "-s", stdin=served.encode(), timeout=600)
    oven.wait_for("online")
    wait_until(lambda: oven.get()["checks"] and not oven.get()["is_checking"], what="it was verified", seconds=60)
    assert oven.http.get(made["url"]).status_code == 404
    return oven
