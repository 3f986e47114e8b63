import asyncio
import os
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.model.errors import CommandFailed
from bakery.model.secret import Secret
from bakery.nodes.local import LocalTransport
from bakery.nodes.running import KEPT_OF_OUTPUT
from bakery.nodes.transport import Finished, run_or_fail
from tests.support.waiting import wait_until


@pytest.fixture
def machine() -> LocalTransport:
    return LocalTransport()


async def test_a_command_answers_with_its_exit_status_output_and_errors(machine: LocalTransport) -> None:
    assert await machine.run(command("sh", "-c", "echo out; echo err >&2; exit 3")) == Finished(3, "out\n", "err\n")


async def test_an_argument_is_never_read_by_a_shell(machine: LocalTransport) -> None:
    hostile = "$(id); `id` | & > \n'\"\\"
    assert (await machine.run(command("printf", "%s", hostile))).output == hostile


async def test_stdin_carries_bytes_and_secrets(machine: LocalTransport) -> None:
    assert (await machine.run(command("cat", stdin=b"plain"))).output == "plain"
    assert (await machine.run(command("cat", stdin=Secret("hush")))).output == "hush"


async def test_a_command_that_does_not_read_its_stdin_is_no_error(machine: LocalTransport) -> None:
    assert (await machine.run(command("true", stdin=b"x" * 1_000_000))).succeeded


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


async def test_a_command_runs_in_its_folder(machine: LocalTransport, tmp_path: Path) -> None:
    assert (await machine.run(command("pwd", cwd=tmp_path))).output == f"{tmp_path}\n"


async def test_of_a_long_output_the_end_is_kept(machine: LocalTransport) -> None:
    finished = await machine.run(command("sh", "-c", f"head -c {2 * KEPT_OF_OUTPUT} /dev/zero; echo end"))
    assert len(finished.output) == KEPT_OF_OUTPUT
    assert finished.output.endswith("end\n")


async def test_a_command_that_cannot_start_says_why(machine: LocalTransport) -> None:
    with pytest.raises(CommandFailed, match="`no-such-program` could not start: No such file or directory"):
        await machine.run(command("no-such-program"))


async def test_a_command_out_of_time_ends_with_all_its_children(machine: LocalTransport, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"did not end within 0\.5 s and was stopped"):
        await machine.run(command(*a_family(tmp_path), timeout=0.5))
    wait_until(lambda: not is_alive(grandchild_in(tmp_path)), what="the grandchild's end")


async def test_a_cancelled_command_ends_with_all_its_children(machine: LocalTransport, tmp_path: Path) -> None:
    running = asyncio.create_task(machine.run(command(*a_family(tmp_path))))
    await asyncio.to_thread(wait_until, (tmp_path / "pid").exists, what="the grandchild's start")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    wait_until(lambda: not is_alive(grandchild_in(tmp_path)), what="the grandchild's end")


async def test_a_stream_brings_output_and_errors_as_they_come(machine: LocalTransport, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    stream = machine.stream(command("sh", "-c", 'echo one; read -r _ < "$1"; echo two >&2', "sh", go_on))
    assert await anext(stream) == b"one\n"
    await asyncio.to_thread(go_on.write_text, "\n")
    assert [chunk async for chunk in stream] == [b"two\n"]


async def test_a_stream_ends_with_an_error_when_its_command_does(machine: LocalTransport) -> None:
    stream = machine.stream(command("sh", "-c", "echo no; exit 4"))
    assert await anext(stream) == b"no\n"
    with pytest.raises(CommandFailed, match="ended with status 4") as failed:
        await anext(stream)
    assert failed.value.exit_status == 4


async def test_a_stream_that_is_closed_ends_its_command(machine: LocalTransport, tmp_path: Path) -> None:
    stream = machine.stream(command("sh", "-c", "echo $$; exec sleep 60"))
    process = int(await anext(stream))
    await stream.aclose()
    assert not is_alive(process)


async def test_a_failure_repeats_what_the_command_said(machine: LocalTransport) -> None:
    with pytest.raises(CommandFailed) as failed:
        await run_or_fail(machine, command("sh", "-c", "echo broken >&2; exit 2"), hint="Mend it.")
    assert failed.value.message == "`sh -c 'echo broken >&2; exit 2'` ended with status 2: broken"
    assert failed.value.hint == "Mend it."


async def test_a_file_is_written_whole_with_its_mode(machine: LocalTransport, tmp_path: Path) -> None:
    path = PurePosixPath(tmp_path, "key")
    await machine.put(path, b"old", mode=0o644)
    await machine.put(path, Secret("new"), mode=0o600)
    assert await machine.get(path) == b"new"
    assert (await machine.run(command("stat", "--format=%a", path))).output == "600\n"
    assert await machine.names_in(path.parent) == ("key",)


async def test_a_file_that_cannot_be_put_leaves_nothing_behind(machine: LocalTransport, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        await machine.put(PurePosixPath(tmp_path, "folder"), b"text")
    assert await machine.names_in(PurePosixPath(tmp_path)) == ("folder",)


async def test_what_is_not_there_is_nothing_and_removed_without_complaint(
    machine: LocalTransport, tmp_path: Path
) -> None:
    missing = PurePosixPath(tmp_path, "missing")
    await machine.remove(missing)
    assert await machine.get(missing) is None
    assert await machine.names_in(missing) == ()


def a_family(folder: Path) -> tuple[str, ...]:
    """A shell whose child writes its id to `pid`, and then sleeps."""
    return ("sh", "-c", 'sleep 60 & echo $! > "$1/aside"; mv "$1/aside" "$1/pid"; wait', "sh", str(folder))


def grandchild_in(folder: Path) -> int:
    return int((folder / "pid").read_text())


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
