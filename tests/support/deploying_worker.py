"""A worker that runs one deployment, with a fault on purpose:
`python -m tests.support.deploying_worker DSN FOLDER PORT ID FAULT`."""

import asyncio
import sys
from pathlib import Path

from bakery.delivery.planned import StepKey
from bakery.delivery.run import run_deployment
from bakery.delivery.work import Patience
from bakery.model.faults import arm, parse_fault
from bakery.model.names import Port
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from tests.support.machine import node_in
from tests.support.store import a_store


async def _deploy(dsn: str, folder: Path, port: Port, deployment_id: int) -> None:
    async with a_store(dsn) as store:
        node = await node_in(folder, port)

        async def reach() -> Node:
            return node

        queue = Queue(store)
        await queue.open()
        await run_deployment(store, queue, reach, deployment_id, patience=Patience(check=15, drain=2, warm=0, bake=0))


if __name__ == "__main__":
    _, dsn, folder, port, number, fault = sys.argv
    arm(parse_fault(fault, steps=frozenset(StepKey)))
    asyncio.run(_deploy(dsn, Path(folder), Port(int(port)), int(number)))
