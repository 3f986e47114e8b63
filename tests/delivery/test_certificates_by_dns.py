"""Names with a star: certificates that a name server proves, from a real authority and with a real bind9; and the DNS
providers that an installation has."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bakery.ingress.certificates import Certificate, CertificateState, list_certificates
from bakery.ingress.dns_providers import (
    add_dns_provider,
    change_dns_provider,
    list_dns_providers,
    remove_dns_provider,
    show_dns_provider,
)
from bakery.ingress.domains import attach_domain, list_domains, remove_domain
from bakery.model.certificates import Refused, advice
from bakery.model.dns_providers import KINDS, DnsAccount, expect_secrets, parse_dns_account, parse_provider_name
from bakery.model.errors import BadInput, Conflict, NotAllowed
from bakery.model.host_names import parse_domain_name
from bakery.model.names import HostName
from bakery.model.secret import Secret
from bakery.nodes.certificates import Authority
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.test_certificates import do_what_waits, shown, soon
from tests.support import name_server
from tests.support.authority import running_pebble
from tests.support.machine import a_free_port
from tests.support.people import a_developer
from tests.support.places import at

ANY, BELOW = HostName("*.example.com"), HostName("any.example.com")
KEY = {"secret": Secret("bm90IHRoYXQga2V5IGF0IGFsbA==")}
WHERE = {"server": "192.0.2.53", "port": "53", "key_name": "bakery-key", "algorithm": "HMAC-SHA256"}
ELSEWHERE = DnsAccount("rfc2136", (HostName("example.com"),), WHERE, 60)


@pytest.fixture(scope="module")
def names() -> Iterator[name_server.NameServer]:
    with name_server.running_name_server() as server:
        yield server


@pytest.fixture(scope="module")
def authority(names: name_server.NameServer) -> Iterator[Authority]:
    with running_pebble(a_free_port(), rejects=0, name_server=names.port) as pebble:
        yield Authority(pebble.directory, trusted=pebble.trusted)


def at_bind(names: name_server.NameServer) -> DnsAccount:
    return replace(ELSEWHERE, fields={**WHERE, "server": "127.0.0.1", "port": str(names.port)}, wait=0)


def key_of(names: name_server.NameServer) -> dict[str, Secret]:
    return {"secret": Secret(names.secret)}


async def attach(fleet: Fleet, host: HostName) -> None:
    await attach_domain(fleet.store, fleet.queue, at("shop"), parse_domain_name(host), actor=ADMIN)


async def starred(fleet: Fleet) -> list[Certificate]:
    found = await list_certificates(fleet.store, at("shop"), actor=ADMIN)
    return [one for one in found if one.dns_provider is not None]


async def settle(fleet: Fleet, authority: Authority) -> list[Certificate]:
    for _ in range(5):
        await soon(fleet)
        await do_what_waits(fleet, authority)
    return await starred(fleet)


async def test_a_name_with_a_star_gets_its_certificate_by_the_provider_of_its_zone_wherever_it_leads(
    fleet: Fleet, authority: Authority, names: name_server.NameServer
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await attach(fleet, ANY)
    assert await settle(fleet, authority) == []  # nobody can prove it
    await add_dns_provider(fleet.store, "our-bind", at_bind(names), key_of(names), actor=ADMIN)
    (held,) = await settle(fleet, authority)
    assert (held.state_at(datetime.now(UTC)), held.names, held.trouble) == (CertificateState.VALID, (ANY,), "")
    assert await shown(fleet, BELOW) == held.fingerprint
    with pytest.raises(Conflict, match="shop are renewed by our-bind"):
        await remove_dns_provider(fleet.store, "our-bind", actor=ADMIN)

    async with fleet.store.transaction() as tx:  # its time has come
        await tx.connection.execute(
            """
            UPDATE certificates SET not_before = now() - interval '70 days', not_after = now() + interval '20 days',
                try_at = now() WHERE fingerprint IS NOT NULL
            """
        )
    (renewed,) = await settle(fleet, authority)
    assert await shown(fleet, BELOW) == renewed.fingerprint != held.fingerprint

    await remove_domain(fleet.store, fleet.queue, at("shop"), ANY, actor=ADMIN)
    assert await settle(fleet, authority) == []
    assert await shown(fleet, BELOW) is None
    await remove_dns_provider(fleet.store, "our-bind", actor=ADMIN)
    assert await list_dns_providers(fleet.store, actor=ADMIN) == []


async def test_a_wrong_key_is_told_and_a_right_one_is_tried_at_once(
    fleet: Fleet, authority: Authority, names: name_server.NameServer
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await add_dns_provider(fleet.store, "our-bind", at_bind(names), KEY, actor=ADMIN)
    await attach(fleet, ANY)
    (failing,) = await settle(fleet, authority)
    assert failing.refused is not None
    assert (failing.refused.kind, failing.state_at(datetime.now(UTC))) == ("dns-key", CertificateState.FAILING)
    await change_dns_provider(fleet.store, "our-bind", at_bind(names), key_of(names), actor=ADMIN)
    (held,) = await settle(fleet, authority)
    assert await shown(fleet, BELOW) == held.fingerprint


async def test_the_smallest_zone_decides_and_a_certificate_stays_until_the_other_provider_has_one(
    fleet: Fleet, authority: Authority, names: name_server.NameServer
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    first = at_bind(names)
    await add_dns_provider(fleet.store, "first", first, key_of(names), actor=ADMIN)
    await attach(fleet, HostName("*.shop.example.com"))
    (held,) = await settle(fleet, authority)
    smaller = replace(first, zones=(HostName("shop.example.com"),), fields={**first.fields, "port": str(a_free_port())})
    await add_dns_provider(fleet.store, "second", smaller, key_of(names), actor=ADMIN)
    both = await settle(fleet, authority)
    assert {(one.dns_provider, one.fingerprint) for one in both} == {("first", held.fingerprint), ("second", None)}
    assert [one.dns_provider for one in await list_domains(fleet.store, at("shop"), actor=ADMIN)] == ["second"]
    right = replace(smaller, fields=first.fields)
    await change_dns_provider(fleet.store, "second", right, key_of(names), actor=ADMIN)
    (other,) = await settle(fleet, authority)
    assert other.dns_provider == "second"
    assert await shown(fleet, HostName("any.shop.example.com")) == other.fingerprint != held.fingerprint


# Providers.


async def test_a_provider_is_told_without_its_secret_and_keeps_it(fleet: Fleet) -> None:
    made = await add_dns_provider(fleet.store, "our-bind", ELSEWHERE, KEY, actor=ADMIN)
    assert (made.account, made.secrets(fleet.store.vault)) == (ELSEWHERE, KEY)
    slower = replace(ELSEWHERE, wait=90)
    changed = await change_dns_provider(fleet.store, "our-bind", slower, {}, actor=ADMIN)
    assert (changed.account, changed.secrets(fleet.store.vault)) == (slower, KEY)
    moved = replace(slower, fields={**WHERE, "server": "192.0.2.1"})
    with pytest.raises(BadInput, match="its secret is needed too"):  # or it could be had sent elsewhere
        await change_dns_provider(fleet.store, "our-bind", moved, {}, actor=ADMIN)
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT action, before, after FROM audit WHERE target_kind = 'dns_provider'")
        told = await cursor.fetchall()
    assert [action for action, _, _ in told] == ["dns_provider.added", "dns_provider.changed"]
    assert KEY["secret"].reveal() not in str(told)


async def test_a_zone_has_one_provider_and_a_name_is_given_once(fleet: Fleet) -> None:
    await add_dns_provider(fleet.store, "one", ELSEWHERE, KEY, actor=ADMIN)
    with pytest.raises(Conflict, match=r"example\.com: another provider has it"):
        await add_dns_provider(fleet.store, "two", ELSEWHERE, KEY, actor=ADMIN)
    other = replace(ELSEWHERE, zones=(HostName("example.org"),))
    with pytest.raises(Conflict, match="There is a DNS provider one already"):
        await add_dns_provider(fleet.store, "one", other, KEY, actor=ADMIN)
    assert (await show_dns_provider(fleet.store, "one", actor=ADMIN)).zones == ELSEWHERE.zones


async def test_admins_alone_see_and_change_providers(fleet: Fleet) -> None:
    developer = await a_developer(fleet.store)
    with pytest.raises(NotAllowed):
        await add_dns_provider(fleet.store, "one", ELSEWHERE, KEY, actor=developer)
    with pytest.raises(NotAllowed):
        await change_dns_provider(fleet.store, "one", ELSEWHERE, KEY, actor=developer)
    with pytest.raises(NotAllowed):
        await list_dns_providers(fleet.store, actor=developer)
    with pytest.raises(NotAllowed):
        await remove_dns_provider(fleet.store, "one", actor=developer)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"zones": ["*.example.com"]}, "zones"),
        ({"zones": []}, "zones"),
        ({"server": "ns.example.com"}, "server"),
        ({"server": "fe80::1%eth0"}, "server"),
        ({"port": "0"}, "port"),
        ({"port": "domain"}, "port"),
        ({"more": "x"}, "fields"),
        ({"key_name": "a\nserver = 192.0.2.1"}, "key_name"),
        ({"algorithm": "HMAC-MD5"}, "algorithm"),
        ({"wait": 301}, "wait"),
    ],
)
def test_what_is_typed_wrong_is_told_at_its_field(wrong: dict[str, Any], field: str) -> None:
    typed = {"server": " 192.0.2.53 ", "key_name": "bakery-key", "algorithm": "hmac-sha256", "secret": "YWJj"}

    def parsed(zones: list[str], wait: int | None, fields: dict[str, str]) -> tuple[DnsAccount, object]:
        return parse_dns_account("rfc2136", zones=zones, fields=fields, wait=wait)

    assert parsed(["Example.COM."], None, typed) == (ELSEWHERE, {"secret": Secret("YWJj")})
    with pytest.raises(BadInput) as refused:
        parsed(wrong.pop("zones", ["example.com"]), wrong.pop("wait", 60), {**typed, **wrong})
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["", "Our bind", "1bind", "bind\nx", "b" * 41, "../bind"])
def test_a_name_of_a_provider_is_one_word(text: str) -> None:
    with pytest.raises(BadInput):
        parse_provider_name(text)


@pytest.mark.parametrize("text", ["not base64", "abc", "YWJj\nZGVm", "A" * 504])
def test_a_secret_is_base64_of_a_bounded_length(text: str) -> None:
    with pytest.raises(BadInput):
        parse_dns_account("rfc2136", zones=["example.com"], fields={**WHERE, "secret": text}, wait=0)
    account, given = parse_dns_account("rfc2136", zones=["example.com"], fields={**WHERE, "secret": " "}, wait=0)
    with pytest.raises(BadInput, match="Secret is needed"):
        expect_secrets(account.kind, given)


@pytest.mark.parametrize("plugin", sorted(set(KINDS) - {"rfc2136"}))
@pytest.mark.parametrize(
    "odd", ["token-1\nx = y", "token 12", "token,12", "token#12", "%(home)s-12", "'token-1'", "x" * 501]
)
def test_a_token_is_one_word_that_means_nothing_else_in_a_file(plugin: str, odd: str) -> None:
    for field in KINDS[plugin].fields:
        with pytest.raises(BadInput) as refused:
            parse_dns_account(plugin, zones=["example.com"], fields={field.name: odd}, wait=None)
        assert refused.value.field == field.name


async def test_of_several_secrets_one_can_be_changed_and_all_are_needed_elsewhere(fleet: Fleet) -> None:
    keys = {"application_key": "key-of-ours", "application_secret": "secret-of-ours", "consumer_key": "consumer-key"}
    wanted, secrets = parse_dns_account("ovh", zones=["example.com"], fields=keys, wait=None)
    made = await add_dns_provider(fleet.store, "ovh", wanted, secrets, actor=ADMIN)
    assert (made.fields, made.wait, made.apps) == ({"endpoint": "ovh-eu"}, 120, ())
    another = {"consumer_key": Secret("another-key")}
    changed = await change_dns_provider(fleet.store, "ovh", wanted, another, actor=ADMIN)
    assert changed.secrets(fleet.store.vault) == {**secrets, **another}
    assert changed.proof(fleet.store.vault).told() == {
        "plugin": "ovh", "wait": 120, "endpoint": "ovh-eu", **keys, "consumer_key": "another-key",
    }  # fmt: skip
    moved = replace(wanted, fields={"endpoint": "ovh-ca"})
    with pytest.raises(BadInput, match="its secret is needed too"):
        await change_dns_provider(fleet.store, "ovh", moved, another, actor=ADMIN)
    with pytest.raises(BadInput, match="does not change"):
        await change_dns_provider(fleet.store, "ovh", ELSEWHERE, KEY, actor=ADMIN)


def test_a_plugin_that_is_missing_is_told_with_its_package() -> None:
    refused = Refused("no-plugin", "This machine has no python3-certbot-dns-ovh.")
    assert advice(refused).fix == "On the node: apt-get install python3-certbot-dns-ovh. Then try again."
