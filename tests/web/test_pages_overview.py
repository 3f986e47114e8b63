"""The pages about everything at once: dashboard, activity, nodes, palette, style guide."""

import csv
import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from bakery.access.audit import LONGEST_PAGE
from bakery.access.people import change_profile
from bakery.delivery.tasks import SETTLE, environment_lock
from bakery.model.actor import Actor
from bakery.store import leases
from bakery.web.server import create_web
from tests.api.site import Site
from tests.support.people import a_developer, a_viewer
from tests.web.browser import Browser, a_browser
from tests.web.goods import (
    a_failed_deployment,
    a_live_app,
    a_live_deployment,
    a_queued_deployment,
    a_running_deployment,
    an_app,
    stop,
)

ODD = ["\0", "x" * 10_000, "<b>bold</b>", "\u202emoc.elgoog", "9999-99-99", "0001-01-01", "-1", "1e9", "é.é", "'"]


async def test_a_new_installation_says_what_to_do_first(admin: Browser) -> None:
    page = await admin.get("/")

    assert (page.status, page.heading) == (200, "Nothing runs yet")
    assert "To do first 0 of 4 done" in page.text
    assert "From a Git repository, an image or a folder." in page.text


async def test_the_dashboard_says_in_words_how_all_apps_are(site: Site, admin: Browser) -> None:
    await a_live_app(site, "api")
    await a_live_app(site, "shop", health="down")
    await a_live_app(site, "old")
    await stop(site, "old")
    await an_app(site, "landing")

    page = await admin.get("/")

    assert page.heading == "1 app is down"
    assert "Of 4 apps, 1 is down, 1 is healthy, 1 is stopped and 1 was never deployed." in page.text
    assert "shop is down It does not answer its health check. Look" in page.text


async def test_an_app_that_never_came_up_needs_attention(site: Site, admin: Browser) -> None:
    await a_live_app(site, "api")
    await an_app(site, "shop")
    await a_failed_deployment(site, "shop")

    page = await admin.get("/")

    assert page.heading == "1 app could not be deployed"
    assert "Of 2 apps, 1 is healthy and 1 could not be deployed." in page.text
    assert "shop could not be deployed No deployment has succeeded yet, so nobody can reach it. See why" in page.text
    assert "No deployment has succeeded yet" in (await admin.get("/apps/shop")).text


async def test_the_dashboard_shows_what_is_under_way(site: Site, admin: Browser) -> None:
    await an_app(site)
    await a_running_deployment(site)

    page = await admin.get("/")

    assert page.heading == "A new release is on its way"
    assert "shop #1 Running c0ffee" in page.text.replace("00c0ffee", "c0ffee")
    assert "Watch" in page.text


async def test_who_sees_no_app_is_told_whom_to_ask(site: Site) -> None:
    await an_app(site)

    async with a_browser(site, await a_viewer(site.store, apps=frozenset())) as viewer:
        page = await viewer.get("/")

    assert "No app is shared with you yet. Ask an Admin." in page.text
    assert "shop" not in page.text


async def test_the_activity_says_who_did_what(site: Site, admin: Browser) -> None:
    await a_live_app(site)
    await admin.send("/apps/shop/restart")

    page = await admin.get("/activity")

    assert (page.status, page.heading) == (200, "Activity")
    assert "ada restarted shop browser, 127.0.0.1" in page.text
    assert 'href="/apps/shop/deployments/1"' in page.html


async def test_the_activity_is_filtered_by_app_person_action_and_day(site: Site, admin: Browser, ada: Actor) -> None:
    await a_live_app(site, "shop")
    await an_app(site, "landing")
    await admin.send("/apps/shop/restart")

    for filters, seen, hidden in (
        ("app=landing", "landing", "restarted"),
        (f"user={ada.person_id}&action=app.", "restarted", "landing browser"),
        ("since=2999-01-01", "Nothing matches", "restarted"),
        ("until=2001-01-01", "Nothing matches", "restarted"),
    ):
        text = (await admin.get(f"/activity?{filters}")).text.partition("What happened")[2]
        assert seen in text
        assert hidden not in text


