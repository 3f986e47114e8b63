"""Every stack, in the order in which they are asked. Nothing else in Bakery knows one by its name."""

from bakery.stacks import bun, command, dockerfile, go, node, php, procfile, python, ruby, rust, static

STACKS = (
    dockerfile.STACK,
    php.STACK,  # and the next one: their package.json is for assets
    ruby.STACK,
    bun.STACK,
    node.STACK,
    python.STACK,
    go.STACK,
    rust.STACK,
    procfile.STACK,
    command.STACK,
    static.STACK,
)
