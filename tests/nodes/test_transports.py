"""What a transport promises, whichever it is: this machine without a network, and the same over SSH."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import Command, command
from bakery.model.errors import CommandFailed, Unavailable
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.local import LocalTransport
from bakery.nodes.running import KEPT_OF_OUTPUT
from bakery.nodes.ssh import SshTransport
from bakery.nodes.transport import Finished, Transport, run_or_fail
from tests.support.ssh_server import SshServer, serving
from tests.support.waiting import wait_until


@pytest.fixture(params=["local", "ssh", "ssh-bash"])
async def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Transport]:
    if request.param == "local":
        yield LocalTransport()
        return
    shell = "/bin/bash" if request.param == "ssh-bash" else "/bin/sh"
    async with serving(SshServer(tmp_path_factory.mktemp("home"), shell=shell)) as server:
        transport = SshTransport(server.login())
        yield transport
        await transport.close()


async def test_a_command_answers_with_its_exit_status_output_and_errors(machine: Transport) -> None:
    assert await machine.run(command("sh", "-c", "echo out; echo err >&2; exit 3")) == Finished(3, "out\n", "err\n")


async def test_a_signal_that_ends_a_command_is_a_negative_exit_status(machine: Transport) -> None:
    assert await machine.run(command("sh", "-c", "kill -9 $$")) == Finished(-9, "", "")
    assert await machine.run(command("sh", "-c", "kill -15 $$")) == Finished(-15, "", "")


async def test_an_argument_is_never_read_by_a_shell(machine: Transport) -> None:
    hostile = "$(id); `id` | & > \n'\"\\ é \u2028"
    assert (await machine.run(command("printf", "%s", hostile))).output == hostile


async def test_stdin_carries_bytes_and_secrets(machine: Transport) -> None:
    assert (await machine.run(command("cat", stdin=b"plain"))).output == "plain"
    assert (await machine.run(command("cat", stdin=Secret("hush")))).output == "hush"


async def test_a_command_without_stdin_reads_its_end(machine: Transport) -> None:
    assert await machine.run(command("cat", timeout=10)) == Finished(0, "", "")


async def test_a_command_that_does_not_read_its_stdin_is_no_error(machine: Transport) -> None:
    assert (await machine.run(command("true", stdin=b"x" * 1_000_000))).succeeded


async def test_a_command_gets_its_variables_as_they_are(machine: Transport) -> None:
    """Secrets beside a command's own input, and with the line ends that a shell would cut off."""
    env: dict[str, str | Secret] = {
        "GREETING": "it's $HOME\n`here`",
        "TOKEN": Secret("hush\n\nhush 'é'\n\n"),
        "EMPTY": Secret(""),
    }
    shown = await machine.run(
        command("sh", "-c", 'printf "%s|" "$GREETING" "$TOKEN" "${EMPTY-unset}"; cat', env=env, stdin=b"input\n")
    )
    assert shown == Finished(0, "it's $HOME\n`here`|hush\n\nhush 'é'\n\n||input\n", "")


async def test_every_machine_gives_the_same_path_and_language(machine: Transport) -> None:
    shown = await machine.run(command("sh", "-c", 'echo "$PATH $LANG"'))
    assert shown.output == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin C.UTF-8\n"


async def test_a_command_runs_in_its_folder(machine: Transport, tmp_path: Path) -> None:
    odd = tmp_path / "it's a folder"
    odd.mkdir()
    assert (await machine.run(command("pwd", cwd=odd))).output == f"{odd}\n"


async def test_of_a_long_output_the_end_is_kept(machine: Transport) -> None:
    finished = await machine.run(command("sh", "-c", f"head -c {2 * KEPT_OF_OUTPUT} /dev/zero; echo end"))
    assert len(finished.output) == KEPT_OF_OUTPUT
    assert finished.output.endswith("end\n")


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "/etc/passwd"])
async def test_a_command_that_cannot_start_says_why(machine: Transport, program: str) -> None:
    with pytest.raises(CommandFailed, match=f"`{program}` could not start: ") as failed:
        await machine.run(command(program))
    assert failed.value.exit_status == 127


async def test_a_command_cannot_start_in_a_folder_that_is_not_there(machine: Transport) -> None:
    with pytest.raises(CommandFailed, match="`true` could not start: "):
        await machine.run(command("true", cwd=PurePosixPath("/no/such/folder")))


async def test_a_command_that_starts_may_end_like_one_that_cannot(machine: Transport) -> None:
    finished = await machine.run(command("sh", "-c", "echo no >&2; exit 127"))
    assert finished == Finished(127, "", "no\n")


