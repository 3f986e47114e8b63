"""`bakery nodes`: what it says when something is not as it should be."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from bakery.cli.client import nodes
from tests.cli.conftest import Terminal

OVEN = "oven-7"


@pytest.fixture
def oven(shell: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Where no worker works: what is asked for waits."""
    monkeypatch.setattr(nodes, "_WORKER_TAKES", 0)
    shell.run("nodes", "remove", OVEN, "--yes")
    assert shell.run("nodes", "add", OVEN, "--host", "127.0.0.1", "--port", "9").exit_code == 0
    return shell


@pytest.fixture
def installed(tmp_path: Path, oven: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, str]]:
    """`bootstrap` with an ssh that does what it is told: its words, and what the shell there would have run."""

    def run(*options: str, ssh: str = "cat > /dev/null") -> tuple[Result, str]:
        told = tmp_path / "told"
        program = tmp_path / "ssh"
        program.write_text(f'#!/bin/sh\necho "$*" > {told}\n{ssh}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return oven.run("nodes", "bootstrap", OVEN, *options), told.read_text().strip()

    return run


def test_a_check_that_nobody_made_is_not_taken_for_the_last_one(oven: Terminal) -> None:
    ended = oven.run("nodes", "verify", OVEN)
    assert (ended.exit_code, ended.stderr.splitlines()) == (
        1,
        [
            f"Nobody has looked at {OVEN} yet: its check still waits.",
            "Hint: Does a worker of Bakery run? See: bakery doctor",
        ],
    )


def test_a_machine_that_was_installed_but_is_not_online_is_no_success(
    installed: Callable[..., tuple[Result, str]],
) -> None:
    ended, told = installed()
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"{OVEN} is installed, but Bakery cannot use it yet. ")
    assert told == "-p 9 -l root -- 127.0.0.1 bash -s --"


def test_what_the_installer_can_do_can_be_asked_for(installed: Callable[..., tuple[Result, str]]) -> None:
    _, told = installed("--ssh-user", "ops", "--take-over", "--with-postgres")
    assert told == "-p 9 -l ops -- 127.0.0.1 sudo bash -s -- --take-over --with postgres"


def test_the_line_has_what_was_asked_for(oven: Terminal) -> None:
    assert oven.run("nodes", "repair", OVEN).stdout.strip().endswith("bash install-node.sh)")
    line = oven.run("nodes", "repair", OVEN, "--take-over", "--with-postgres").stdout.strip()
    assert line.endswith("bash install-node.sh --with postgres --take-over)")


def test_an_installer_that_does_not_end_is_told(oven: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(argv: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(argv, 1800)

    monkeypatch.setattr(subprocess, "run", never)
    ended = oven.run("nodes", "bootstrap", OVEN)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"The installer did not end on {OVEN} within 30 minutes.\nHint: ")


def test_whoever_interrupts_a_command_learns_where_it_goes_on(oven: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(nodes, "follow_log", interrupted)
    ended = oven.run("nodes", "exec", OVEN, "--", "sleep", "60")
    assert ended.exit_code == 130
    page = f"{oven.environ['BAKERY_URL']}/nodes/{OVEN}/jobs/"
    assert re.match(rf"Job \d+ goes on. Its page, where it can be cancelled: {re.escape(page)}\d+\n", ended.stderr)


@pytest.mark.parametrize(
    ("reason", "state", "said"),
    [
        ("ended with status 7", "failed", "Job 5 on oven-7 ended with status 7."),
        ("Its node did not answer.", "lost", "Its node did not answer."),
        ("", "cancelled", "Job 5 on oven-7 is cancelled."),
    ],
)
def test_how_a_command_ended_is_a_sentence(
    oven: Terminal, monkeypatch: pytest.MonkeyPatch, reason: str, state: str, said: str
) -> None:
    job = {"id": 5, "node": OVEN, "state": state, "reason": reason, "exit_status": 7}
    monkeypatch.setattr(nodes, "follow_log", lambda *_: job)
    ended = oven.run("nodes", "exec", OVEN, "--", "false")
    assert (ended.exit_code, ended.stderr) == (1, f"{said}\n")
