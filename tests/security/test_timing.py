"""An app outside somebody's grants takes as long to be refused as a name that nobody has."""

import statistics
import time

import httpx

from bakery.model.permissions import HELD_BY, Role
from tests.api.site import Site
from tests.security.surface import asking, routes_of
from tests.support.people import a_developer
from tests.web.goods import a_failed_deployment, an_app

_PAIRS = 41
_A_MEGABYTE = b"of nobody's concern\n" * 50_000
_APART = 0.003  # seconds; or half of what the quicker one takes


async def test_a_foreign_app_takes_as_long_as_one_that_nobody_has(site: Site) -> None:
    mine = await an_app(site, "mine")
    await an_app(site, "theirs")
    await a_failed_deployment(site, "theirs", log=_A_MEGABYTE)
    may_ask = [
        route
        for route in routes_of(site.web)
        if route.permission and Role.DEVELOPER in HELD_BY.get(route.permission, ())
    ]
    reads = [route for route in may_ask if route.is_of_an_app and not route.changes]
    assert len(reads) > 5
    wrong = []
    async with asking(site, await a_developer(site.store, apps=frozenset({mine}))) as client:
        for route in reads:
            paths = [route.address(app=slug, slug=slug, number=1) for slug in ("theirs", "nobodys")]
            foreign, unknown = await _medians(client, *paths)
            if abs(foreign - unknown) > max(_APART, min(foreign, unknown) / 2):
                wrong.append((str(route), round(foreign, 4), round(unknown, 4)))
    assert wrong == []


async def _medians(client: httpx.AsyncClient, one: str, other: str) -> tuple[float, float]:
    """In turn, so that whatever else the machine does meets both alike; the first ones only warm up."""
    seconds: dict[str, list[float]] = {one: [], other: []}
    for _ in range(_PAIRS):
        for path in (one, other):
            began = time.perf_counter()
            assert (await client.get(path)).status_code == 404
            seconds[path].append(time.perf_counter() - began)
    return statistics.median(seconds[one][3:]), statistics.median(seconds[other][3:])
