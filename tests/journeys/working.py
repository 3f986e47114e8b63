"""A Bakery that runs apps on this machine, changes nothing else there, and leaves nothing behind."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from tests.support.machine import a_free_port, a_node
from tests.support.serving import Serving, serving

_ROOT = Path(__file__).parents[2]


@contextmanager
def a_working_bakery(folder: Path, **environ: str) -> Iterator[Serving]:
    port = a_free_port()
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(a_node(port)) as node:
        root = str(node.folders.root)
        program = (sys.executable, "-m", "tests.support.bakery_of_a_user", root, str(port))
        with serving(folder, program=program, BAKERY_NODE_DIR=root, PYTHONPATH=str(_ROOT), **environ) as bakery:
            yield bakery
