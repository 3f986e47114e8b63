"""What is peculiar to SSH; test_transports.py has what it shares with this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.model.errors import BadInput
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.channels import AT_ONCE
from bakery.nodes.login import Cause, SshLogin, Unreachable
from bakery.nodes.shell_text import shell_text
from bakery.nodes.ssh import SshTransport
from bakery.nodes.transport import Finished
from tests.support.ssh_server import KEY_PRIVATE, SshServer, host_key, serving, shown
from tests.support.waiting import until


async def test_a_connection_is_made_when_it_is_first_used_and_kept(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        assert (server.connections, machine.last_handshake) == (0, None)
        for _ in range(3):
            assert (await machine.run(command("true"))).succeeded
        assert server.connections == 1
        assert machine.last_handshake is not None
        assert machine.last_handshake.host_key == shown(server.keys[0])
        assert await machine.connect() == machine.last_handshake


async def test_callers_who_come_together_share_one_connection(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        await asyncio.gather(*(machine.run(command("true")) for _ in range(AT_ONCE)))
        assert server.connections == 1


async def test_callers_who_come_together_share_one_failure() -> None:
    attempts = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = Port(server.sockets[0].getsockname()[1])
        machine = SshTransport(SshLogin("oven-1", "127.0.0.1", port, "bakery-agent", KEY_PRIVATE))
        results = await asyncio.gather(*(machine.run(command("true")) for _ in range(20)), return_exceptions=True)
        assert {getattr(result, "cause", None) for result in results} == {Cause.BANNER}
        assert attempts == 1
        with pytest.raises(Unreachable):
            await machine.run(command("true"))
        assert attempts == 2


async def test_fifty_commands_at_once_take_turns_on_two_connections(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        results = await asyncio.gather(*(machine.run(command("echo", str(number))) for number in range(50)))
        assert [result.output for result in results] == [f"{number}\n" for number in range(50)]
        assert (server.connections, server.refused_sessions) == (2, 0)
        assert server.most_sessions <= AT_ONCE


async def test_a_refused_channel_is_asked_for_again(tmp_path: Path) -> None:
    """Another server's limit may be lower than the usual one."""
    async with serving(SshServer(tmp_path, sessions=2)) as server, reaching(server) as machine:
        results = await asyncio.gather(*(machine.run(command("true")) for _ in range(12)))
        assert all(result.succeeded for result in results)
        assert server.refused_sessions > 0


