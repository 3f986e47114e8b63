from itertools import product
from urllib.parse import quote

from tests.api.site import Site
from tests.support.people import a_developer, a_viewer
from tests.web.browser import Browser, a_browser
from tests.web.goods import (
    a_failed_deployment,
    a_live_app,
    a_queued_deployment,
    a_running_deployment,
    a_worker,
    an_app,
    stop,
)

ODD = ["\0", "x" * 10_000, "<b>bold</b>", "\u202emoc.elgoog", "%", "_", "'; DROP TABLE apps; --", "é", "😀"]


async def test_the_list_of_apps_says_how_each_is_doing(site: Site, admin: Browser) -> None:
    await a_live_app(site, "shop", "The shop")
    await an_app(site, "landing")

    page = await admin.get("/apps")

    assert (page.status, page.heading) == (200, "Apps")
    assert "2 apps" in page.text
    assert "The shop Healthy" in page.text
    assert "landing Never deployed" in page.text


async def test_the_list_is_searched(site: Site, admin: Browser) -> None:
    await an_app(site, "shop")
    await an_app(site, "landing")

    page = await admin.get("/apps?q=land")

    assert 'id="app-landing"' in page.html
    assert 'id="app-shop"' not in page.html
    assert "1 app match" in page.text


async def test_an_odd_search_breaks_nothing(site: Site, admin: Browser) -> None:
    await an_app(site, "shop")

    for odd, path in product(ODD, ("/apps", "/palette", "/sidebar")):
        page = await admin.get(f"{path}?q={quote(odd)}&after={quote(odd)}")
        assert page.status == 200, (odd, path)
        assert "<b>bold" not in page.html


async def test_a_name_that_cannot_be_is_not_found(admin: Browser) -> None:
    for odd in ("%00", "Shop", "a%2Fb", "x" * 2000, "%3Cb%3E", "-"):
        for path in (f"/apps/{odd}", f"/apps/{odd}/deployments", f"/apps/{odd}/deployments/1"):
            assert (await admin.get(path)).status == 404, path
        for path in (f"/apps/{odd}/restart", f"/apps/{odd}/delete", f"/apps/{odd}/deployments/1/cancel"):
            assert (await admin.send(path)).status == 404, path


async def test_the_page_of_a_live_app_says_what_visitors_get(site: Site, admin: Browser) -> None:
    await a_live_app(site, "shop", "The shop")

    page = await admin.get("/apps/shop")

    assert (page.status, page.heading) == (200, "The shop")
    assert "#1 Fix the cart total" in page.text
    assert "blue slot" in page.text
    assert "python3 app.py" in page.text


async def test_an_event_brings_the_app_alone(site: Site, admin: Browser) -> None:
    await a_live_app(site)

    part = await admin.get("/apps/shop", live=True)

    assert part.html.lstrip().startswith('<div class="stack" id="app"')
    assert "<html" not in part.html


async def test_an_app_that_is_down_says_why(site: Site, admin: Browser) -> None:
    await a_live_app(site, health="down")

    assert "Down. GET /health answered 502." in (await admin.get("/apps/shop")).text


async def test_an_app_that_was_never_deployed_says_how_to(site: Site, admin: Browser) -> None:
    await an_app(site)

    assert "bakery deploy shop --dir ." in (await admin.get("/apps/shop")).text


async def test_a_restart_is_queued_and_said(site: Site, admin: Browser) -> None:
    await a_live_app(site)

    page = await admin.send("/apps/shop/restart")

    assert (page.status, page.heading) == (200, "shop")
    assert "Restarting." in page.text


async def test_processes_are_counted_on_the_page(site: Site, admin: Browser) -> None:
    await a_live_app(site)
    await a_worker(site, "shop")

    before = await admin.get("/apps/shop/processes")
    after = await admin.send("/apps/shop/processes", {"process": "worker", "count": "2"})

    assert "restarted 2 times, ended with status 1" in before.text
    assert 'value="2" aria-label="One worker more"' in before.html
    assert "Saved. So many run in a moment." in after.text
    assert 'value="3" aria-label="One worker more"' in after.html
    assert (await admin.send("/apps/shop/processes", {"process": "worker", "count": "x"})).status == 422


async def test_what_was_stopped_can_be_started(site: Site, admin: Browser) -> None:
    await a_live_app(site)

    stopped = await admin.send("/apps/shop/stop")
    started = await admin.send("/apps/shop/start")

    assert "Stopping." in stopped.text
    assert "Nobody can reach it until it is started." in stopped.text
    assert "Starting." in started.text


async def test_what_cannot_be_done_now_is_said_on_the_page(site: Site, admin: Browser) -> None:
    await an_app(site)

    page = await admin.send("/apps/shop/restart")

    assert (page.status, page.heading) == (409, "shop")
    assert "shop was never deployed. Deploy it first." in page.text


async def test_a_deletion_lists_what_goes_and_wants_the_name(site: Site, admin: Browser) -> None:
    await a_live_app(site)

    asked = await admin.get("/apps/shop")
    refused = await admin.send("/apps/shop/delete", {"confirm": "shoo"})
    done = await admin.send("/apps/shop/delete", {"confirm": "shop"})

    assert "1 deployment with its log" in asked.text
    assert refused.status == 422
    assert "Type shop, exactly as it is written here." in refused.text
    assert "data-open-now" in refused.html
    assert (done.heading, "App deleted." in done.text) == ("Apps", True)
    assert (await admin.get("/apps/shop")).status == 404


