"""A real `bakery serve`: a process of its own, with its own data folder, on its own port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from bakery.settings import Settings, read_settings
from tests.support.waiting import wait_until

# Nor what keeps Python from keeping what it compiled: every start would take half a second longer.
_NOT_ITS_OWN = ("BAKERY_", "DATABASE_", "PYTHONDONTWRITEBYTECODE")
BAKERY = (str(Path(sys.executable).with_name("bakery")),)


class Serving:
    """`program` is what stands for the command `bakery`; `arguments` are those of `serve`."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], program: Sequence[str] = BAKERY, arguments: Sequence[str] = ()
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_ITS_OWN)},
            "BAKERY_DATA_DIR": str(folder / "control"),
            "BAKERY_NODE_DIR": str(folder / "node"),
            "BAKERY_PORT": str(port),
            "BAKERY_ACME_DIRECTORY": "none",
            **environ,
        }
        self._folder = folder
        self.argv = [*program, "serve", *arguments]
        self._log = folder / f"serve-{port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        return read_settings(self.environ)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(self) -> float:
        """Returns after the first 200: the seconds since the exec."""
        began = time.perf_counter()
        self.launch()
        wait_until(self._is_up, what=f"bakery serve answers; its log is {self._log}", seconds=60)
        return time.perf_counter() - began

    def launch(self) -> None:
        """Returns at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.argv, env=self.environ, cwd=self._folder, stdout=log, stderr=log)

    def stop(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """What it told the terminal so far."""
        return self._log.read_text()

    def command(self, *arguments: str, stdin: str = "") -> str:
        """What another command on the same server printed."""
        argv = [*BAKERY, *arguments]
        return subprocess.run(
            argv, env=self.environ, input=stdin, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def _is_up(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"bakery serve ended:\n{self.said()}")
        try:
            return httpx.get(f"{self.url}/login", trust_env=False, follow_redirects=True).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def serving(folder: Path, *arguments: str, program: Sequence[str] = BAKERY, **environ: str) -> Iterator[Serving]:
    bakery = Serving(folder, environ, program, arguments)
    try:
        bakery.start()
        yield bakery
    finally:
        bakery.stop()
