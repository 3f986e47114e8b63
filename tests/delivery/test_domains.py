"""Host names that lead to an app, through a real nginx and a little DNS."""

import asyncio
from dataclasses import replace

import httpx
import msgspec
import pytest

from bakery.delivery.apps import create_app
from bakery.delivery.environments import add_environment, parse_new_environment
from bakery.delivery.local import Address, ensure_local_node
from bakery.delivery.sites import refresh_site
from bakery.ingress.domains import (
    Domain,
    attach_domain,
    list_domains,
    make_primary,
    names_with_right_dns,
    remove_domain,
)
from bakery.ingress.looking import look_in_time, verify_domain
from bakery.ingress.tasks import REFRESH_SITE
from bakery.model.apps import parse_new_app
from bakery.model.dns import DnsState
from bakery.model.errors import Conflict, NotFound
from bakery.model.host_names import parse_domain_name
from bakery.model.names import HostName
from bakery.nodes.catalogue import show_node
from bakery.nodes.registry import edit_node
from bakery.store.installation import note_own_host
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.test_placing import a_node_far_away
from tests.support.dns_server import a_little_dns
from tests.support.machine import machine_of
from tests.support.people import a_developer
from tests.support.places import at

WWW = HostName("www.example.com")
STAGING = parse_new_environment("staging", branch="", node="", with_variables=False)


async def attach(fleet: Fleet, host: str, slug: str = "shop", env: str = "production") -> Domain:
    return await attach_domain(fleet.store, fleet.queue, at(slug, env), parse_domain_name(host), actor=ADMIN)


async def visit(fleet: Fleet, host: str) -> str:
    assert fleet.node.ingress is not None
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        url = f"http://127.0.0.1:{fleet.node.ingress.port}/"
        return (await client.get(url, headers={"Host": host})).text


async def do_what_waits(fleet: Fleet) -> None:
    """What the queue holds for sites, done here."""
    found = await waiting(fleet)
    assert found
    for environment_id in found:
        await refresh_site(fleet.store, fleet.node, environment_id)


async def waiting(fleet: Fleet) -> list[int]:
    """Taken out of the queue."""
    async with fleet.store.transaction() as tx:
        cursor = await tx.connection.execute(
            "DELETE FROM procrastinate_jobs WHERE task_name = %s RETURNING (args ->> 'subject')::bigint",
            (REFRESH_SITE,),
        )
        return [environment_id for (environment_id,) in await cursor.fetchall()]


async def set_address(fleet: Fleet, address: str | None) -> None:
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE nodes SET public_address = %s", (address,))


async def test_a_site_follows_the_apps_domain_of_its_node(fleet: Fleet) -> None:
    """Without a deployment; and its names are looked at anew when the address of its node is another."""
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await attach(fleet, WWW)
    await do_what_waits(fleet)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE domains SET look_at = now() + interval '1 hour'")
    machine = machine_of(fleet.node)
    await ensure_local_node(fleet.store, fleet.queue, machine, Address("203.0.113.9", "apps.example"))
    await do_what_waits(fleet)
    assert await visit(fleet, "shop.apps.example") == "one"
    assert await visit(fleet, "shop.localhost") != "one"
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT bool_and(look_at <= now()) FROM domains")
        assert await cursor.fetchone() == (True,)

    await ensure_local_node(fleet.store, fleet.queue, machine, Address("203.0.113.9", "apps.example"))
    assert await waiting(fleet) == [], "the same again changes nothing"


async def test_this_machine_has_the_ipv6_address_that_is_found_unless_a_person_said_another(fleet: Fleet) -> None:
    async def started(found: str | None) -> str | None:
        machine = machine_of(replace(fleet.node, facts=msgspec.structs.replace(fleet.node.facts, ipv6=found)))
        await ensure_local_node(fleet.store, fleet.queue, machine, Address(None, "localhost"))
        return (await show_node(fleet.store, "local", actor=ADMIN)).public_ipv6

    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await waiting(fleet)
    assert await started("2a01:4f8::7") == "2a01:4f8::7"
    assert await waiting(fleet) != [], "its names are looked at anew"
    assert await started(None) is None
    await edit_node(fleet.store, "local", {"public_ipv6": "2a01:4f8::9"}, actor=ADMIN)
    assert await started("2a01:4f8::7") == "2a01:4f8::9"
    await edit_node(fleet.store, "local", {"public_ipv6": ""}, actor=ADMIN)
    assert await started("2a01:4f8::7") is None


