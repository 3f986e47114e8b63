"""Pages about machines: on the dashboard, over time, and from the activity to what was run there."""

import re
from datetime import timedelta

import pytest

from bakery.delivery.drift_looks import claim_look, note_look
from bakery.model.activity import DID
from bakery.model.actor import Actor
from bakery.nodes import registry
from bakery.nodes.catalogue import show_node
from bakery.nodes.transcript import Transcript
from bakery.store.metrics import MetricsWriter
from bakery.store.rows import only
from bakery.web.moments import now
from bakery.web.pages.activity import ACTIONS
from tests.api.site import Site
from tests.nodes.test_overview import fleet, heard
from tests.support.machines import a_node_that_answers, vitals
from tests.support.people import SYSTEM, a_developer
from tests.web.browser import Browser, a_browser
from tests.web.goods import an_app
from tests.web.html_check import problems_of


async def without_nodes(site: Site) -> None:
    async with site.store.connection() as connection:
        await connection.execute("DELETE FROM environments")
        await connection.execute("DELETE FROM nodes")


async def test_the_dashboard_without_machines_says_so(site: Site, admin: Browser) -> None:
    await without_nodes(site)

    page = await admin.get("/fleet")

    assert page.text == (
        "Nodes No machine has reported yet. Bakery's worker makes this one a node when it starts. "
        "No figures: nothing was heard in the last minute."
    )


async def test_the_only_machine_is_told_by_its_figures_alone(site: Site, admin: Browser) -> None:
    await without_nodes(site)
    nodes = await fleet(site.store, one="online")
    await heard(site.store, nodes["one"], vitals(cpu=34.0))

    page = await admin.get("/fleet")

    assert page.text == (
        "Nodes one is online. Processor 34 % Last hour Memory 5.0 GB of 8.0 GB 62 % used "
        "Disk 182 GB of 200 GB 91 % Load 1.2 On 4 cores"
    )
    assert "<table" not in page.html


async def test_of_a_few_machines_each_has_a_line_the_worst_first(site: Site, admin: Browser) -> None:
    await without_nodes(site)
    nodes = await fleet(site.store, calm="online", busy="online", away="unreachable")
    for slug, cpu in (("calm", 1.0), ("busy", 90.0)):
        await heard(site.store, nodes[slug], vitals(cpu=cpu))

    page = await admin.get("/")

    assert "2 of 3 are online. Processor 46 % 2 of 3 nodes heard" in page.text
    assert "Fullest disk 182 GB of 200 GB 91 % Of busy" in page.text
    assert re.findall(r'id="machine-(\w+)"', page.html) == ["away", "busy", "calm"]
    assert "busy Online 90 % 62 % 91 % 1.2" in page.text
    assert "away cannot be reached" in page.text
    assert "The disk of busy is 91 % full 18 GB of 200 GB are left. Look" in page.text
    assert "more node" not in page.text


async def test_a_machine_that_was_changed_by_hand_needs_attention_of_an_admin(site: Site, admin: Browser) -> None:
    await without_nodes(site)
    nodes = await fleet(site.store, calm="online", edited="online")
    await claim_look(site.store, nodes["edited"], timedelta(hours=1))
    for _ in range(2):
        await note_look(site.store, nodes["edited"], {"site:shop-production"}, by_itself=True)
    page = await admin.get("/")
    assert "edited is not as Bakery wants it One thing differs there" in page.text
    assert "/nodes/edited/drift" in page.html
    assert "found, by itself, something changed by hand on the node edited" in (await admin.get("/activity")).text
    async with a_browser(site, await a_developer(site.store)) as developer:
        assert "edited is not as Bakery wants it" not in (await developer.get("/")).text

    await note_look(site.store, nodes["edited"], set(), by_itself=True)
    assert "edited is not as Bakery wants it" not in (await admin.get("/")).text


async def test_of_200_machines_five_have_a_line_and_a_link_counts_the_rest(site: Site, admin: Browser) -> None:
    await without_nodes(site)
    nodes = await fleet(site.store, **{f"n{number}": "online" for number in range(200)})
    metrics = MetricsWriter(site.store)
    for node in nodes.values():
        metrics.add(node, vitals(), now())
    await metrics.flush()

    page = await admin.get("/fleet")

    assert "All 200 are online." in page.text
    assert page.html.count('id="machine-') == 5
    assert page.text.endswith("See 195 more nodes")
    assert '<svg class="spark"' not in page.html


