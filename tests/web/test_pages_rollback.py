"""Going back in a browser: offered where there is a way, asked once, with what it changes."""

from bakery.delivery.variables import Setting, change_variables
from bakery.model.secret import Secret
from bakery.model.variables import VariableName
from tests.api.site import Site
from tests.support.people import SYSTEM, a_viewer
from tests.support.places import at
from tests.web.browser import Browser, a_browser
from tests.web.goods import a_failed_deployment, a_live_app, a_live_deployment


async def two_releases(site: Site) -> None:
    await a_live_app(site)
    await a_live_deployment(site, "shop")


async def test_only_what_is_kept_and_not_live_offers_a_way_back(site: Site, admin: Browser) -> None:
    await two_releases(site)
    await a_failed_deployment(site)
    for path in ("/apps/shop/deployments", "/apps/shop"):
        page = await admin.get(path)
        assert page.html.count('href="/apps/shop/deployments/1#rollback"') == (2 if path == "/apps/shop" else 1), path
        assert "/deployments/2#rollback" not in page.html
        assert "/deployments/3#rollback" not in page.html
    assert "Roll back" not in (await admin.get("/apps/shop/deployments/2")).text
    assert "Roll back" not in (await admin.get("/apps/shop/deployments/3")).text


async def test_the_question_names_what_changes(site: Site, admin: Browser) -> None:
    await two_releases(site)
    page = await admin.get("/apps/shop/deployments/1")
    assert "Roll back to #1? “Fix the cart total” (" in page.text
    assert "takes the place of #2, “Fix the cart total”. Nothing is built. It is away" in page.text
    assert "Its variables are the same as today's." in page.text
    assert 'name="variables"' not in page.html

    await change_variables(site.store, at("shop"), [Setting(VariableName("KEY"), Secret("1"))], actor=SYSTEM)
    page = await admin.get("/apps/shop/deployments/1")
    assert "As they were with #1 Since then KEY was added. Today's" in page.text


async def test_going_back_opens_the_deployment_that_does(site: Site, admin: Browser) -> None:
    await two_releases(site)
    await change_variables(site.store, at("shop"), [Setting(VariableName("KEY"), Secret("1"))], actor=SYSTEM)
    back = await admin.send("/apps/shop/deployments/1/rollback", {"variables": "today"})
    assert back.heading == "Deployment #3"
    assert "Rollback to #1" in back.text
    rows = await admin.get("/apps/shop/deployments")
    assert "Rollback to #1" in rows.text


async def test_what_cannot_be_is_said_on_the_page(site: Site, admin: Browser) -> None:
    await two_releases(site)
    live = await admin.send("/apps/shop/deployments/2/rollback")
    assert (live.status, "Release #2 of shop is live already." in live.text) == (409, True)
    assert (await admin.send("/apps/shop/deployments/9/rollback")).status == 404


async def test_a_viewer_sees_why_not(site: Site) -> None:
    await two_releases(site)
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop/deployments/1")
        assert "Roll back to #1… Developers can do this. Ask an Admin." in page.text
        assert '<dialog class="dialog" id="rollback"' not in page.html
        assert "#rollback" not in (await viewer.get("/apps/shop/deployments")).html
