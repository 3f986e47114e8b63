"""Every command on a node is written down."""

from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.commands.files import make_folder
from bakery.model.errors import CommandFailed, NotAllowed
from bakery.model.secret import Secret
from bakery.nodes.helper_calls import Helper
from bakery.nodes.local import LocalTransport
from bakery.nodes.transcript import RecordingTransport, Run, Transcript, forget_transcripts, read_transcript
from bakery.store.store import Store
from bakery.web.moments import now
from tests.nodes.test_registry import a_node
from tests.support.people import SYSTEM, a_developer


async def a_recorder(store: Store) -> tuple[int, Transcript, RecordingTransport]:
    node = await a_node(store)
    transcript = Transcript(store, now)
    return node.id, transcript, RecordingTransport(LocalTransport(), node.id, transcript)


async def runs(store: Store, node_id: int) -> list[Run]:
    return list((await read_transcript(store, node_id, actor=SYSTEM)).items)


async def test_a_command_is_told_with_its_end_and_what_it_said(store: Store) -> None:
    node_id, transcript, transport = await a_recorder(store)
    await transport.run(command("sh", "-c", "echo out; echo err >&2; exit 3"))
    await transcript.flush()
    (run,) = await runs(store, node_id)
    assert (run.command, run.exit_status, run.output) == ("sh -c 'echo out; echo err >&2; exit 3'", 3, "out\nerr\n")
    assert 0 < run.seconds < 10


async def test_secrets_are_dots_and_input_is_not_told(store: Store, tmp_path: Path) -> None:
    node_id, transcript, transport = await a_recorder(store)
    await transport.run(command("true", env={"TOKEN": Secret("canary")}, stdin=Secret("canary")))
    await transport.put(PurePosixPath(tmp_path / "key"), Secret("canary"))
    await transcript.flush()
    told = " ".join(f"{run.command} {run.output}" for run in await runs(store, node_id))
    assert "canary" not in told
    assert "TOKEN=••••" in told
    assert f"(write {tmp_path}/key)" in told


async def test_of_what_a_helper_answers_nothing_is_told_but_why_it_refuses(store: Store) -> None:
    node_id, transcript, transport = await a_recorder(store)
    helper = Helper(transport, ("sh", "-c", "echo canary; echo It refuses. >&2; exit 1"))
    with pytest.raises(CommandFailed, match="It refuses"):
        await helper.say("log-read")
    await transcript.flush()
    (run,) = await runs(store, node_id)
    assert run.output == "It refuses.\n"


async def test_what_did_not_come_to_its_end_says_why(store: Store) -> None:
    node_id, transcript, transport = await a_recorder(store)
    with pytest.raises(CommandFailed):
        await transport.run(command("no-such-program"))
    await transcript.flush()
    (run,) = await runs(store, node_id)
    assert run.exit_status == 127
    assert "could not start" in run.output


async def test_the_newest_comes_first_and_a_node_that_went_takes_its_lines_along(store: Store, tmp_path: Path) -> None:
    node_id, transcript, transport = await a_recorder(store)
    await transport.run(command("echo", "one"))
    await transport.run(make_folder(PurePosixPath(tmp_path)))
    await transcript.flush()
    assert [run.command.split()[0] for run in await runs(store, node_id)] == ["install", "echo"]
    await transport.run(command("echo", "late"))
    async with store.connection() as connection:
        await connection.execute("DELETE FROM nodes")
    await transcript.flush()
    assert await runs(store, node_id) == []


async def test_old_lines_go(store: Store) -> None:
    node_id, transcript, transport = await a_recorder(store)
    await transport.run(command("true"))
    await transcript.flush()
    await forget_transcripts(store, older_than=timedelta(days=30))
    assert len(await runs(store, node_id)) == 1
    await forget_transcripts(store, older_than=timedelta(0))
    assert await runs(store, node_id) == []


async def test_only_admins_read_it(store: Store) -> None:
    node_id, _, _ = await a_recorder(store)
    with pytest.raises(NotAllowed):
        await read_transcript(store, node_id, actor=await a_developer(store))
