"""Every stack, in the order in which they are asked. Nothing else in Bakery knows one by its name."""

from collections.abc import Callable
from dataclasses import dataclass

from bakery.stacks import bun, dockerfile, node, package_json, procfile, python, static
from bakery.stacks.bun import find_bun_app
from bakery.stacks.command import find_command
from bakery.stacks.dockerfile import find_dockerfile
from bakery.stacks.node import find_node_app
from bakery.stacks.plan import Found, Said
from bakery.stacks.procfile import find_procfile_app
from bakery.stacks.python import find_python_app
from bakery.stacks.static import find_static_files
from bakery.stacks.tree import Folder
from bakery.stacks.vite import CONFIGS


@dataclass(frozen=True, slots=True)
class Stack:
    """`marks`: a folder below the top with one of these may be an app of its own. `reads`: the files that decide."""

    name: str
    find: Callable[[Folder, Said], Found | None]
    marks: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    looks_for: tuple[str, ...] = ()  # for people
    is_last_resort: bool = False  # asked only where none before it has an answer


STACKS = (
    Stack("dockerfile", find_dockerfile, (dockerfile.FILE,), (dockerfile.FILE,), (dockerfile.FILE,)),
    Stack("bun", find_bun_app, bun.LOCKS, (package_json.FILE, *CONFIGS), bun.LOCKS),
    Stack(
        "node", find_node_app, (package_json.FILE,), (package_json.FILE, *node.READS, *CONFIGS), (package_json.FILE,)
    ),
    Stack("python", find_python_app, python.PROJECT_MARKS, python.READS, python.MARKS),
    Stack("procfile", find_procfile_app, (procfile.FILE,), (procfile.FILE,), (procfile.FILE,), is_last_resort=True),
    Stack("command", find_command, is_last_resort=True),
    Stack("static", find_static_files, looks_for=static.MARKS),
)
