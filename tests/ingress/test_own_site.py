"""Bakery's own site: what is wanted is a row, and a real nginx on a loopback port does it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from psycopg.types.json import Jsonb

from bakery.ingress.own_certificate import OwnCertificate
from bakery.ingress.own_site import Machine, OwnSite, choose_own_site, read_own_site, settle_own_site
from bakery.model.actor import Actor
from bakery.model.certificates import Held
from bakery.model.errors import BadInput, NotAllowed
from bakery.model.names import HostName, Port
from bakery.nodes.helper_ingress import HelperIngress
from bakery.store.installation import General
from bakery.store.store import Store
from tests.helper.test_sites import Place, a_place, get
from tests.nodes.test_health import an_app
from tests.support.people import a_developer, an_admin


@pytest.fixture
def place() -> Iterator[Place]:
    yield from a_place()


@pytest.fixture
async def ingress(place: Place) -> HelperIngress:
    await place.ingress.ensure_running()
    return place.ingress


@pytest.fixture
async def ada(store: Store) -> Actor:
    return await an_admin(store)


def found_at(place: Place, host: str = "bakery.example") -> General:
    return General(f"http://{host}:{place.port}", None, "localhost")


async def answer(place: Place, host: str) -> int:
    return (await get(place, host)).status_code


async def test_requests_for_the_base_url_reach_bakery_and_no_others(
    store: Store, ingress: HelperIngress, place: Place, ada: Actor
) -> None:
    await choose_own_site(store, found_at(place), is_wanted=True, actor=ada)
    async with an_app({"/": 204}) as bakery:
        await settle_own_site(store, Machine(ingress), found_at(place), bakerys_port=bakery)

        assert await read_own_site(store) == OwnSite(is_wanted=True, host="bakery.example")
        assert (await answer(place, "bakery.example"), await answer(place, "other.example")) == (204, 404)


async def test_it_follows_a_changed_base_url(store: Store, ingress: HelperIngress, place: Place, ada: Actor) -> None:
    await choose_own_site(store, found_at(place), is_wanted=True, actor=ada)
    async with an_app({"/": 204}) as bakery:
        for host in ("bakery.example", "oven.example"):
            await settle_own_site(store, Machine(ingress), found_at(place, host), bakerys_port=bakery)

        assert (await answer(place, "oven.example"), await answer(place, "bakery.example")) == (204, 404)


async def test_a_certificate_is_told_only_where_visitors_are_shown_it(
    store: Store, ingress: HelperIngress, place: Place, ada: Actor
) -> None:
    """One from the time when the base URL began with https is there still."""
    now = datetime.now(UTC)
    held = Held("f" * 64, (HostName("bakery.example"),), now, now + timedelta(days=60), "Example Trust")
    kept = msgspec.to_builtins(OwnCertificate(held, "https://ca.example/dir", "bakery.example"))
    async with store.transaction() as tx:
        await tx.connection.execute("INSERT INTO settings (name, value) VALUES ('own_certificate', %s)", (Jsonb(kept),))
    await choose_own_site(store, found_at(place), is_wanted=True, actor=ada)

    await settle_own_site(store, Machine(ingress), found_at(place), bakerys_port=Port(4100))

    assert await read_own_site(store) == OwnSite(is_wanted=True, host="bakery.example")


async def test_turned_off_it_is_gone(store: Store, ingress: HelperIngress, place: Place, ada: Actor) -> None:
    async with an_app({"/": 204}) as bakery:
        for is_wanted in (True, False):
            await choose_own_site(store, found_at(place), is_wanted=is_wanted, actor=ada)
            await settle_own_site(store, Machine(ingress), found_at(place), bakerys_port=bakery)

    assert await read_own_site(store) == OwnSite()
    assert await answer(place, "bakery.example") == 404


async def test_what_nginx_refuses_is_told_and_the_sites_stay(
    store: Store, ingress: HelperIngress, place: Place, ada: Actor
) -> None:
    await ingress.apply_site(place.docs(1))
    (place.root / "nginx/bakery.d/theirs.conf").write_text("lsten 80;\n")
    await choose_own_site(store, found_at(place), is_wanted=True, actor=ada)

    await settle_own_site(store, Machine(ingress), found_at(place), bakerys_port=Port(4100))

    told = await read_own_site(store)
    assert (told.host, told.is_settled) == (None, False)
    assert 'unknown directive "lsten" in ' in told.trouble
    assert "theirs.conf:1" in told.trouble
    assert await answer(place, "docs.example") == 200

    (place.root / "nginx/bakery.d/theirs.conf").unlink()
    await choose_own_site(store, found_at(place), is_wanted=True, actor=ada)
    await settle_own_site(store, Machine(ingress), found_at(place), bakerys_port=Port(4100))
    assert (await read_own_site(store)).host == "bakery.example"


async def test_a_base_url_that_this_nginx_does_not_answer_is_told(
    store: Store, ingress: HelperIngress, place: Place, ada: Actor
) -> None:
    elsewhere = General("http://bakery.example:1", None, "localhost")
    await choose_own_site(store, elsewhere, is_wanted=True, actor=ada)

    await settle_own_site(store, Machine(ingress), elsewhere, bakerys_port=Port(4100))

    told = (await read_own_site(store)).trouble
    assert told == f"The base URL leads to port 1, and nginx listens on port {place.port} here."


async def test_without_nginx_the_reason_is_told(store: Store, place: Place, ada: Actor) -> None:
    await choose_own_site(store, found_at(place), is_wanted=True, actor=ada)
    await settle_own_site(store, Machine(None), found_at(place), bakerys_port=Port(4100))
    assert (await read_own_site(store)).trouble == "There is no nginx on this machine. Install it, then try again."


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        (None, "Bakery has no base URL yet, so there is no name for its site."),
        ("http://[2001:db8::1]", "The base URL is an IPv6 address; a site needs a host name."),
    ],
)
async def test_without_a_name_to_answer_it_is_not_turned_on(
    store: Store, ada: Actor, base_url: str | None, why: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await choose_own_site(store, General(base_url, None, "localhost"), is_wanted=True, actor=ada)
    assert refused.value.message == why
    assert await read_own_site(store) == OwnSite()


async def test_only_who_manages_the_system_turns_it_on(store: Store, place: Place) -> None:
    with pytest.raises(NotAllowed):
        await choose_own_site(store, found_at(place), is_wanted=True, actor=await a_developer(store))
