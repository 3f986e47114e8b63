"""What holds in the end, whatever happened to a deployment, and what visitors notice meanwhile."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

import httpx

from bakery.model.names import AppName, EnvironmentName
from bakery.store.ending import end_tasks
from tests.delivery.fleet import Fleet

_EVERY = 0.05


@dataclass
class Visitor:
    """Visits an app through nginx, one request after another; `failed` says how each bad one ended."""

    fleet: Fleet
    slug: str = "shop"
    visits: int = 0
    failed: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._visit())
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(self._task)
        assert self.visits > 0

    async def _visit(self) -> None:
        while True:
            self.visits += 1
            try:
                status = (await self.fleet.visit(self.slug)).status_code
            except httpx.HTTPError as error:
                self.failed.append(repr(error))
            else:
                self.failed += [str(status)] if status != 200 else []
            await asyncio.sleep(_EVERY)


async def expect_no_leftovers(fleet: Fleet, *, units: tuple[str, ...], releases: tuple[str, ...]) -> None:
    """On the node are the live slot's programs and the files of the kept releases, and nothing else of the app."""
    transport, folders = fleet.node.transport, fleet.node.folders
    assert await transport.names_in(folders.units) == units
    of_app = folders.releases(AppName("shop"), EnvironmentName("production"))
    assert sorted(await transport.names_in(of_app)) == sorted(releases)
    assert await fleet.node.homes.uploads() == {}
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT colour, state FROM slots WHERE state NOT IN ('idle', 'live')")
        assert await cursor.fetchall() == []
