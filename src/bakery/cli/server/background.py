"""Bakery in the background: a systemd unit where there is systemd, else a process in a session of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from bakery.cli.server.installed_code import fingerprint, is_noted, note
from bakery.commands.systemd import render_control_plane, render_environment
from bakery.model.errors import NotReady
from bakery.model.secret import Secret
from bakery.settings import KNOWN, Settings

_UNIT = Path("/etc/systemd/system/bakery.service")
_BEGIN, _END = 5.0, 40.0  # seconds
_SHOWN = 12  # lines
# The process notes who it is before it becomes Bakery: so the note is there even when we are killed right now.
_NOTE_AND_BECOME = 'cat "/proc/$$/stat" >"$1" && shift && exec "$@"'


class Background(Protocol):
    def start(self) -> bool:
        """Whether it had to: False when it runs already as it should."""

    def stop(self) -> None: ...

    def is_running(self) -> bool: ...

    def last_words(self) -> str: ...


def background(settings: Settings, arguments: Sequence[str]) -> Background:
    argv = [str(Path(sys.executable).with_name("bakery")), "serve", *arguments]
    if os.geteuid() == 0 and Path("/run/systemd/system").is_dir():
        return Unit(settings, argv)
    return Detached(settings, argv)


@dataclass(frozen=True, slots=True)
class Unit:
    """bakery.service. It starts with the machine."""

    settings: Settings
    argv: Sequence[str]

    def start(self) -> bool:
        variables = {
            setting.name: Secret(os.environ[setting.name]) for setting in KNOWN if os.environ.get(setting.name)
        }
        _expect_own_unit()
        code = fingerprint()
        environment = self.settings.data_dir / "bakery.env"
        changed = _write(environment, render_environment(variables).reveal(), 0o600)
        changed |= _write(
            _UNIT, render_control_plane(self.argv, PurePosixPath(Path.cwd()), PurePosixPath(environment)), 0o644
        )
        if changed:
            _systemctl("daemon-reload")
        elif self.is_running() and is_noted(self.settings, code):
            return False
        _systemctl("enable", "--quiet", _UNIT.name)
        _systemctl("restart", _UNIT.name)
        note(self.settings, code)
        return True

    def stop(self) -> None:
        if _UNIT.exists():
            _expect_own_unit()
            _systemctl("disable", "--quiet", "--now", _UNIT.name)

    def is_running(self) -> bool:
        done = subprocess.run(["systemctl", "is-active", "--quiet", _UNIT.name], check=False)
        return done.returncode == 0

    def last_words(self) -> str:
        """Of the last attempt, without what systemd itself says about it."""
        attempt = _systemctl("show", "--property=InvocationID", "--value", _UNIT.name)
        argv = ["journalctl", f"_SYSTEMD_INVOCATION_ID={attempt}", f"--lines={_SHOWN}", "--output=cat", "--no-pager"]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


@dataclass(frozen=True, slots=True)
class Detached:
    """A process that outlives the terminal. After a restart of the machine somebody starts it again."""

    settings: Settings
    argv: Sequence[str]

    @property
    def _note(self) -> Path:
        return self.settings.data_dir / "bakery.pid"

    @property
    def log(self) -> Path:
        return self.settings.logs_dir / "bakery.log"

    def start(self) -> bool:
        running, code = self._running(), fingerprint()
        if running and running.argv[-len(self.argv) :] == self.argv and is_noted(self.settings, code):
            return False
        self.stop()
        self.settings.logs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # one start, one log, and that of the start before
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", _NOTE_AND_BECOME, "sh", str(self._note), *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _within(_BEGIN, lambda: self.is_running() or process.poll() is not None)
        note(self.settings, code)
        return True

    def stop(self) -> None:
        running = self._running()
        if running is None:
            return
        os.kill(running.pid, signal.SIGTERM)
        if not _within(_END, lambda: self._running() is None):
            os.kill(running.pid, signal.SIGKILL)
        self._note.unlink(missing_ok=True)

    def is_running(self) -> bool:
        return self._running() is not None

    def last_words(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-_SHOWN:])
        except OSError:
            return ""

    def _running(self) -> "_Process | None":
        """The process that we started; a number that another process has by now is not it."""
        try:
            noted = self._note.read_text()
            running = Path(f"/proc/{int(noted.split()[0])}")
            if _began(noted) == _began((running / "stat").read_text()):
                return _Process(int(running.name), (running / "cmdline").read_text().split("\0")[:-1])
        except (OSError, ValueError, IndexError):
            pass
        return None


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    argv: list[str]


def _began(stat: str) -> int:
    """In ticks since the machine started, from a process's line in /proc. 0: it has ended and waits to be reaped."""
    state, *rest = stat.rpartition(")")[2].split()
    return 0 if state == "Z" else int(rest[18])


def _within(seconds: float, is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _write(path: Path, text: str, mode: int) -> bool:
    """Says whether it changed anything."""
    if path.exists() and path.read_text() == text:
        return False
    aside = path.with_name(f".{path.name}.new")
    aside.touch(mode=mode)
    aside.chmod(mode)
    aside.write_text(text)
    aside.replace(path)
    return True


def _expect_own_unit() -> None:
    """The unit of another clone, which is still there, is neither changed nor stopped."""
    text = _UNIT.read_text() if _UNIT.exists() else ""
    folder = next((line.partition("=")[2] for line in text.splitlines() if line.startswith("WorkingDirectory=")), "")
    other = Path(folder.replace("%%", "%"))
    if folder and other != Path.cwd() and other.is_dir():
        raise NotReady(
            f"{_UNIT.name} on this machine belongs to the Bakery in {other}.",
            hint=f"Run scripts/up there, or remove {other} first.",
        )


def _systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(
            f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}",
            hint=f"See: journalctl --unit {_UNIT.name}",
        )
    return done.stdout.strip()
