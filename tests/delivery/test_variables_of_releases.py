"""From the store into the process, and back to what it was."""

import asyncio
import contextlib
import json
from pathlib import Path

from bakery.delivery.apply import apply_variables
from bakery.delivery.pending import what_is_not_live
from bakery.delivery.variables import change_variables, import_variables
from bakery.model.deployments import DeploymentState
from bakery.model.dotenv import write_dotenv
from bakery.model.secret import Secret
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

SHOWS_ITS_ENVIRONMENT = an_app("one", answer="(200, __import__('json').dumps(dict(os.environ)).encode())")
HOSTILE = {
    "LINES": "one\ntwo\r\nthree\n",
    "QUOTES": "'single' \"double\" `back` \\ \\n",
    "DOLLARS": "$HOME ${HOME} $(id) %h %%n #5",
    "SPACES": "  \t before and after \t ",
    "CONTROLS": "".join(map(chr, range(1, 32))) + "\x7f\x85",
    "UNICODE": "ünïcödé 😀 \u2028 \u202e \ufeff",
    "EMPTY": "",
    "LARGE": "x\n" * (16 * 1024),
    "lower_1": "=",
    "PATH_OF_MINE": "a:b",
}


async def set_all(fleet: Fleet, values: dict[str, str]) -> None:
    text = write_dotenv((name, Secret(value)) for name, value in values.items())
    await import_variables(fleet.store, at("shop"), text, actor=ADMIN)


async def seen(fleet: Fleet) -> dict[str, str]:
    found: dict[str, str] = json.loads((await fleet.visit()).text)
    return found


async def test_an_app_finds_every_value_byte_for_byte(fleet: Fleet) -> None:
    await fleet.make()
    await set_all(fleet, HOSTILE)
    await fleet.deploy_well(SHOWS_ITS_ENVIRONMENT)
    found = await seen(fleet)
    assert {name: found[name] for name in HOSTILE} == HOSTILE
    assert found["PORT"] == str((await fleet.app()).port)


async def test_values_are_in_no_command_and_in_no_file_that_others_read(fleet: Fleet) -> None:
    await fleet.make()
    await set_all(fleet, {"KEY": "canary-4711"})
    made = await fleet.deploy_well(an_app("one", before="print('the key is', os.environ['KEY'], flush=True)"))
    assert _commands_with(b"canary-4711") == []
    holding = _files_with(b"canary-4711", below=Path(fleet.node.folders.root))
    assert holding
    assert [path for path in holding if path.stat().st_mode & 0o077 and path.suffix != ".log"] == []
    assert "canary-4711" not in await fleet.log(made.deployment)


async def test_a_secret_that_the_app_says_is_masked_in_the_deployments_log(fleet: Fleet) -> None:
    await fleet.make()
    await set_all(fleet, {"KEY": "canary-4711"})
    found = await fleet.deploy(an_app("one", before="sys.exit('no database at ' + os.environ['KEY'])"))
    assert found.deployment.state is DeploymentState.FAILED
    log = await fleet.log(found.deployment)
    assert "no database at ••••" in log
    assert "canary-4711" not in log + found.deployment.failure + found.deployment.hint


async def test_applying_starts_the_same_files_with_todays_variables(fleet: Fleet) -> None:
    await fleet.make()
    await set_all(fleet, {"KEY": "1", "OLD": "1"})
    await fleet.deploy_well(SHOWS_ITS_ENVIRONMENT)
    await change_variables(fleet.store, at("shop"), [], unset=["OLD"], actor=ADMIN)
    await set_all(fleet, {"KEY": "2"})
    assert (await seen(fleet))["KEY"] == "1"

    applied = await fleet.run(await apply_variables(fleet.store, fleet.queue, at("shop"), actor=ADMIN))

    assert applied.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(applied.deployment)
    assert [step.key for step in applied.steps] == ["copy", "start", "check", "switch", "retire"]
    assert await has_key(fleet, "2")
    assert "OLD" not in await seen(fleet)
    assert await what_is_not_live(fleet.store, at("shop"), actor=ADMIN) is None


async def test_applying_again_after_the_source_release_is_gone_takes_the_newest_files(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(SHOWS_ITS_ENVIRONMENT)
    for number in range(7):
        await set_all(fleet, {"KEY": str(number)})
        applied = await fleet.run(await apply_variables(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
        assert applied.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(applied.deployment)
    assert await has_key(fleet, "6")


async def test_an_apply_that_fails_leaves_what_was_live(fleet: Fleet) -> None:
    await fleet.make()
    await set_all(fleet, {"KEY": "1"})
    await fleet.deploy_well(an_app("one", before="sys.exit(3) if os.environ['KEY'] == 'broken' else None"))
    await set_all(fleet, {"KEY": "broken"})
    applied = await fleet.run(await apply_variables(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    assert applied.deployment.state is DeploymentState.FAILED
    assert (await fleet.visit()).text == "one"
    assert await what_is_not_live(fleet.store, at("shop"), actor=ADMIN) is not None


async def has_key(fleet: Fleet, key: str) -> bool:
    """nginx's old workers may answer for a moment after a reload."""
    deadline = asyncio.get_running_loop().time() + 5
    while (await seen(fleet))["KEY"] != key:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _commands_with(text: bytes) -> list[bytes]:
    found: list[bytes] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            found.append(path.read_bytes())
    return [command for command in found if text in command]


def _files_with(text: bytes, *, below: Path) -> list[Path]:
    return [path for path in below.rglob("*") if path.is_file() and text in path.read_bytes()]