async def test_an_app_answers_to_its_domains_until_they_are_removed(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    first = await attach(fleet, "Bücher.example")
    await attach(fleet, "*.shop.example.com")
    await do_what_waits(fleet)
    assert (first.host, first.shown, first.is_primary) == ("xn--bcher-kva.example", "bücher.example", True)
    assert [await visit(fleet, host) for host in ("xn--bcher-kva.example", "any.shop.example.com")] == ["one", "one"]
    await fleet.deploy_well(an_app("two"))  # a switch knows them too
    assert await visit(fleet, "any.shop.example.com") == "two"

    await attach(fleet, WWW)
    await make_primary(fleet.store, fleet.queue, at("shop"), WWW, actor=ADMIN)
    await remove_domain(fleet.store, fleet.queue, at("shop"), first.host, actor=ADMIN)
    await do_what_waits(fleet)
    assert "no app at this address" in await visit(fleet, "xn--bcher-kva.example")
    assert await visit(fleet, WWW) == "two"
    left = await list_domains(fleet.store, at("shop"), actor=ADMIN)
    assert [(one.host, one.is_primary) for one in left] == [(WWW, True), ("*.shop.example.com", False)]


async def test_a_name_leads_to_one_environment_also_under_a_race(fleet: Fleet) -> None:
    shop = await fleet.make()
    await fleet.make("blog")
    await add_environment(fleet.store, at("shop"), STAGING, actor=ADMIN)
    places = [("shop", "production"), ("blog", "production"), ("shop", "staging")]
    tried = await asyncio.gather(*(attach(fleet, WWW, *place) for place in places), return_exceptions=True)
    assert sorted(type(one).__name__ for one in tried) == ["Conflict", "Conflict", "Domain"]
    owner = places[next(index for index, one in enumerate(tried) if isinstance(one, Domain))]
    with pytest.raises(Conflict, match=f"^{WWW} belongs to {at(*owner)} already"):
        await attach(fleet, WWW.upper(), *places[0])
    await remove_domain(fleet.store, fleet.queue, at(*owner), WWW, actor=ADMIN)
    await attach(fleet, WWW, "blog")
    stranger = await a_developer(fleet.store, apps=frozenset({shop.id}))
    with pytest.raises(Conflict, match=f"^{WWW} belongs to another app"):
        await attach_domain(fleet.store, fleet.queue, at("shop"), parse_domain_name(WWW), actor=stranger)
    with pytest.raises(NotFound, match="no domain"):
        await remove_domain(fleet.store, fleet.queue, at("shop"), WWW, actor=stranger)
    async with fleet.store.transaction() as tx:
        await note_own_host(tx, "bakery.example")
    for host, said in (
        ("bakery.example", "is the address of Bakery itself"),
        ("blog.localhost", "Below localhost, apps of the node local get their names by themselves"),
    ):
        with pytest.raises(Conflict, match=said):
            await attach(fleet, host)


async def test_a_star_catches_neither_bakerys_own_name_nor_those_of_apps_on_its_node(fleet: Fleet) -> None:
    await fleet.make()
    await a_node_far_away(fleet.store)
    await create_app(fleet.store, parse_new_app(slug="far", command="python3 app.py", node="oven-1"), actor=ADMIN)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE nodes SET apps_domain = 'apps.shop.example' WHERE slug = 'local'")
        await note_own_host(tx, "bakery.shop.example")
    star = parse_domain_name("*.shop.example")
    both = "would also catch names of apps below apps.shop.example and bakery.shop.example, where Bakery itself answers"
    with pytest.raises(Conflict, match=both):
        await attach_domain(fleet.store, fleet.queue, at("shop"), star, actor=ADMIN)
    attached = await attach_domain(fleet.store, fleet.queue, at("far"), star, actor=ADMIN)
    assert attached.host == "*.shop.example"


async def test_the_dns_is_asked_until_it_is_right_and_then_the_app_is_found_there(fleet: Fleet) -> None:
    await fleet.make()
    await attach(fleet, WWW)
    await set_address(fleet, "203.0.113.7")
    with a_little_dns() as server:
        server.a_zone("example.com")
        assert await look_in_time(fleet.store, server.asking()) == 1
        assert await look_in_time(fleet.store, server.asking()) == 0
        (waiting,) = await list_domains(fleet.store, at("shop"), actor=ADMIN)
        assert (waiting.dns_state, [record.name for record in waiting.records]) == (DnsState.WAITING, ["www"])
        assert waiting.looked_at is not None
        assert 14 < (waiting.look_at - waiting.looked_at).total_seconds() < 16

        server.records[WWW, "A"] = ("198.51.100.4",)
        wrong = await verify_domain(fleet.store, server.asking(), at("shop"), WWW, actor=ADMIN)
        assert (wrong.dns_state, len(wrong.troubles)) == (DnsState.WRONG, 1)
        assert (await fleet.app()).address == f"http://shop.localhost:{fleet.node.ingress.port}"  # type: ignore[union-attr]  # it has nginx

        server.records[WWW, "A"] = ("203.0.113.7",)
        right = await verify_domain(fleet.store, server.asking(), at("shop"), WWW, actor=ADMIN)
    assert (right.dns_state, right.troubles) == (DnsState.RIGHT, ())
    assert (await fleet.app()).address == f"http://{WWW}:{fleet.node.ingress.port}"  # type: ignore[union-attr]  # likewise
    async with fleet.store.connection() as connection:
        assert await names_with_right_dns(connection, right.environment_id) == (WWW,)
