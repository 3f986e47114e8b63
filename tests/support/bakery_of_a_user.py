"""The command `bakery` on this machine as if an ordinary user ran it, so that nothing outside of FOLDER changes:
`python -m tests.support.bakery_of_a_user FOLDER PORT ARGUMENTS…`. Its nginx answers on PORT."""

import functools
import os
import sys
from pathlib import Path, PurePosixPath
from unittest import mock

from bakery.cli import main
from bakery.delivery.work import Patience
from bakery.model.names import Port
from bakery.nodes.node import Node
from tests.support.machine import node_in

if __name__ == "__main__":
    _, folder, port, *arguments = sys.argv
    sys.argv = ["bakery", *arguments]

    async def open_node(*, root: PurePosixPath) -> Node:
        return await node_in(Path(folder), Port(int(port)))

    # What was live is gone at the end, unless somebody says how long it stays warm.
    patience = functools.partial(Patience, warm=float(os.environ.get("WARM", "0")), bake=0)
    with (
        mock.patch("bakery.app.open_local_node", open_node),
        mock.patch("bakery.delivery.worker.Patience", patience),
    ):
        main()
