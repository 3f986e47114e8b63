"""One host name has one owner in the whole installation: Bakery itself, or one environment."""

import asyncio

import pytest

from bakery.delivery.apps import create_app
from bakery.delivery.clone import clone_app
from bakery.delivery.environments import add_environment, parse_new_environment
from bakery.delivery.local import Address, ensure_local_node
from bakery.ingress.domains import Domain, attach_domain
from bakery.ingress.owners import give_names_alone
from bakery.ingress.places import change_general, edit_node
from bakery.model.actor import Actor
from bakery.model.apps import parse_new_app
from bakery.model.errors import BadInput, Conflict
from bakery.model.host_names import parse_domain_name
from bakery.model.names import AppAt
from bakery.nodes.catalogue import show_node
from bakery.settings import read_settings
from bakery.store.installation import General
from tests.delivery.fleet import ADMIN, Fleet
from tests.delivery.test_placing import a_node_far_away
from tests.support.machine import machine_of
from tests.support.people import a_developer
from tests.support.places import at
from tests.support.waiting import until

NAME = "bakery.example.com"


async def attach(fleet: Fleet, host: str, where: AppAt | None = None) -> Domain:
    return await attach_domain(fleet.store, fleet.queue, where or at("shop"), parse_domain_name(host), actor=ADMIN)


async def settle_at(fleet: Fleet, *, base_url: str = "", apps_domain: str = "localhost") -> General:
    return await change_general(
        fleet.store,
        fleet.queue,
        read_settings({}),
        base_url=base_url,
        public_ip="",
        apps_domain=apps_domain,
        actor=ADMIN,
    )


async def make_far(fleet: Fleet, slug: str) -> None:
    await create_app(fleet.store, parse_new_app(slug=slug, command="python3 app.py", node="oven-1"), actor=ADMIN)


async def move_oven(fleet: Fleet, domain: str) -> None:
    await edit_node(fleet.store, fleet.queue, "oven-1", {"apps_domain": domain}, actor=ADMIN)


async def domain_of(fleet: Fleet, node: str) -> str:
    return (await show_node(fleet.store, node, actor=ADMIN)).apps_domain


async def add(fleet: Fleet, app: str, name: str, actor: Actor = ADMIN) -> None:
    new = parse_new_environment(name, branch="", node="", with_variables=False)
    await add_environment(fleet.store, at(app), new, actor=actor)