async def test_a_viewer_sees_what_they_may_not_do_and_why(site: Site) -> None:
    await a_live_app(site)

    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop")
        refusals = [await viewer.send(f"/apps/shop/{verb}") for verb in ("restart", "stop", "start", "delete")]

    assert "Developers can do this. Ask an Admin." in page.text
    assert "Admins can do this. Ask an Admin." in page.text
    assert 'action="/apps/shop' not in page.html
    assert [refusal.status for refusal in refusals] == [403] * 4


async def test_an_app_that_is_not_granted_does_not_exist(site: Site) -> None:
    shop, _ = await an_app(site, "shop"), await an_app(site, "landing")

    async with a_browser(site, await a_developer(site.store, apps=frozenset({shop}))) as browser:
        assert (await browser.get("/apps/shop")).status == 200
        assert (await browser.get("/apps/landing")).status == 404
        assert (await browser.get("/apps/landing", live=True)).status == 404
        assert (await browser.send("/apps/landing/restart")).status == 404
        assert "landing" not in (await browser.get("/apps")).text
        assert "landing" not in (await browser.get("/sidebar?q=l")).text
        assert "landing" not in (await browser.get("/palette?q=landing")).text.replace("“landing”", "")


async def test_the_sidebar_is_filtered_on_the_server(site: Site, admin: Browser) -> None:
    await an_app(site, "shop")
    await an_app(site, "landing")

    everything, found = await admin.get("/sidebar"), await admin.get("/sidebar?q=sho")

    assert 'id="side-app-landing"' in everything.html
    assert 'id="side-app-shop"' in found.html
    assert 'id="side-app-landing"' not in found.html


async def test_the_history_shows_every_deployment(site: Site, admin: Browser) -> None:
    await a_live_app(site)
    await a_failed_deployment(site)

    page = await admin.get("/apps/shop/deployments")

    assert (page.status, page.heading) == (200, "Deployments")
    assert "#2 Failed" in page.text
    assert "#1 live Succeeded" in page.text


async def test_a_running_deployment_shows_its_steps_and_the_log_so_far(site: Site, admin: Browser) -> None:
    await an_app(site)
    deployment = await a_running_deployment(site, log=b"first try\n\x1b[32mok\x1b[0m <script>\n 10 %\r 90 %\r100 %\n")

    page = await admin.get("/apps/shop/deployments/1")

    assert (page.status, page.heading) == (200, "Deployment #1")
    assert "Check step 3 of 4" in page.text
    assert "Nothing is live yet." in page.text
    assert f'data-log="{deployment.log_stream}" data-to="66"' in page.html
    assert 'id="check-L4"' in page.html
    assert '<span><span class="a2">ok</span> &lt;script&gt;</span>' in page.html
    assert "<span>100 %</span>" in page.html


async def test_an_event_brings_the_deployment_alone(site: Site, admin: Browser) -> None:
    await an_app(site)
    deployment = await a_running_deployment(site)

    part = await admin.get("/apps/shop/deployments/1", live=True)

    assert part.html.lstrip().startswith(f'<div class="stack" id="deployment-{deployment.id}"')


async def test_a_failed_deployment_says_what_failed_and_shows_the_last_lines(site: Site, admin: Browser) -> None:
    await a_live_app(site)
    await a_failed_deployment(site, log=b"".join(b"line %d\n" % number for number in range(600)))

    page = await admin.get("/apps/shop/deployments/2")

    assert "Failed in Check" in page.text
    assert "GET /health answered 502." in page.text
    assert "Look at what it wrote when it started." in page.text
    assert "#1 is live on blue." in page.text
    assert 'href="#check-L602"' in page.html
    assert 'id="check-L103"' in page.html
    assert 'id="check-L102"' not in page.html
    assert (await admin.get("/apps/shop/deployments/2/log.txt")).html.endswith("line 598\nline 599\n")


async def test_a_queued_deployment_says_what_it_waits_for(site: Site, admin: Browser) -> None:
    await an_app(site)
    await a_queued_deployment(site)

    page = await admin.get("/apps/shop/deployments/1")

    assert "1st in line. Begins as soon as one of the 20 places for builds is free." in page.text


async def test_a_queued_deployment_is_cancelled(site: Site, admin: Browser) -> None:
    await an_app(site)
    await a_queued_deployment(site)

    before = await admin.get("/apps/shop/deployments/1")
    after = await admin.send("/apps/shop/deployments/1/cancel")
    again = await admin.send("/apps/shop/deployments/1/cancel")

    assert "Waiting for its turn" in before.text
    assert "Deployment #1 Cancelled" in after.text
    assert again.status == 409
    assert "there is nothing to cancel" in again.text


async def test_a_deployment_that_is_not_there_is_not_found(site: Site, admin: Browser) -> None:
    await an_app(site)
    await a_queued_deployment(site)

    for number in ("0", "2", "9" * 30, "9" * 5000, "-1", "x"):
        for path in (f"/apps/shop/deployments/{number}", f"/apps/shop/deployments/{number}/log.txt"):
            assert (await admin.get(path)).status == 404, path
        assert (await admin.send(f"/apps/shop/deployments/{number}/cancel")).status == 404, number


async def test_a_stopped_app_offers_to_start(site: Site, admin: Browser) -> None:
    await a_live_app(site)
    await stop(site, "shop")

    assert 'action="/apps/shop/start"' in (await admin.get("/apps/shop")).html


async def test_an_app_of_which_nothing_runs_has_no_log_and_that_is_said(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.get("/apps/shop/logs")
    assert (page.status, page.heading) == (200, "Logs")
    assert "Nothing runs that writes a log" in page.text
    assert (await admin.get("/apps/shop/logs?slot=red")).status == 422
    assert (await admin.get("/apps/shop/logs/999/lines")).status == 404