async def test_the_activity_goes_back_page_by_page(site: Site, admin: Browser) -> None:
    for number in range(60):
        await an_app(site, f"app-{number}")

    first = await admin.get("/activity?action=app.")
    after = first.html.partition("after=")[2].partition('"')[0]
    second = await admin.get(f"/activity?action=app.&after={after}")

    assert first.html.count('<tr id="activity-') == 50
    assert second.html.count('<tr id="activity-') == 10
    assert "Back to the newest" in second.text


async def test_an_admin_exports_all_that_the_filters_find(site: Site, admin: Browser, ada: Actor) -> None:
    for number in range(LONGEST_PAGE + 10):
        await an_app(site, f"app-{number}")
    await change_profile(site.store, name='=HYPERLINK("http://evil.example")', actor=ada)

    link = re.search(r'href="(/activity.csv[^"]*)"', (await admin.get("/activity?action=app.")).html)
    assert link
    file = await admin.get(link[1])
    rows = list(csv.DictReader(file.html.splitlines()))
    names = list(csv.DictReader((await admin.get("/activity.csv?action=person.renamed")).html.splitlines()))

    assert re.fullmatch(r'attachment; filename="bakery-activity-[\d-]+\.csv"', file.headers["content-disposition"])
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert [row["target"] for row in rows] == [f"app-{number}" for number in reversed(range(LONGEST_PAGE + 10))]
    assert {row["action"] for row in rows} == {"app.created"}
    assert [(row["who"], row["after"]) for row in names] == [
        ('\'=HYPERLINK("http://evil.example")', r'{"name": "=HYPERLINK(\"http://evil.example\")"}')
    ]
    assert (await admin.get("/activity.csv?since=yesterday")).status == 422


async def test_who_is_no_admin_is_told_whom_to_ask_for_an_export(site: Site) -> None:
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/activity")
        refused = await viewer.get("/activity.csv")

    assert "Export as CSV" in page.text
    assert "Ask an Admin." in page.text
    assert "/activity.csv" not in page.html
    assert refused.status == 403


async def test_an_odd_filter_gets_a_sentence(admin: Browser) -> None:
    for name, odd in product(("app", "user", "action", "since", "until", "after"), ODD):
        page = await admin.get(f"/activity?{name}={quote(odd)}")
        assert page.status in {200, 422}, (name, odd)
        assert page.heading == "Activity"
        assert "<b>bold" not in page.html
        assert (page.status == 422) == ('aria-invalid="true"' in page.html)


async def test_a_viewer_sees_the_activity_of_their_apps_only(site: Site) -> None:
    shop, _ = await an_app(site, "shop"), await an_app(site, "landing")

    async with a_browser(site, await a_viewer(site.store, apps=frozenset({shop}))) as viewer:
        text = (await viewer.get("/activity")).text

    assert "shop" in text
    assert "landing" not in text


async def test_nodes_say_what_they_are_to_admins_and_that_they_are_to_others(site: Site, admin: Browser) -> None:
    async with a_browser(site, await a_developer(site.store)) as developer:
        short = await developer.get("/nodes")
    whole = await admin.get("/nodes")

    assert (whole.status, whole.heading) == (200, "Nodes")
    assert "Memory" in whole.text
    assert "What it can do" in (await admin.get("/nodes/local")).text
    assert "local Offline This machine" in short.text
    assert "Memory" not in short.text


async def test_a_node_that_a_worker_looks_after_is_online(site: Site, admin: Browser) -> None:
    await leases.take(site.store, "node:local", uuid4())

    assert "This machine is online." in (await admin.get("/nodes")).text


async def test_the_palette_finds_apps_pages_and_actions(site: Site, admin: Browser) -> None:
    await a_live_app(site, "inventory", "Inventory")

    found = await admin.get("/palette?q=inv")

    assert found.text == "Apps Inventory Healthy Actions Invite someone"
    assert 'data-href="/apps/inventory"' in found.html


async def test_the_palette_finds_nodes_with_their_state(site: Site, admin: Browser) -> None:
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        answers = [await browser.get("/palette?q=loca") for browser in (admin, viewer)]

    assert [answer.text for answer in answers] == ["Nodes local, This machine Offline"] * 2
    assert 'data-href="/nodes#node-local"' in answers[0].html


