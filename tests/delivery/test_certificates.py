"""Certificates of an app, from a real authority and through a real nginx; and what becomes of refusals."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bakery.delivery.apps import show_app
from bakery.delivery.delete import clear_environment
from bakery.delivery.sites import refresh_site
from bakery.ingress.certificates import (
    Certificate,
    CertificateState,
    ask_again,
    list_certificates,
    remove_certificate,
    upload_certificate,
)
from bakery.ingress.certifying import certify, look_in_time
from bakery.ingress.domains import attach_domain
from bakery.ingress.tasks import CERTIFY, REFRESH_SITE
from bakery.model.certificates import Held, Refused
from bakery.model.errors import BadInput, Conflict, NotAllowed
from bakery.model.host_names import parse_domain_name
from bakery.model.names import CertificateName, HostName
from bakery.model.secret import Secret
from bakery.nodes.certificates import Authority
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.authority import make_authority, make_certificate, running_pebble
from tests.support.people import a_viewer
from tests.support.places import at

SHOP, WWW = HostName("shop.example.com"), HostName("www.shop.example.com")
NOWHERE = Authority("https://ca.example/dir")


async def attach(fleet: Fleet, *hosts: HostName) -> None:
    """With their DNS right."""
    for host in hosts:
        name = parse_domain_name(host)
        await attach_domain(fleet.store, fleet.queue, at("shop"), name, actor=ADMIN)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE domains SET dns_state = 'right'")


async def do_what_waits(fleet: Fleet, authority: Authority | None) -> int:
    """What is due, and what the queue holds for sites and certificates, done here. Says how much was."""
    await look_in_time(fleet.store, fleet.queue)
    async with fleet.store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            DELETE FROM procrastinate_jobs WHERE task_name = ANY(%s) AND status = 'todo'
            RETURNING task_name, (args ->> 'subject')::bigint
            """,
            ([REFRESH_SITE, CERTIFY],),
        )
        waiting = sorted(await cursor.fetchall(), reverse=True)
    for name, subject in waiting:
        if name == REFRESH_SITE:
            await refresh_site(fleet.store, fleet.node, subject)
        else:
            await certify(fleet.store, fleet.queue, fleet.links, authority, subject)
    return len(waiting)


async def in_time(fleet: Fleet, authority: Authority | None) -> Certificate:
    """After all that is to be done soon."""
    for _ in range(12):
        await soon(fleet)
        await do_what_waits(fleet, authority)
        found = (await list_certificates(fleet.store, at("shop"), actor=ADMIN))[-1]
        if found.refused is None or found.refused.kind != "nonce":
            break
    await do_what_waits(fleet, authority)
    await soon(fleet)
    await do_what_waits(fleet, authority)
    return (await list_certificates(fleet.store, at("shop"), actor=ADMIN))[-1]


async def soon(fleet: Fleet, within: timedelta = timedelta(minutes=1)) -> None:
    """A while later."""
    async with fleet.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE certificates SET next_try = next_try - %(while)s, try_at = try_at - %(while)s", {"while": within}
        )


async def shown(fleet: Fleet, host: HostName) -> str | None:
    assert fleet.node.certificates is not None
    return (await fleet.node.certificates.served(host)).fingerprint


async def actions(fleet: Fleet) -> list[str]:
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT action FROM audit WHERE action LIKE 'certificate.%' ORDER BY id")
        return [action for (action,) in await cursor.fetchall()]


# With a real authority.


@pytest.fixture
async def authority(fleet: Fleet) -> AsyncIterator[Authority]:
    assert fleet.node.ingress is not None
    with running_pebble(fleet.node.ingress.port) as pebble:
        yield Authority(pebble.directory, trusted=pebble.trusted)


async def test_names_that_lead_here_get_a_certificate_which_visitors_are_shown(
    fleet: Fleet, authority: Authority
) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await attach(fleet, SHOP)
    first = await in_time(fleet, authority)
    assert (first.state_at(datetime.now(UTC)), first.names, first.trouble) == (CertificateState.VALID, (SHOP,), "")
    assert await shown(fleet, SHOP) == first.fingerprint
    await fleet.deploy_well(an_app("two"))  # a switch keeps it
    assert await shown(fleet, SHOP) == first.fingerprint

    await attach(fleet, WWW)
    second = await in_time(fleet, authority)
    assert (second.id, second.names) == (first.id, (SHOP, WWW))
    assert await shown(fleet, WWW) == second.fingerprint != first.fingerprint

    await ask_again(fleet.store, fleet.queue, at("shop"), anew=True, actor=ADMIN)
    third = await in_time(fleet, authority)
    assert await shown(fleet, SHOP) == third.fingerprint != second.fingerprint
    assert await actions(fleet) == [
        "certificate.issued", "certificate.renewed", "certificate.asked_again", "certificate.renewed"
    ]  # fmt: skip
    await clear_environment(fleet.store, fleet.node, app.environment_id)
    assert await shown(fleet, SHOP) is None


