"""Every stack, in the order in which they are asked. Nothing else in Bakery knows one by its name."""

from bakery.stacks import bun, command, dockerfile, node, procfile, python, static

STACKS = (
    dockerfile.STACK,
    bun.STACK,
    node.STACK,
    python.STACK,
    procfile.STACK,
    command.STACK,
    static.STACK,
)
