"""Docker's daemon, asked over its socket: values stay whole, for neither a shell, nor argv, nor a file carries them."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bakery.helper.programs import find_program
from bakery.helper.verbs import ROOTS_FOLDER
from bakery.helper.words import hinted

SOCKET = Path("/run/docker.sock")
PATIENCE = 60.0  # seconds for a daemon that is started anew
LONGEST_ANSWER = 120.0  # seconds between two bytes of it
LOOK_AGAIN = 0.2
# Another one counts or prunes, whoever asked for it: Docker does one at a time.
ALREADY = "operation is already running"
LONGEST_TURN = 300.0  # seconds that such a one may take
LONGEST_MESSAGE = 500
NOT_FOUND, CONFLICT, FIRST_ERROR = 404, 409, 400


class Away(Exception):
    """The daemon did not answer, or not to the end: it may have done what was asked."""


class Refused(Exception):
    """Docker's own words for why not."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message[:LONGEST_MESSAGE])
        self.status = status
        self.is_for_now = message.endswith(ALREADY)


class Connection(http.client.HTTPConnection):
    """HTTP to a socket in the file system."""

    def __init__(self, path: Path, within: float | None) -> None:
        super().__init__("docker", timeout=within)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Docker:
    """A call opens a connection of its own. Without a version in its path, a daemon speaks its newest."""

    def __init__(self, path: Path = SOCKET) -> None:
        self.path = path

    def ask(
        self,
        method: str,
        *path: str,
        told: object = None,
        within: float = LONGEST_ANSWER,
        query: dict[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - Docker's JSON
        """What it says; None for nothing. Raises Refused and Away."""
        try:
            content = self.open(method, *path, told=told, within=within, query=query).read()
        except (OSError, http.client.HTTPException) as error:
            raise Away(str(error) or type(error).__name__) from error
        return json.loads(content) if content else None

    def open(
        self,
        method: str,
        *path: str,
        told: object = None,
        headers: dict[str, str] | None = None,
        within: float | None = LONGEST_ANSWER,
        query: dict[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """For an answer that comes in pieces; reading these may raise OSError and HTTPException."""
        connection = Connection(self.path, within)
        target = "/" + "/".join(quote(part, safe="") for part in path) + (f"?{urlencode(query)}" if query else "")
        body = None if told is None else json.dumps(told).encode()
        try:
            connection.request(method, target, body, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            if answer.status >= FIRST_ERROR:
                raise Refused(answer.status, message_of(answer.read()))
        except PermissionError:
            sys.exit("Docker's socket on this machine is not open to the user that Bakery runs as.")
        except (OSError, http.client.HTTPException) as error:
            raise Away(str(error) or type(error).__name__) from error
        return answer

    def find(self, *path: str) -> Any:  # noqa: ANN401 - Docker's JSON
        """None when there is no such thing."""
        try:
            return self.ask("GET", *path)
        except Refused as refused:
            if refused.status == NOT_FOUND:
                return None
            raise


def message_of(content: bytes) -> str:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        return str(found["message"])
    return content.decode(errors="replace")


def patiently(act: Callable[[], Any], *, patience: float = PATIENCE) -> Any:  # noqa: ANN401 - whatever `act` returns
    """Does it again while the daemon is away, as it is for a moment when it is updated, or at the same for somebody
    else. It has to be repeatable."""
    began = time.monotonic()
    deadline = began + patience
    while True:
        try:
            return act()
        except Away as away:
            if not SOCKET.exists() and find_program("dockerd") is None:
                sys.exit(hinted("There is no Docker on this machine.", "Run the installer of nodes there."))
            if time.monotonic() > deadline:
                hint = "See why with: journalctl --unit docker --lines 50"
                sys.exit(hinted(f"Docker did not answer on this machine for {patience:.0f} s: {away}.", hint))
        except Refused as refused:
            if not refused.is_for_now or time.monotonic() > began + LONGEST_TURN:
                sys.exit(f"Docker refused: {refused}")
        time.sleep(LOOK_AGAIN)


def installation(root: Path) -> str:
    """Which Bakery has this folder: what bears another's label is not ours to touch."""
    try:
        return (root / "installation").read_text().strip()
    except FileNotFoundError:
        return "local" if root == ROOTS_FOLDER else f"local:{root}"


def socket_group() -> int:
    """Whose members may speak to Docker."""
    return SOCKET.stat().st_gid
