"""What is peculiar to this machine; test_transports.py has what it shares with others."""

from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.model.secret import Secret
from bakery.nodes.local import LocalTransport


@pytest.fixture
def machine() -> LocalTransport:
    return LocalTransport()


async def test_children_do_not_inherit_our_environment(
    machine: LocalTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", "canary")
    printed = (await machine.run(command("env", env={"GREETING": "hello", "TOKEN": Secret("hush")}))).output
    assert sorted(line.partition("=")[0] for line in printed.splitlines()) == [
        "GREETING", "HOME", "LANG", "PATH", "TOKEN",
    ]  # fmt: skip
    assert "GREETING=hello" in printed
    assert "TOKEN=hush" in printed


async def test_a_daemon_that_holds_the_pipes_does_not_hold_up_its_command(machine: LocalTransport) -> None:
    began = await machine.run(command("sh", "-c", "sleep 5 & echo $!", timeout=3))
    assert began.succeeded
    await machine.run(command("kill", began.output.strip()))


async def test_a_file_that_cannot_be_put_leaves_nothing_behind(machine: LocalTransport, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        await machine.put(PurePosixPath(tmp_path, "folder"), b"text")
    assert await machine.names_in(PurePosixPath(tmp_path)) == ("folder",)