async def test_this_machine_has_an_ipv6_address_too_and_its_others_are_those_of_the_installation(
    site: Site, ada: Actor, admin: Browser
) -> None:
    page = await admin.get("/nodes/local/settings")
    assert problems_of(page.html) == []
    assert 'name="public_ipv6"' in page.html
    assert not any(name in page.html for name in ('name="host"', 'name="apps_domain"', "Remove local", "Change key"))

    await admin.send("/nodes/local/settings", {"public_ipv6": await shown_ipv6(site)})
    assert not await is_ipv6_chosen(site), "nobody said what was only shown"
    await admin.send("/nodes/local/settings", {"public_ipv6": "2001:DB8::7"})
    assert await is_ipv6_chosen(site)

    async with site.as_(ada) as client:
        node = (await client.get("/nodes/local")).json()
        assert node["public_ipv6"] == "2001:db8::7"
        refused = await client.patch("/nodes/local", json={"public_ipv6": "", "apps_domain": "apps.example"})
        assert (refused.status_code, refused.json()["field"]) == (422, "apps_domain")
        assert (await client.patch("/nodes/local", json={"public_ipv6": ""})).json()["public_ipv6"] is None


async def shown_ipv6(site: Site) -> str:
    return (await show_node(site.store, "local", actor=SYSTEM)).public_ipv6 or ""


async def is_ipv6_chosen(site: Site) -> bool:
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT is_ipv6_chosen FROM nodes WHERE slug = 'local'")
        return bool((await only(cursor))[0])


async def test_who_is_no_admin_sees_how_all_are_and_of_each_its_state(site: Site) -> None:
    await without_nodes(site)
    nodes = await fleet(site.store, calm="online", away="blocked")
    await heard(site.store, nodes["calm"], vitals(cpu=34.0))

    async with a_browser(site, await a_developer(site.store)) as developer:
        page = await developer.get("/")

    assert "1 of 2 are online. Processor 34 %" in page.text
    assert "Node State away Blocked calm Online" in page.text
    assert "/nodes/calm" not in page.html
    assert "away is blocked" in page.text


@pytest.mark.parametrize(
    ("chosen", "title", "points"),
    [("1h", "hour", 60), ("24h", "24 hours", 288), ("7d", "7 days", 168), ("30d", "30 days", 240)],
)
async def test_the_figures_of_a_machine_are_drawn_over_a_range_that_is_a_link(
    site: Site, admin: Browser, chosen: str, title: str, points: int
) -> None:
    await a_node_that_answers(site.store, site.parts.queue)

    page = await admin.get(f"/nodes/oven-2?range={chosen}")
    table = await admin.get(f"/nodes/oven-2?range={chosen}&table=1")

    assert f"The last {title}" in page.text
    drawn = re.findall(r'data-values="([^"]*)"', page.html)
    assert [len(values.split()) for values in drawn] == [points] * 4
    assert 'aria-current="true">' + {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}[chosen] in page.html
    assert "data-values" not in table.html
    assert "Processor most Memory Disk Load most" in table.text
    assert "5.0 GB 182 GB 1.2 1.2" in table.text
    assert problems_of(page.html) == problems_of(table.html) == []


async def test_a_live_part_asks_for_the_range_that_it_shows(site: Site, admin: Browser) -> None:
    await a_node_that_answers(site.store, site.parts.queue)

    page = await admin.get("/nodes/oven-2?range=7d")

    assert 'hx-get="/nodes/oven-2?range=7d"' in page.html


async def test_there_is_no_other_range(site: Site, admin: Browser) -> None:
    assert (await admin.get("/nodes/local?range=2y")).status == 422


async def test_what_caused_commands_leads_to_them_for_those_who_may_read_them(
    site: Site, admin: Browser, ada: Actor
) -> None:
    node = await a_node_that_answers(site.store, site.parts.queue)
    await registry.drain_node(site.store, "oven-2", is_draining=True, actor=ada)
    await an_app(site)
    async with site.store.connection() as connection:
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_stays")
        await connection.execute(
            "UPDATE audit SET request_id = 'c0ffee' WHERE action IN ('node.drained', 'app.created')"
        )
        await connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_stays")
    transcript = Transcript(site.store, now)
    transcript.add(node.id, "echo of nobody", began=0.0, exit_status=0)
    await transcript.flush()
    async with site.store.connection() as connection:
        await connection.execute("UPDATE transcripts SET request_id = 'c0ffee'")

    page = await admin.get("/activity?action=node.")
    commands = await admin.get("/nodes/oven-2/commands?request_id=c0ffee")
    async with a_browser(site, await a_developer(site.store)) as developer:
        seen_by_others = await developer.get("/activity")

    assert page.html.count('href="/nodes/oven-2/commands?request_id=c0ffee">Commands on oven-2</a>') == 1
    assert 'href="/nodes/oven-2"' in page.html
    assert "echo of nobody" in commands.text
    assert "created shop" in seen_by_others.text
    assert "Commands on" not in seen_by_others.text


def test_every_kind_of_action_can_be_filtered() -> None:
    kinds = {action.partition(".")[0] + "." for action in DID}

    assert {option.value for option in ACTIONS} == {"", *kinds}
