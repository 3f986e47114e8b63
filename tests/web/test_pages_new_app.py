"""Making an app in a browser."""

from bakery.delivery.apps import show_app
from bakery.model.actor import Actor
from bakery.model.apps import Runtime
from tests.api.site import Site
from tests.support.people import a_viewer
from tests.support.places import at
from tests.web.browser import Browser, a_browser


async def test_the_page_says_each_runtime_in_a_sentence(admin: Browser) -> None:
    page = await admin.get("/apps/new")
    assert page.heading == "New app"
    assert "Docker Built into an image, from its Dockerfile or one that Bakery writes." in page.text
    assert "Process Installed in a folder, and run by the node itself: less to build, less memory." in page.text
    assert "Static files Nothing runs: nginx serves the files as they are." in page.text
    assert '<option value="local" selected>' in page.html


async def test_a_new_app_asks_for_its_source_next(site: Site, admin: Browser) -> None:
    made = await admin.send("/apps/new", {"slug": "shop", "runtime": "process", "node": "local"})
    assert (made.status, made.heading) == (200, "Source")
    assert "App made." in made.text
    app = await show_app(site.store, at("shop"), actor=Actor.system())
    assert (app.runtime, app.command, app.node) == (Runtime.PROCESS, None, "local")
    assert "Found out from its source" in (await admin.get("/apps/shop")).text


async def test_what_is_wrong_is_said_at_its_field(admin: Browser) -> None:
    await admin.send("/apps/new", {"slug": "shop", "runtime": "process"})
    for form, status, told in (
        ({"slug": "Shop", "runtime": "process"}, 422, 'aria-describedby="f-slug-help f-slug-error"'),
        ({"slug": "shop", "runtime": "process"}, 409, "There is already an app with the name shop."),
        ({"slug": "docs", "runtime": "podman"}, 422, "Choose “docker”, “process” or “static”."),
        ({"slug": "docs", "runtime": "static", "command": "x"}, 422, "need no start command"),
    ):
        refused = await admin.send("/apps/new", form)
        assert (refused.status, told in refused.html) == (status, True), (form, refused.text)


async def test_who_may_not_make_apps_sees_why(site: Site) -> None:
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        assert "New app Developers can do this. Ask an Admin." in (await viewer.get("/apps")).text
        assert (await viewer.get("/apps/new")).status == 403
