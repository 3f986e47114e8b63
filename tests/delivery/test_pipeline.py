"""From a source that Bakery looks into itself to a release that answers, on a real machine."""

import asyncio
import contextlib
import re
from pathlib import Path

from bakery.access.audit import list_activity
from bakery.delivery.history import DeploymentDetail
from bakery.delivery.request import cancel_deployment, request_deployment
from bakery.model.deployments import DeploymentState, StepState
from tests.delivery.fleet import ADMIN, Fleet, an_app, packed
from tests.support.places import at
from tests.support.waiting import until

TOLD = """
[build]
install = "echo installing; echo {installed} > installed.txt"
command = "echo building with $KEY"
test = "{test}"
[run]
command = ["python3", "app.py"]
release = "echo releasing to $PORT_OF_DATABASE"
before = "echo {installed} comes"
after = "{after}"
"""


def a_project(version: str, *, test: str = "true", after: str = "echo it is there") -> dict[str, str]:
    return {**an_app(version), "bakery.toml": TOLD.format(installed=version, test=test, after=after)}


def states(found: DeploymentDetail) -> dict[str, StepState]:
    return {step.key: step.state for step in found.steps}


async def test_a_process_without_a_command_is_installed_built_tested_and_started(fleet: Fleet) -> None:
    await fleet.make(command="")
    found = await fleet.deploy_well(a_project("one"))
    assert list(states(found)) == [
        "unpack", "detect", "install", "build", "test", "release", "before", "start", "check", "switch", "after",
    ]  # fmt: skip
    assert set(states(found).values()) == {StepState.DONE}
    assert (await fleet.visit()).text == "one"
    log = await fleet.log(found.deployment)
    assert "installing\n" in log
    assert (
        log.index("\none comes\n")
        < log.index("Start the release")
        < log.index("is live on")
        < log.index("\nit is there\n")
    )
    assert "$ sh -c 'echo installing; echo one > installed.txt'\n" in log
    release = Path(fleet.node.folders.root, "apps/shop/production/releases/1")
    assert (release / "installed.txt").read_text() == "one\n"
    assert await fleet.node.jobs.list() == {}


async def test_what_there_is_not_to_do_is_skipped_and_says_so(fleet: Fleet) -> None:
    await fleet.make(command="")
    found = await fleet.deploy_well({**an_app("one"), "Procfile": "web: python3 app.py\n"})
    skipped = [key for key, state in states(found).items() if state is StepState.SKIPPED]
    assert skipped == ["install", "build", "test", "release", "before", "after"]
    assert "▸ Build it: nothing to do. It has nothing to build." in await fleet.log(found.deployment)


async def test_a_failing_test_blocks_and_leaves_the_old_release_alone(fleet: Fleet) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one"))
    found = await fleet.deploy(a_project("two", test="echo 1 of 3 failed; exit 4"))
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure == (
        "The tests ended with status 4: `sh -c 'echo 1 of 3 failed; exit 4'` last said “1 of 3 failed”."
    )
    assert states(found)["test"] is StepState.FAILED
    assert states(found)["start"] is StepState.SKIPPED
    assert "1 of 3 failed\n" in await fleet.log(found.deployment)
    assert await fleet.visitors_see("one")
    assert _releases(fleet) == ["1"]


async def test_tests_can_be_left_out_of_one_deployment_and_it_says_by_whom(fleet: Fleet) -> None:
    await fleet.make(command="")
    upload = await fleet.upload(packed(a_project("one", test="exit 4")))
    asked = await request_deployment(fleet.store, fleet.queue, at("shop"), upload, actor=ADMIN, skips_tests=True)
    found = await fleet.run(asked)
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert states(found)["test"] is StepState.SKIPPED
    assert "Skipped for this deployment by Bakery." in await fleet.log(found.deployment)
    told = (await list_activity(fleet.store, action="deployment.requested", actor=ADMIN)).rows
    assert told[0].after is not None
    assert told[0].after["skips_tests"] is True


async def test_a_command_after_the_switch_that_fails_is_told_and_the_release_stays_live(fleet: Fleet) -> None:
    await fleet.make(command="")
    found = await fleet.deploy(a_project("one", after="echo who listens; exit 7"))
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert states(found)["after"] is StepState.FAILED
    assert (
        "who listens\n✕ The command after the switch ended with status 7: `sh -c 'echo who listens; exit 7'` last said "
        "“who listens”. The new release stays live.\n" in await fleet.log(found.deployment)
    )
    assert (await fleet.visit()).text == "one"
    assert await fleet.node.jobs.list() == {}


async def test_a_repository_that_says_nothing_is_told_what_was_looked_for(fleet: Fleet) -> None:
    await fleet.make(command="")
    found = await fleet.deploy({"notes.txt": "hello"})
    assert found.deployment.failure.startswith("Nothing at the top of this repository says how it")
    assert found.deployment.hint


async def test_a_deployment_that_is_cancelled_while_it_is_tested_leaves_no_process(fleet: Fleet) -> None:
    await fleet.make(command="")
    asked = await fleet.request(a_project("one", test="echo begun; sleep 4712 & sleep 4712; wait"))
    running = asyncio.create_task(fleet.run(asked))

    async def has_begun() -> bool:
        return "\nbegun\n" in await fleet.log(asked)

    await until(has_begun, what="its test begins")
    await cancel_deployment(fleet.store, at("shop"), asked.number, actor=ADMIN)
    found = await running
    assert found.deployment.state is DeploymentState.CANCELLED
    assert states(found)["test"] is StepState.CANCELLED
    assert processes_of(b"sleep\x004712") == []
    assert await fleet.node.jobs.list() == {}


def _releases(fleet: Fleet) -> list[str]:
    return sorted(path.name for path in Path(fleet.node.folders.root, "apps/shop/production/releases").iterdir())


def processes_of(command: bytes) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended
            if (process / "cmdline").read_bytes().startswith(command):
                found.append(process)
    return found


async def test_a_switch_is_visited_while_it_happens(fleet: Fleet) -> None:
    await fleet.make()
    first = await fleet.deploy_well(an_app("one"))
    assert "Visits during the switch" not in await fleet.log(first.deployment)
    second = await fleet.deploy_well(an_app("two"))
    log = await fleet.log(second.deployment)
    told = re.search(r"Visits during the switch: 0 of (\d+) failed, p95 \d+ ms\.", log)
    assert told is not None, log
    assert int(told[1]) >= 10


async def test_settings_that_do_not_count_are_told_where_the_start_was_set_by_hand(fleet: Fleet) -> None:
    await fleet.make("shop", command="python3 app.py")
    found = await fleet.deploy({**an_app("one"), "bakery.toml": '[run]\ncommand = "false"\n'})
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert "bakery.toml does not count, as the start command was set by hand." in await fleet.log(found.deployment)


async def test_hooks_of_files_that_are_served_are_told_to_be_none(fleet: Fleet) -> None:
    await fleet.make("pages", runtime="static")
    source = {"index.html": "hello", "bakery.toml": '[run]\nrelease = "false"\nafter = "false"\n'}
    found = await fleet.deploy(source, "pages")
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert "release, after of [run] does not count." in await fleet.log(found.deployment)
