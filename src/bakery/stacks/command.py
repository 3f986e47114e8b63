"""A command alone: somebody said how it is started, and nothing else is known."""

from bakery.model.runtimes import Runtime
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder


def find_command(_: Folder, said: Said) -> Found | None:
    if not said.starts:
        return None
    return Found((Runtime.PROCESS,), Commands(), ("What its commands need has to be installed on the node.",))


STACK = Stack("command", find_command, is_last_resort=True)
