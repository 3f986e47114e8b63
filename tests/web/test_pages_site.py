from bakery.ingress.site_options import note_trouble
from tests.api.site import Site
from tests.support.people import a_viewer
from tests.web.browser import Browser, a_browser
from tests.web.goods import an_app


async def test_what_is_chosen_for_a_site_is_saved_and_shown(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.send("/apps/shop/site", {"redirects": "/old /new", "rate": "5", "maintenance": "on"})
    assert page.heading == "Site"
    assert "Saved. The site has it in a moment." in page.text
    assert "/old /new 301" in page.html
    refused = await admin.send("/apps/shop/site", {"rate": "many"})
    assert "This is a whole number from 0 to 10000." in refused.text
    assert "changed the site of" in (await admin.get("/activity")).text


async def test_a_visitor_is_let_in_and_no_more(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.send("/apps/shop/site/users", {"user": "ann", "password": "open sesame"})
    assert "Every visitor is asked for a name and a password." in page.text
    assert "open sesame" not in page.html
    refused = await admin.send("/apps/shop/site/users", {"user": "bob", "password": "short"})
    assert "A password has 8 to 72 characters" in refused.text
    gone = await admin.send("/apps/shop/site/users/remove", {"user": "ann"})
    assert "Nobody is asked for a password." in gone.text


async def test_a_viewer_reads_it_and_why_nginx_refused_it(site: Site) -> None:
    app = await an_app(site)
    await note_trouble(site.store, app, "unknown directive in theirs.conf:3")
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop/site")
    assert "unknown directive in theirs.conf:3" in page.text
    assert "Largest upload 100 MB" in page.text
    assert "Save" not in page.text