async def test_long_conversations_do_not_keep_others_waiting(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine, contextlib.AsyncExitStack() as all_:
        for _ in range(AT_ONCE):
            await all_.enter_async_context(machine.open(command("cat")))
        assert (await machine.run(command("true"))).succeeded
        assert server.connections == 2


async def test_whoever_gives_up_waiting_leaves_the_turn_to_others(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        tasks = [asyncio.create_task(machine.run(command("sleep", "0.1"))) for _ in range(40)]
        await until(lambda: server.most_sessions == AT_ONCE, what="as many as may are open")
        for task in tasks[20::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[:20] == [Finished(0, "", "")] * 20
        assert results[21::2] == [Finished(0, "", "")] * 10
        others = await asyncio.gather(*(machine.run(command("true")) for _ in range(12)))
        assert all(other.succeeded for other in others)
        assert server.most_sessions <= AT_ONCE


async def test_what_runs_over_a_connection_that_drops_is_lost_and_the_next_connects_again(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        running = asyncio.create_task(machine.run(command("sh", "-c", "echo begun > begun; sleep 60")))
        stream = machine.stream(command("sh", "-c", "echo $$ one; exec sleep 60"))
        process = await anext(stream)
        await until((tmp_path / "begun").exists, what="it began")
        server.cut()
        for lost in (running, anext(stream)):
            with pytest.raises(Unreachable) as error:
                await lost
            assert error.value.cause is Cause.LOST
            assert error.value.message == (
                f"Could not reach oven-1: ssh bakery-agent@127.0.0.1:{server.port} said: Connection lost."
            )
        await machine.run(command("kill", process.split()[0].decode()))
        assert server.connections == 2


async def test_a_conversation_learns_that_its_connection_dropped(tmp_path: Path) -> None:
    async with (
        serving(SshServer(tmp_path)) as server,
        reaching(server) as machine,
        machine.open(command("cat")) as running,
    ):
        output = running.output()
        await running.send(b"hello\n")
        assert await anext(output) == b"hello\n"
        server.cut()
        for lost in (anext(output), running.end()):
            with pytest.raises(Unreachable):
                await lost


async def test_whoever_waits_for_a_turn_is_served_after_the_connection_dropped(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        long = [asyncio.create_task(machine.run(command("sleep", "8"))) for _ in range(AT_ONCE)]
        await until(lambda: server.most_sessions == AT_ONCE, what="as many as may are open")
        waiting = asyncio.create_task(machine.run(command("echo", "served")))
        await asyncio.sleep(0)
        server.cut()
        assert (await waiting).output == "served\n"
        for task in long:
            with pytest.raises(Unreachable):
                await task


async def test_a_file_whose_way_is_cut_stays_as_it_was(tmp_path: Path) -> None:
    path = PurePosixPath(tmp_path, "file")
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        await machine.put(path, b"old")
        putting = asyncio.create_task(machine.put(path, b"x" * 200_000_000))
        await until(lambda: any(part.stat().st_size for part in tmp_path.glob(".file.*")), what="some of it came")
        server.cut()
        with pytest.raises(Unreachable):
            await putting
        await until(lambda: [part.name for part in tmp_path.iterdir()] == ["file"], what="the rest is gone")
        assert await machine.get(path) == b"old"


async def test_a_file_whose_writer_goes_away_stays_as_it_was(tmp_path: Path) -> None:
    path = PurePosixPath(tmp_path, "file")
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        await machine.put(path, b"old")
        putting = asyncio.create_task(machine.put(path, b"x" * 200_000_000))
        await until(lambda: any(part.stat().st_size for part in tmp_path.glob(".file.*")), what="some of it came")
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        await until(lambda: [part.name for part in tmp_path.iterdir()] == ["file"], what="the rest is gone")
        assert await machine.get(path) == b"old"


async def test_the_first_host_key_is_the_one_that_counts(tmp_path: Path) -> None:
    server = SshServer(tmp_path)
    async with serving(server), reaching(server) as machine:
        await machine.connect()
        first = shown(server.keys[0])
        async with another_server_there(server):
            with pytest.raises(Unreachable) as error:
                await machine.run(command("true"))
        assert error.value.cause is Cause.HOST_KEY
        assert first != error.value.seen_host_key == shown(server.keys[0])


async def test_a_closed_transport_connects_no_more(tmp_path: Path) -> None:
    async with serving(SshServer(tmp_path)) as server, reaching(server) as machine:
        running = asyncio.create_task(machine.run(command("sh", "-c", "echo $$ > process; exec sleep 60")))
        await until((tmp_path / "process").exists, what="it began")
        await machine.close()
        for lost in (running, machine.run(command("true"))):
            with pytest.raises(Unreachable):
                await lost
        assert server.connections == 1
        async with reaching(server) as other:
            await other.run(command("kill", (tmp_path / "process").read_text().strip()))


async def test_whoever_waits_for_a_connection_learns_that_the_transport_is_closed() -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as silent:
        port = Port(silent.sockets[0].getsockname()[1])
        machine = SshTransport(SshLogin("oven-1", "127.0.0.1", port, "bakery-agent", KEY_PRIVATE))
        waiting = asyncio.create_task(machine.run(command("true")))
        await asyncio.sleep(0)
        await machine.close()
        with pytest.raises(Unreachable):
            await waiting


async def test_what_a_login_shell_says_of_itself_is_no_process_id(tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\necho "warning: cannot change locale" >&2\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    async with serving(SshServer(tmp_path, shell=str(shell))) as server, reaching(server) as machine:
        finished = await machine.run(command("sh", "-c", "echo mine >&2"))
        assert finished == Finished(0, "", "warning: cannot change locale\nmine\n")


def test_a_secret_is_no_part_of_the_text() -> None:
    shell = shell_text(command("true", env={"TOKEN": Secret("hush"), "PLAIN": "it's"}, stdin=b"mine"), "mark")
    assert "hush" not in shell.text
    assert "aHVzaA" not in shell.text
    assert """PLAIN='it'"'"'s'""" in shell.text
    assert shell.stdin == b"aHVzaA==\nmine"


@pytest.mark.parametrize("name", ["A;id", "A=B", "", "1A", "A B"])
def test_a_variable_is_named_like_one(name: str) -> None:
    for value in ("plain", Secret("hush")):
        with pytest.raises(BadInput, match="letters, digits and underscores"):
            shell_text(command("true", env={name: value}), "mark")


def test_a_nul_would_cut_the_text_off() -> None:
    with pytest.raises(BadInput, match="NUL"):
        shell_text(command("true", env={"A": "a\0b"}), "mark")
    with pytest.raises(BadInput, match="NUL"):
        shell_text(command("true", cwd=PurePosixPath("/a\0b")), "mark")


@contextlib.asynccontextmanager
async def reaching(server: SshServer) -> AsyncIterator[SshTransport]:
    machine = SshTransport(server.login())
    try:
        yield machine
    finally:
        await machine.close()


@contextlib.asynccontextmanager
async def another_server_there(server: SshServer) -> AsyncIterator[None]:
    """At the same port, with another host key."""
    await server.stop()
    server.keys = [host_key()]
    async with serving(server):
        yield
