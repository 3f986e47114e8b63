"""Room for a build: how much the last ones took, how much is free, and whether that is enough."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.model.runtimes import Runtime
from bakery.model.sizes import shown_bytes
from bakery.nodes.disk import Room, Space

LEAST = 500 * 1024**2  # of a build of which nobody knows how much it takes, or that took less
RESERVE = 250 * 1024**2  # for all else that happens on the machine meanwhile
BUILDS_COUNTED = 3


@dataclass(frozen=True, slots=True)
class Lack:
    """Of room. `room` is where."""

    needed: int
    room: Room

    def said(self, freed: int) -> str:
        pruned = f"{shown_bytes(freed)} were freed by pruning, and " if freed else ""
        return (
            f"There is too little room for this deployment: it needs about {shown_bytes(self.needed)}, {pruned}"
            f"{shown_bytes(self.room.free)} are free at {self.room.path}."
        )


def needed_bytes(last: Sequence[int]) -> int:
    """`last` are the sizes of the last builds."""
    return max(LEAST, *last) + RESERVE if last else LEAST + RESERVE


def what_lacks(space: Space, runtime: Runtime, last: Sequence[int]) -> Lack | None:
    """An image lies with Docker; its source, which goes when it is built, with the releases."""
    needed = needed_bytes(last)
    if runtime is not Runtime.DOCKER or space.docker is None:
        return _lack(needed, space.node)
    if space.docker.disk == space.node.disk:
        return _lack(needed, space.docker)
    return _lack(needed, space.docker) or _lack(RESERVE, space.node)


def _lack(needed: int, room: Room) -> Lack | None:
    return Lack(needed, room) if room.free < needed else None