async def test_no_app_and_no_environment_is_called_like_bakery_itself(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await settle_at(fleet, base_url=f"https://{NAME}", apps_domain="example.com")
    with pytest.raises(BadInput, match=f"^bakery would answer as {NAME}, which is the address of Bakery itself") as no:
        await fleet.make("bakery")
    assert (no.value.field, no.value.hint) == (
        "slug", "Choose another name, another node, or another apps domain for this one.",
    )  # fmt: skip
    await fleet.make("shop")
    with pytest.raises(BadInput, match="address of Bakery itself"):
        await clone_app(fleet.store, at("shop"), "bakery", node=None, actor=ADMIN)

    await settle_at(fleet, base_url="https://staging.shop.example.com", apps_domain="example.com")
    with pytest.raises(BadInput, match=r"^shop in staging would answer as staging\.shop\.example\.com") as no:
        await add(fleet, "shop", "staging")
    assert no.value.field == "name"
    await fleet.make("bakery")


async def test_no_app_is_called_like_an_environment_of_another(bare_fleet: Fleet) -> None:
    """Below the domain of a node that is called like an app."""
    fleet = bare_fleet
    await settle_at(fleet, apps_domain="example.com")
    await a_node_far_away(fleet.store)
    shop = await fleet.make("oven-1")
    await move_oven(fleet, "oven-1.example.com")
    await add(fleet, "oven-1", "staging")
    with pytest.raises(BadInput, match=r"^staging would answer as .*, which belongs to oven-1 in staging\.$"):
        await make_far(fleet, "staging")
    await make_far(fleet, "blog")
    stranger = await a_developer(fleet.store, apps=frozenset({shop.id}))
    with pytest.raises(BadInput, match=r"^oven-1 in blog would answer as .*, which belongs to another app\.$"):
        await add(fleet, "oven-1", "blog", stranger)


async def test_bakery_takes_no_name_that_an_app_has(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await settle_at(fleet, apps_domain="apps.example")
    await fleet.make("shop")
    await attach(fleet, "www.example.com")
    await attach(fleet, "*.stars.example")
    for host, said in (
        ("www.example.com", r"^www\.example\.com is attached to shop\.$"),
        ("shop.apps.example", r"^shop answers as shop\.apps\.example\.$"),
        ("a.stars.example", r"would be caught on this machine: \*\.stars\.example is attached to shop\.$"),
    ):
        with pytest.raises(BadInput, match=said) as no:
            await settle_at(fleet, base_url=f"https://{host}", apps_domain="apps.example")
        assert no.value.field == "base_url"
    await settle_at(fleet, base_url="https://bakery.apps.example", apps_domain="apps.example")


async def test_apps_come_to_be_below_no_domain_where_names_are_attached(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await a_node_far_away(fleet.store)
    await fleet.make("shop")
    await make_far(fleet, "far")
    await settle_at(fleet, base_url="https://far.bakery.example")
    for name in ("www.example.com", "example.com"):
        await attach(fleet, name)
    await attach(fleet, "*.stars.example", at("far"))
    for domain, said in (
        ("example.com", "example.com is attached to shop, www.example.com is attached to shop"),
        ("ovens.stars.example", r"would be caught there: \*\.stars\.example is attached to far"),
        ("bakery.example", "^far would answer as far.bakery.example, which is the address of Bakery itself"),
    ):
        with pytest.raises(BadInput, match=said) as no:
            await move_oven(fleet, domain)
        assert no.value.field == "apps_domain"
    assert await domain_of(fleet, "oven-1") == "oven-1.localhost"
    with pytest.raises(BadInput, match="apps get their names by themselves"):
        await settle_at(fleet, base_url="https://far.bakery.example", apps_domain="example.com")
    await move_oven(fleet, "ovens.example")


async def test_two_apps_are_not_moved_to_one_name(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await settle_at(fleet, apps_domain="example.com")
    await a_node_far_away(fleet.store)
    await fleet.make("shop")
    await add(fleet, "shop", "far")
    await make_far(fleet, "far")
    with pytest.raises(
        BadInput, match=r"^far would answer as far\.shop\.example\.com, which belongs to shop in far\.$"
    ):
        await move_oven(fleet, "shop.example.com")


async def test_a_name_has_one_owner_also_under_a_race(bare_fleet: Fleet) -> None:
    """Whoever comes second hears so: the one that attaches it, the node that is moved, Bakery that is called so."""
    fleet = bare_fleet
    await a_node_far_away(fleet.store)
    await fleet.make("shop")
    async with fleet.store.pool.connection() as other:
        await give_names_alone(other)
        racing = [
            asyncio.create_task(attach(fleet, NAME)),
            asyncio.create_task(move_oven(fleet, "example.com")),
            asyncio.create_task(settle_at(fleet, base_url=f"https://{NAME}")),
        ]
        await until(lambda: _are_waiting(fleet, len(racing)), what="all wait for their turn")
    told = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(isinstance(one, BadInput | Conflict) for one in told) >= 1
    is_attached, is_below = isinstance(told[0], Domain), await domain_of(fleet, "oven-1") == "example.com"
    assert not (is_attached and is_below)
    assert not (is_attached and isinstance(told[2], General))


async def _are_waiting(fleet: Fleet, many: int) -> bool:
    async with fleet.store.pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return await cursor.fetchone() == (many,)


async def test_a_changed_apps_domain_of_the_installation_is_of_effect_at_once(bare_fleet: Fleet) -> None:
    await bare_fleet.make("shop")
    await settle_at(bare_fleet, apps_domain="example.com")
    app = await bare_fleet.app()
    assert (await domain_of(bare_fleet, "local"), app.apps_domain) == ("example.com", "example.com")


async def test_what_the_environment_of_a_process_gives_away_stays_with_its_owner_and_is_told(bare_fleet: Fleet) -> None:
    """Nobody could be refused: it is read at the start."""
    fleet = bare_fleet
    await fleet.make("shop")
    await attach(fleet, "www.example.com")
    machine = machine_of(fleet.node)
    address = Address(None, "example.com", own_host="www.example.com")
    notes = await ensure_local_node(fleet.store, fleet.queue, machine, address)
    kept = (
        "Below example.com apps get their names by themselves, and www.example.com is attached to shop. "
        "Until these are free, apps stay below localhost."
    )
    assert notes[-2:] == (kept, "www.example.com is attached to shop. It is the address of Bakery itself too.")
    assert await domain_of(fleet, "local") == "localhost"