async def test_one_that_is_brought_goes_before_and_its_names_are_not_asked_for(
    fleet: Fleet, authority: Authority
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await attach(fleet, SHOP, WWW)
    made = make_certificate(make_authority("Top"), (SHOP,))
    brought = await bring(fleet, made.chain, made.key)
    ordered = await in_time(fleet, authority)
    assert (ordered.is_uploaded, ordered.names) == (False, (WWW,))
    assert await shown(fleet, SHOP) == brought.fingerprint
    assert await shown(fleet, WWW) == ordered.fingerprint

    other = make_certificate(make_authority("Top"), (SHOP,))
    newer = await bring(fleet, other.chain, other.key)
    await in_time(fleet, authority)
    assert await shown(fleet, SHOP) == newer.fingerprint
    await remove_certificate(fleet.store, fleet.queue, at("shop"), newer.id, actor=ADMIN)
    await in_time(fleet, authority)
    last = await in_time(fleet, authority)
    assert [one.is_uploaded for one in await list_certificates(fleet.store, at("shop"), actor=ADMIN)] == [False]
    assert (last.names, await shown(fleet, SHOP)) == ((SHOP, WWW), last.fingerprint)


async def test_one_that_cannot_be_used_is_refused_and_nothing_is_changed(fleet: Fleet) -> None:
    await fleet.make()
    await attach(fleet, SHOP)
    made = make_certificate(make_authority("Top"), ("other.example",))
    with pytest.raises(BadInput, match=r"is for other\.example"):
        await bring(fleet, made.chain, made.key)
    with pytest.raises(NotAllowed):
        await upload_certificate(
            fleet.store, fleet.queue, fleet.links, at("shop"), made.chain, Secret(made.key),
            actor=await a_viewer(fleet.store),
        )  # fmt: skip
    assert [one.is_uploaded for one in await list_certificates(fleet.store, at("shop"), actor=ADMIN)] == [False]


async def bring(fleet: Fleet, chain: str, key: str) -> Certificate:
    return await upload_certificate(fleet.store, fleet.queue, fleet.links, at("shop"), chain, Secret(key), actor=ADMIN)


# What becomes of refusals, and of time, with an authority that says what the test wants.


@dataclass
class Scripted:
    """A node's certificates; each order is answered with the next of what is to be said."""

    said: list[Held | Refused]
    asked: list[tuple[Sequence[HostName], str | None]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def issue(
        self,
        _name: CertificateName,
        hosts: tuple[HostName, ...],
        _authority: Authority,
        *,
        instead_of: str | None,
        dns: object = None,
    ) -> Held | Refused:
        self.asked.append((hosts, instead_of))
        if self.meanwhile:
            await self.meanwhile()
        return self.said.pop(0)


def held(days: float, *names: HostName, life: float = 90) -> Held:
    ends = datetime.now(UTC) + timedelta(days=days)
    return Held(f"{days:064.0f}", names, ends - timedelta(days=life), ends, "Top")


def scripted(fleet: Fleet, *said: Held | Refused) -> Scripted:
    script = Scripted(list(said))
    node = replace(fleet.node, certificates=script)  # type: ignore[arg-type]  # it answers what the test says

    async def open_node(_node_id: int) -> object:
        return node

    fleet.links.node = open_node  # type: ignore[method-assign, assignment]  # a double
    return script


async def ready(fleet: Fleet) -> Certificate:
    await do_what_waits(fleet, NOWHERE)
    (found,) = await list_certificates(fleet.store, at("shop"), actor=ADMIN)
    return found


async def test_a_refusal_is_told_and_asked_again_later_and_later(fleet: Fleet) -> None:
    await fleet.make()
    script = scripted(fleet, Refused("connection", "Timeout.", SHOP), Refused("connection", "Timeout.", SHOP))
    await attach(fleet, SHOP)
    first = await ready(fleet)
    assert first.refused == Refused("connection", "Timeout.", SHOP)
    assert (first.state_at(datetime.now(UTC)), first.tries, first.ordering_since) == (CertificateState.FAILING, 1, None)
    assert minutes_until(first) == 5
    await soon(fleet, timedelta(minutes=4))
    assert len(script.asked) == 1
    await soon(fleet, timedelta(minutes=2))
    second = await ready(fleet)
    assert (second.tries, minutes_until(second)) == (2, 20)
    assert script.asked == [((SHOP,), None)] * 2


async def test_an_authority_that_wants_to_be_left_alone_is(fleet: Fleet) -> None:
    await fleet.make()
    script = scripted(fleet, Refused("rate-limited", "Later.", "", 7200))
    await attach(fleet, SHOP)
    assert minutes_until(await ready(fleet)) == 120
    await attach(fleet, WWW)
    await ready(fleet)
    with pytest.raises(Conflict, match="The authority wants not to be asked before"):
        await ask_again(fleet.store, fleet.queue, at("shop"), anew=False, actor=ADMIN)
    assert len(script.asked) == 1


async def test_a_nonce_that_was_not_good_is_no_failure(fleet: Fleet) -> None:
    await fleet.make()
    scripted(fleet, Refused("nonce", "Again."), held(90, SHOP))
    await attach(fleet, SHOP)
    refused = await ready(fleet)
    assert (refused.tries, refused.is_barred) == (0, False)
    await soon(fleet)
    assert (await ready(fleet)).state_at(datetime.now(UTC)) is CertificateState.VALID


async def test_an_app_is_linked_by_https_while_visitors_have_it(fleet: Fleet) -> None:
    await fleet.make()
    scripted(fleet, replace(held(90, SHOP), names=(HostName(f"*.{SHOP.partition('.')[2]}"), SHOP)))
    await attach(fleet, SHOP)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE nodes SET site_port = 80")
    assert (await show_app(fleet.store, at("shop"), actor=ADMIN)).address == f"http://{SHOP}"
    await ready(fleet)
    for change, address in (
        ("names = names", f"https://{SHOP}"),
        ("names = '{*.example.com}'", f"https://{SHOP}"),
        ("directory = 'https://acme-staging-v02.api.letsencrypt.org/directory'", f"http://{SHOP}"),
        ("directory = NULL, trouble = 'Not shown.'", f"http://{SHOP}"),
        ("trouble = '', not_after = now()", f"http://{SHOP}"),
    ):
        async with fleet.store.transaction() as tx:
            await tx.connection.execute(f"UPDATE certificates SET {change}")  # noqa: S608 - ours
        assert (await show_app(fleet.store, at("shop"), actor=ADMIN)).address == address


async def test_a_person_who_mended_it_need_not_wait(fleet: Fleet) -> None:
    await fleet.make()
    scripted(fleet, Refused("connection", "Timeout.", SHOP), held(90, SHOP))
    await attach(fleet, SHOP)
    await ready(fleet)
    await ask_again(fleet.store, fleet.queue, at("shop"), anew=False, actor=ADMIN)
    assert (await ready(fleet)).state_at(datetime.now(UTC)) is CertificateState.VALID


async def test_it_is_renewed_thirty_days_before_and_alarms_tell_of_its_end(fleet: Fleet) -> None:
    await fleet.make()
    no = Refused("unauthorized", "Something else answers.", SHOP)
    script = scripted(fleet, held(30.01, SHOP), no, no, no, held(90, SHOP))
    await attach(fleet, SHOP)
    await ready(fleet)
    for days in (20, 13, 6):
        async with fleet.store.transaction() as tx:
            await tx.connection.execute(
                "UPDATE certificates SET try_at = now(), next_try = NULL, not_after = now() + %s",
                (timedelta(days=days),),
            )
        await ready(fleet)
    assert await actions(fleet) == ["certificate.issued", "certificate.ends", "certificate.ends"]
    await soon(fleet, timedelta(days=1))
    await ready(fleet)
    assert (await actions(fleet))[3:] == ["certificate.renewed"]
    assert [instead_of for _, instead_of in script.asked] == [None, *[f"{30.01:064.0f}"] * 4]


async def test_a_name_that_comes_while_another_is_asked_for_is_not_forgotten(fleet: Fleet) -> None:
    await fleet.make()
    script = scripted(fleet, Refused("connection", "Timeout.", SHOP), held(90, SHOP, WWW))
    await attach(fleet, SHOP)
    script.meanwhile = lambda: attach(fleet, WWW)
    await ready(fleet)
    script.meanwhile = None
    assert (await ready(fleet)).names == (SHOP, WWW)
    assert [hosts for hosts, _ in script.asked] == [(SHOP,), (SHOP, WWW)]


async def test_names_in_an_order_are_in_no_other(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.make("blog")
    script = scripted(fleet, held(90, SHOP))
    await attach(fleet, SHOP)
    async with fleet.store.transaction() as tx:
        cursor = await tx.connection.execute(
            "INSERT INTO certificates (environment_id, is_uploaded) SELECT id, true FROM environments WHERE app_id = 2 "
            "RETURNING id"
        )
        row = await cursor.fetchone()
        assert row
        await tx.connection.execute("INSERT INTO names_in_order VALUES (%s, %s)", (SHOP, row[0]))
    await ready(fleet)
    assert script.asked == []
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("DELETE FROM names_in_order")
    await soon(fleet)
    await ready(fleet)
    assert script.asked == [((SHOP,), None)]


async def test_nobody_is_asked_where_nobody_is_to_be(fleet: Fleet) -> None:
    await fleet.make()
    script = scripted(fleet)
    await attach(fleet, SHOP)
    await do_what_waits(fleet, None)
    assert script.asked == []


def minutes_until(found: Certificate) -> int:
    assert found.next_try is not None
    return round((found.next_try - datetime.now(UTC)) / timedelta(minutes=1))
