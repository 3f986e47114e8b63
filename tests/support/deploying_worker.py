"""A worker that gets stuck in a deployment, to be killed: `python -m tests.support.deploying_worker DSN FOLDER PORT ID
before|after STEP`. It says so on its output when it is stuck."""

import asyncio
import sys
from pathlib import Path
from unittest import mock

from bakery.delivery import actions, run
from bakery.delivery.plan import Action, StepKey
from bakery.delivery.run import run_deployment
from bakery.delivery.work import Patience, Work
from bakery.model.names import Port
from tests.support.machine import node_in
from tests.support.store import a_store

STUCK = "stuck\n"


def stick(when: str, step: str) -> None:
    """From now on a step of this name does not go on before, or after, it did its work."""

    async def carry_out_or_stick(work: Work, key: StepKey, action: Action) -> None:
        is_here = type(action).__name__.lower() == step
        if is_here and when == "before":
            await _say_and_wait()
        await actions.carry_out(work, key, action)
        if is_here:
            await _say_and_wait()

    mock.patch.object(run, "carry_out", carry_out_or_stick).start()


async def _say_and_wait() -> None:
    sys.stdout.write(STUCK)
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _deploy(dsn: str, folder: Path, port: Port, deployment_id: int) -> None:
    async with a_store(dsn) as store:
        node = await node_in(folder, port)
        await run_deployment(store, node, deployment_id, patience=Patience(check=15, drain=2, warm=0, bake=0))


if __name__ == "__main__":
    _, dsn, folder, port, number, when, step = sys.argv
    stick(when, step)
    asyncio.run(_deploy(dsn, Path(folder), Port(int(port)), int(number)))
