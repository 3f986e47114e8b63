"""The command `bakery` on this machine as if an ordinary user ran it, so that nothing outside of FOLDER changes:
`python -m tests.support.bakery_of_a_user FOLDER PORT ARGUMENTS…`. Its nginx answers on PORT.

PATIENCE is JSON: how long deployments wait. BUILD_MEMORY is how much a build may have. At SIGUSR1 the fault that stands
in FOLDER.fault is armed."""

import functools
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from unittest import mock

from bakery.cli import main
from bakery.delivery.limits import build_limits
from bakery.delivery.planned import StepKey
from bakery.delivery.work import Patience
from bakery.model.faults import arm, parse_fault
from bakery.model.names import Port
from bakery.model.unit import Limits
from bakery.nodes.node import Node
from tests.support.machine import node_in

if __name__ == "__main__":
    _, folder, port, *arguments = sys.argv
    sys.argv = ["bakery", *arguments]

    async def open_node(*, root: PurePosixPath) -> Node:
        return await node_in(Path(folder), Port(int(port)))

    def arm_what_is_written(*_: object) -> None:
        arm(parse_fault(Path(f"{folder}.fault").read_text(), steps=frozenset(StepKey)))

    def few(*, memory_bytes: int, cpus: int) -> Limits:
        bytes_told = int(os.environ.get("BUILD_MEMORY", "0"))
        limits = build_limits(memory_bytes=memory_bytes, cpus=cpus)
        return replace(limits, memory_bytes=bytes_told) if bytes_told else limits

    signal.signal(signal.SIGUSR1, arm_what_is_written)
    # What was live is gone at the end, unless somebody says how long it stays warm.
    told = {"warm": float(os.environ.get("WARM", "0")), "bake": 0, **json.loads(os.environ.get("PATIENCE", "{}"))}
    with (
        mock.patch("bakery.app.open_local_node", open_node),
        mock.patch("bakery.delivery.worker.Patience", functools.partial(Patience, **told)),
        mock.patch("bakery.delivery.making.build_limits", few),
    ):
        main()
