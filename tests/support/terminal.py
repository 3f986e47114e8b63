"""Somebody at a terminal of their own, far from the server: the commands that are clients of the API."""

import json
import subprocess
from dataclasses import dataclass

from tests.support.serving import BAKERY, Serving


@dataclass(frozen=True)
class Terminal:
    url: str
    token: str

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": "/usr/bin:/bin", "BAKERY_URL": self.url, "BAKERY_TOKEN": self.token}
        return subprocess.run(
            [*BAKERY, *arguments], env=environ, capture_output=True, text=True, timeout=60, check=False
        )

    def run(self, *arguments: str) -> str:
        """What a command that must succeed printed."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


def a_terminal(bakery: Serving, email: str) -> Terminal:
    return Terminal(bakery.url, json.loads(bakery.command("admin", "token", email, "--json"))["token"])
