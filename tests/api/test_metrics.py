"""How the slots of an app are doing."""

from dataclasses import dataclass, field

import httpx

from bakery.store.rows import only
from bakery.store.traffic import TrafficWriter
from bakery.web.moments import now
from tests.api.site import Site
from tests.web.goods import a_live_app


@dataclass(frozen=True)
class Said:
    site: str = "shop-production"
    release: int = 1
    requests: int = 40
    errors: int = 2
    times: dict[int, int] = field(default_factory=lambda: {0: 40})
    is_sampled: bool = False


async def test_the_figures_of_the_last_hour_are_told_of_each_slot(site: Site, admin: httpx.AsyncClient) -> None:
    await a_live_app(site)
    async with site.store.connection() as connection:
        (node_id,) = await only(await connection.execute("SELECT node_id FROM environments"))
    writer = TrafficWriter(site.store)
    writer.add(node_id, [Said()], now())
    await writer.flush()
    (slot,) = (await admin.get("/apps/shop/metrics")).json()["slots"]
    told = ("colour", "state", "release", "health", "trouble", "restarts", "requests", "errors", "error_share", "p95")
    assert [slot[name] for name in told] == ["blue", "live", 1, "healthy", "", 0, 40, 2, 0.05, 0.9]
    assert slot["in_this_slot"] == {"requests": 40, "errors": 2, "p95": 0.9}
    assert [(minute["requests"], minute["errors"]) for minute in slot["minutes"]] == [(40, 2)]
    assert (await admin.get("/apps/nothing/metrics")).status_code == 404