async def test_a_command_out_of_time_ends_with_all_its_children(machine: Transport, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"did not end within 0\.5 s and was stopped"):
        await machine.run(a_family(tmp_path, timeout=0.5))
    await until_dead(grandchild_in(tmp_path))


async def test_a_cancelled_command_ends_with_all_its_children(machine: Transport, tmp_path: Path) -> None:
    running = asyncio.create_task(machine.run(a_family(tmp_path)))
    await until_written(tmp_path)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until_dead(grandchild_in(tmp_path))


async def test_a_stream_brings_output_and_errors_as_they_come(machine: Transport, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    stream = machine.stream(command("sh", "-c", 'echo one; read -r _ < "$1"; echo two >&2', "sh", go_on))
    assert await anext(stream) == b"one\n"
    await asyncio.to_thread(go_on.write_text, "\n")
    assert [chunk async for chunk in stream] == [b"two\n"]


async def test_a_stream_keeps_output_and_errors_in_order(machine: Transport) -> None:
    text = "for i in $(seq 200); do echo out $i; echo err $i >&2; done"
    said = b"".join([chunk async for chunk in machine.stream(command("sh", "-c", text))]).decode()
    assert said == "".join(f"out {number}\nerr {number}\n" for number in range(1, 201))


async def test_a_stream_is_whole_however_slowly_it_is_read(machine: Transport) -> None:
    size = 0
    async for chunk in machine.stream(command("head", "-c", "20000000", "/dev/zero")):
        size += len(chunk)
        await asyncio.sleep(0)
    assert size == 20_000_000


async def test_a_stream_ends_with_an_error_when_its_command_does(machine: Transport) -> None:
    stream = machine.stream(command("sh", "-c", "echo no; exit 4"))
    assert await anext(stream) == b"no\n"
    with pytest.raises(CommandFailed, match="ended with status 4") as failed:
        await anext(stream)
    assert failed.value.exit_status == 4


async def test_a_stream_that_is_closed_ends_its_command(machine: Transport) -> None:
    stream = machine.stream(command("sh", "-c", "echo $$; exec sleep 60"))
    process = int(await anext(stream))
    await stream.aclose()
    await until_dead(process)


async def test_a_conversation_goes_back_and_forth(machine: Transport) -> None:
    """After what the command itself brings for its input."""
    async with machine.open(command("sh", "-c", 'while read -r word; do echo "<$word>"; done; echo bye >&2; exit 5',
                                    stdin=b"zero\n")) as running:  # fmt: skip
        output = running.output()
        assert await anext(output) == b"<zero>\n"
        await running.send(b"one\n")
        assert await anext(output) == b"<one>\n"
        await running.send(b"two\n")
        assert await anext(output) == b"<two>\n"
        assert await running.end() == Finished(5, "", "bye\n")
        assert await rest_of(output) == b""


async def test_a_conversation_may_begin_with_more_than_a_pipe_holds(machine: Transport) -> None:
    async with machine.open(command("cat", stdin=b"x" * 1_000_000)) as running:
        size = 0
        async for chunk in running.output():
            size += len(chunk)
            if size == 1_000_000:
                await running.send(b"y")
            if size == 1_000_001:
                break
        assert (await running.end()).succeeded


async def test_what_nobody_reads_does_not_keep_a_conversation_from_ending(machine: Transport) -> None:
    async with machine.open(command("head", "-c", "20000000", "/dev/zero")) as running:
        assert await running.end() == Finished(0, "", "")
    async with machine.open(command("head", "-c", "20000000", "/dev/zero")) as running:
        async for _ in running.output():
            break
        assert await running.end() == Finished(0, "", "")


async def test_a_conversation_may_be_read_while_its_end_is_awaited(machine: Transport) -> None:
    async with machine.open(command("sh", "-c", "cat; echo more; sleep 0.1; echo last")) as running:
        reading = asyncio.create_task(rest_of(running.output()))
        await running.send(b"first\n")
        assert await running.end() == Finished(0, "", "")
        assert await reading == b"first\nmore\nlast\n"


async def test_a_program_that_has_ended_may_still_be_spoken_to(machine: Transport) -> None:
    async with machine.open(command("true")) as running:
        assert await rest_of(running.output()) == b""
        await running.send(b"x" * 1_000_000)
        assert (await running.end()).succeeded


async def test_a_conversation_that_is_left_ends_with_all_its_children(machine: Transport, tmp_path: Path) -> None:
    async with machine.open(a_family(tmp_path)):
        await until_written(tmp_path)
    await until_dead(grandchild_in(tmp_path))


async def test_a_conversation_with_a_program_that_cannot_start_says_why(machine: Transport) -> None:
    with pytest.raises(CommandFailed, match="`no-such-program` could not start: "):
        async with machine.open(command("no-such-program")) as running:
            await running.end()


async def test_a_tunnel_reaches_what_listens_on_the_machine(machine: Transport) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(line.upper())
            await writer.drain()
        writer.write(b"x" * 3_000_000)
        writer.close()

    async with listening(answer) as port, machine.tunnel(port) as (reader, writer):
        writer.write(b"hello\n")
        await writer.drain()
        assert await reader.readline() == b"HELLO\n"
        writer.write_eof()
        assert len(await reader.read()) == 3_000_000


async def test_a_tunnel_to_nothing_is_an_error(machine: Transport) -> None:
    async with listening(lambda *_: None) as port:
        pass  # a port that was free a moment ago
    with pytest.raises(Unavailable, match=f"Nothing answers on port {port} there"):
        async with machine.tunnel(port):
            pass


async def test_a_failure_repeats_what_the_command_said(machine: Transport) -> None:
    with pytest.raises(CommandFailed) as failed:
        await run_or_fail(machine, command("sh", "-c", "echo broken >&2; exit 2"), hint="Mend it.")
    assert failed.value.message == "`sh -c 'echo broken >&2; exit 2'` ended with status 2: broken"
    assert failed.value.hint == "Mend it."


async def test_a_file_is_written_whole_with_its_mode(machine: Transport, tmp_path: Path) -> None:
    path = PurePosixPath(tmp_path, "it's a key")
    await machine.put(path, b"old", mode=0o644)
    await machine.put(path, Secret("new"), mode=0o600)
    assert await machine.get(path) == b"new"
    assert (await machine.run(command("stat", "--format=%a", path))).output == "600\n"
    assert await machine.names_in(path.parent) == ("it's a key",)


async def test_a_file_may_hold_anything_and_more_than_is_kept_of_an_output(machine: Transport, tmp_path: Path) -> None:
    content = bytes(range(256)) * 16_384 + b"no line end"
    await machine.put(PurePosixPath(tmp_path, "file"), content)
    assert await machine.get(PurePosixPath(tmp_path, "file")) == content
    await machine.put(PurePosixPath(tmp_path, "file"), b"")
    assert await machine.get(PurePosixPath(tmp_path, "file")) == b""


async def test_a_file_that_cannot_be_put_leaves_nothing_behind(machine: Transport, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises((OSError, CommandFailed), match=r"[Dd]irectory"):
        await machine.put(PurePosixPath(tmp_path, "folder"), b"text")
    assert await machine.names_in(PurePosixPath(tmp_path)) == ("folder",)


async def test_what_is_not_there_is_nothing_and_removed_without_complaint(machine: Transport, tmp_path: Path) -> None:
    missing = PurePosixPath(tmp_path, "missing")
    await machine.remove(missing)
    assert await machine.get(missing) is None
    assert await machine.get(missing / "below") is None
    assert await machine.names_in(missing) == ()


async def test_what_is_of_another_kind_is_an_error(machine: Transport, tmp_path: Path) -> None:
    file = PurePosixPath(tmp_path, "file")
    await machine.put(file, b"")
    for doing in (
        machine.get(PurePosixPath(tmp_path)),
        machine.get(file / "below"),
        machine.names_in(file),
        machine.remove(PurePosixPath(tmp_path)),
    ):
        with pytest.raises((OSError, CommandFailed)):
            await doing


async def test_names_are_whole_whatever_they_hold(machine: Transport, tmp_path: Path) -> None:
    names = (".hidden", "a\nb", "it's", "-x")
    for name in names:
        (tmp_path / name).touch()
    assert await machine.names_in(PurePosixPath(tmp_path)) == tuple(sorted(names))


def a_family(folder: Path, *, timeout: float = 60) -> Command:
    """A shell whose child writes its id to `pid`, and then sleeps."""
    text = 'sleep 60 & echo $! > "$1/aside"; mv "$1/aside" "$1/pid"; wait'
    return command("sh", "-c", text, "sh", folder, timeout=timeout)


def grandchild_in(folder: Path) -> int:
    return int((folder / "pid").read_text())


async def until_written(folder: Path) -> None:
    await asyncio.to_thread(wait_until, (folder / "pid").exists, what="the grandchild's start")


async def until_dead(process: int) -> None:
    await asyncio.to_thread(wait_until, lambda: not is_alive(process), what=f"the end of {process}")


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@contextlib.asynccontextmanager
async def listening(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None],
) -> AsyncIterator[Port]:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield Port(server.sockets[0].getsockname()[1])


async def rest_of(output: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([chunk async for chunk in output])