async def test_the_palette_offers_only_what_one_may_do(site: Site) -> None:
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        text = (await viewer.get("/palette")).text

    assert "Invite someone" not in text
    assert "Settings" not in text
    assert "Create a token" in text


async def test_the_style_guide_is_there_in_development_only(site: Site, ada: Actor) -> None:
    settings = dataclasses.replace(site.parts.settings, development=True)
    parts = dataclasses.replace(site.parts, settings=settings)
    developing = dataclasses.replace(site, parts=parts, web=create_web(parts))

    async with a_browser(site, ada) as usual, a_browser(developing, ada) as browser:
        assert (await usual.get("/styleguide")).status == 404
        page = await browser.get("/styleguide")

    assert (page.status, page.heading) == (200, "Style guide")


PAGES = (
    "/",
    "/apps",
    "/apps?q=app",
    "/apps/shop",
    "/apps/shop/deployments",
    "/apps/shop/deployments/2",
    "/sidebar",
    "/sidebar?q=app",
    "/palette?q=app",
    "/nodes",
    "/team",
    "/team/invites",
    "/team/roles",
    "/team/members/1",
    "/activity",
)


async def test_a_page_asks_the_database_as_often_for_300_apps_as_for_3(
    site: Site, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_live_app(site)
    await a_failed_deployment(site)
    for number in range(2):
        await an_app(site, f"app-{number}")
    few = await _queries(admin, monkeypatch)

    for number in range(2, 300):
        await an_app(site, f"app-{number}")
    for _ in range(20):
        await a_failed_deployment(site)
    many = await _queries(admin, monkeypatch)

    assert many == few
    assert max(few.values()) <= 20


async def _queries(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    counts = {}
    for path in PAGES:
        with _counting(monkeypatch) as queries:
            assert (await browser.get(path)).status == 200
        counts[path] = len(queries)
    return counts


@contextmanager
def _counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    queries: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(self: psycopg.AsyncCursor[object], query: object, *args: object, **options: object) -> object:
        if query:  # an empty one is how the pool looks whether a connection is alive
            queries.append(str(query))
        return await execute(self, query, *args, **options)  # type: ignore[call-overload]  # handed on as it came

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", counted)
        yield queries


async def test_tasks_say_what_runs_and_what_each_that_waits_is_behind(site: Site, admin: Browser) -> None:
    await an_app(site)
    await a_running_deployment(site)
    await a_queued_deployment(site)
    await an_app(site, "api")
    await a_queued_deployment(site, "api")

    page = await admin.get("/tasks")

    assert "Deployments: 1 runs, 2 wait." in page.text
    assert "1st in line. Begins when #1 of shop is over: one at a time." in page.text
    assert "2nd in line. Begins as soon as one of the 20 places for builds is free." in page.text
    assert "No command runs, waits or has failed since yesterday." in page.text


async def test_a_deployment_that_waits_for_other_work_on_its_app_says_so(site: Site, admin: Browser) -> None:
    await an_app(site)
    asked = await a_queued_deployment(site)
    lock = environment_lock(asked.environment_id)
    async with site.store.transaction() as tx:
        await site.parts.queue.enqueue(tx, SETTLE, asked.environment_id, lock=lock)

    said = "1st in line. Begins when other work on shop is over, or found its node away: one at a time."
    assert said in (await admin.get("/tasks")).text
    assert said in (await admin.get("/apps/shop/deployments/1")).text


async def test_tasks_show_a_failure_until_something_newer_made_it_good(site: Site, admin: Browser) -> None:
    await an_app(site)
    failed = await a_failed_deployment(site)
    assert f"/apps/shop/deployments/{failed.number}/retry" in (await admin.get("/tasks")).html

    await a_live_deployment(site, "shop")

    assert "Nothing failed." in (await admin.get("/tasks")).text


async def test_tasks_are_those_of_the_apps_that_somebody_may_see(site: Site) -> None:
    await an_app(site)
    await a_queued_deployment(site)
    mine = await an_app(site, "mine")
    await a_queued_deployment(site, "mine")

    async with a_browser(site, await a_viewer(site.store, apps=frozenset({mine}))) as viewer:
        page = await viewer.get("/tasks")

    assert "mine #1" in page.text
    assert "shop" not in page.text
    assert "/cancel" not in page.html
    assert "Commands on nodes" not in page.text
