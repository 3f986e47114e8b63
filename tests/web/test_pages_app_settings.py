from tests.api.site import Site
from tests.support.people import a_viewer
from tests.web.browser import Browser, a_browser
from tests.web.goods import an_app


async def test_what_is_changed_is_saved_for_the_next_deployment(site: Site, admin: Browser) -> None:
    await an_app(site)
    fields = {"name": "The shop", "command": "python3 app.py", "health": "/up", "strategy": "recreate"}
    page = await admin.send("/apps/shop/settings", {**fields, "memory": "1G", "cpus": "0.5"})
    assert page.heading == "Settings"
    assert "Saved. It takes effect with the next deployment." in page.text
    shown = await admin.get("/apps/shop/settings")
    assert 'value="1024"' in shown.html
    assert 'value="/up"' in shown.html
    assert "changed settings of" in (await admin.get("/activity")).text


async def test_what_is_wrong_stands_below_its_field(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.send("/apps/shop/settings", {"name": "Other", "memory": "lots"})
    assert "This is no amount of memory." in page.text
    assert 'value="lots"' in page.html


async def test_a_viewer_reads_them(site: Site) -> None:
    await an_app(site)
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop/settings")
    assert "Memory limit no limit, usual" in page.text
    assert "Save" not in page.text
