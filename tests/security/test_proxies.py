"""A proxy on the same machine that nobody listed: its callers are not this machine."""

from collections.abc import Callable

import pytest

from bakery.model.permissions import Scope
from tests.api.site import Site
from tests.security.surface import a_client, asking
from tests.support.people import an_admin

_BEHIND = [
    {"x-forwarded-for": "198.51.100.7"},
    {"x-forwarded-for": "127.0.0.1"},
    {"forwarded": "for=198.51.100.7"},
    {"x-real-ip": "198.51.100.7"},
]


@pytest.mark.parametrize("told", _BEHIND, ids=str)
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
async def test_who_comes_through_a_proxy_is_not_this_machine(site: Site, peer: str, told: dict[str, str]) -> None:
    async with a_client(site, peer=peer) as here:
        assert (await here.get("/metrics")).status_code == 200
        assert "not encrypted" not in (await here.get("/login")).text
        assert (await here.get("/metrics", headers=told)).status_code == 401
        assert "not encrypted" in (await here.get("/login", headers=told)).text


async def test_a_token_reads_the_metrics_from_anywhere(site: Site) -> None:
    async with asking(site, await an_admin(site.store), scope=Scope.READ) as program:
        assert (await program.get("/metrics", headers=_BEHIND[0])).status_code == 200


async def test_a_proxy_that_is_not_listed_is_told_once_with_what_to_do(site: Site, said: Callable[[], str]) -> None:
    async with a_client(site) as here:
        await here.get("/login")
        assert "proxy_is_not_trusted" not in said()
        for _ in range(3):
            await here.get("/login", headers=_BEHIND[0])
    assert said().count("proxy_is_not_trusted") == 1
    assert "Set BAKERY_TRUSTED_PROXIES=127.0.0.1 and start Bakery again." in said()
