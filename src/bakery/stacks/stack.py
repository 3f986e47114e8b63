"""What a module of this folder says about its stack, for the table."""

from collections.abc import Callable

from msgspec import Struct

from bakery.stacks.plan import Found, Said
from bakery.stacks.tree import Folder


class Stack(Struct, frozen=True):
    """`marks`: a folder below the top with one of these may be an app of its own; a name, or “*” with an ending.

    `reads`: the files that decide, as names or patterns for `Folder.matching`. `reads_above`: likewise, of every folder
    that the app's lies in: what a workspace says about its members. `yields_to`: beside one of these it is for the
    pages of something else, and asked last. `looks_for`: for people.
    """

    name: str
    find: Callable[[Folder, Said], Found | None]
    marks: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    reads_above: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()
    looks_for: tuple[str, ...] = ()
    is_last_resort: bool = False  # asked only where none before it has an answer
