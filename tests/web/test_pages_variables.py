import re

from tests.api.site import Site
from tests.support.people import a_developer, a_viewer
from tests.web.browser import Browser, a_browser
from tests.web.goods import a_live_app, an_app

SECRET = "hunter2-canary"


def version_in(html: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', html)
    assert found is not None
    return found[1]


async def add(browser: Browser, name: str, value: str, **more: str) -> None:
    form = {"name": name, "value": value, "scope": "run", "version": "", **more}
    form["version"] = version_in((await browser.get("/apps/shop/variables?new=1")).html)
    page = await browser.send("/apps/shop/variables", form)
    assert page.status == 200, page.text
    assert "Saved." in page.text


async def test_an_app_without_variables_says_what_they_are(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.get("/apps/shop/variables")
    assert page.heading == "Variables"
    assert "No variables yet" in page.text
    assert "Paste .env" in page.text


async def test_the_filter_stays_in_the_environment_that_is_shown(site: Site, admin: Browser) -> None:
    await an_app(site)
    await admin.send("/apps/shop/environments", {"name": "staging"})
    form = {"name": "LEVEL", "value": "info", "scope": "run", "version": "0"}
    page = await admin.send("/apps/shop/variables?env=staging", form)
    assert "1 variable of staging" in page.text
    assert '<input type="hidden" name="env" value="staging">' in page.html


async def test_a_secret_is_hidden_and_shown_to_who_asks(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "KEY", SECRET, secret="on")
    await add(admin, "LEVEL", "info")

    page = await admin.get("/apps/shop/variables")
    assert SECRET not in page.html
    assert "info" in page.text

    revealed = await admin.send("/apps/shop/variables/reveal", {"name": "KEY"})
    assert SECRET in revealed.text
    assert revealed.headers["cache-control"] == "no-store"
    assert "looked at secret values of" in (await admin.get("/activity")).text


async def test_a_form_of_a_secret_has_no_value_and_left_empty_keeps_it(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "KEY", SECRET, secret="on")
    form = await admin.get("/apps/shop/variables?edit=KEY")
    assert SECRET not in form.html
    await admin.send(
        "/apps/shop/variables",
        {
            "name": "KEY",
            "editing": "KEY",
            "value": "",
            "scope": "both",
            "secret": "on",
            "version": version_in(form.html),
        },
    )
    page = await admin.get("/apps/shop/variables")
    assert "build, run" in page.text
    assert SECRET in (await admin.send("/apps/shop/variables/reveal", {"name": "KEY"})).text


async def test_a_value_keeps_its_line_ends_through_a_text_area(site: Site, admin: Browser) -> None:
    """A browser makes CR LF of them, and swallows one that comes first."""
    await an_app(site)
    await add(admin, "KEY", "\r\none\r\ntwo")
    form = await admin.get("/apps/shop/variables?edit=KEY")
    assert ">\n\none\ntwo</textarea>" in form.html
    export = await admin.send("/apps/shop/variables/export")
    assert export.html == "KEY='\none\ntwo'\n"
    assert export.headers["content-disposition"] == 'attachment; filename="shop.env"'


async def test_what_is_refused_is_told_at_its_field_and_no_secret_comes_back(site: Site, admin: Browser) -> None:
    await an_app(site)
    form = {"name": "PORT", "value": SECRET, "scope": "run", "secret": "on", "version": "0"}
    page = await admin.send("/apps/shop/variables", form)
    assert page.status == 422
    assert "Bakery sets PORT itself." in page.text
    assert SECRET not in page.html


async def test_two_who_edit_at_once_lose_nothing(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "KEY", "1")
    mine = version_in((await admin.get("/apps/shop/variables?edit=KEY")).html)
    async with a_browser(site, await a_developer(site.store)) as dev:
        await dev.send(
            "/apps/shop/variables", {"name": "KEY", "editing": "KEY", "value": "2", "scope": "run", "version": mine}
        )
    form = {"name": "KEY", "editing": "KEY", "value": "3", "scope": "run", "version": mine}

    clash = await admin.send("/apps/shop/variables", form)
    assert clash.status == 412
    assert "Someone else saved while you were editing." in clash.text
    assert "changed by dev@example.com" in clash.text
    assert ">\n3</textarea>" in clash.html

    await admin.send("/apps/shop/variables", {**form, "version": version_in(clash.html)})
    assert (await admin.send("/apps/shop/variables/export")).html == "KEY=3\n"


async def test_all_are_edited_as_a_text_without_secrets_in_it(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "KEY", SECRET, secret="on")
    await add(admin, "LEVEL", "info")
    page = await admin.get("/apps/shop/variables/bulk")
    assert SECRET not in page.html
    assert ">\nKEY=••••\nLEVEL=info\n</textarea>" in page.html

    text = "KEY=••••\r\nTITLE='The shop'\r\n"
    await admin.send("/apps/shop/variables/bulk", {"text": text, "version": version_in(page.html)})
    assert (await admin.send("/apps/shop/variables/export")).html == f"KEY={SECRET}\nTITLE='The shop'\n"

    wrong = await admin.send("/apps/shop/variables/bulk", {"text": "A=1\nA=2", "version": "3"})
    assert wrong.status == 422
    assert "Line 2: A is set on line 1 already." in wrong.text

    old = await admin.send("/apps/shop/variables/bulk", {"text": "MINE=1", "version": "1"})
    assert old.status == 412
    assert "MINE=1" in old.html


async def test_a_text_as_large_as_an_environment_may_be_is_taken(site: Site, admin: Browser) -> None:
    await an_app(site)
    text = "\n".join(f"A{number}='{'é' * 15_000}'" for number in range(8))
    page = await admin.send("/apps/shop/variables/bulk", {"text": text, "version": "0"})
    assert (page.status, "8 variables" in page.text) == (200, True)


async def test_the_history_brings_an_earlier_version_back(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "KEY", "1")
    await admin.send("/apps/shop/variables/unset", {"name": "KEY"})
    page = await admin.get("/apps/shop/variables/history")
    assert "Version 2" in page.text
    assert "KEY removed" in page.text
    back = await admin.send("/apps/shop/variables/restore", {"number": "1", "version": version_in(page.html)})
    assert "Brought back." in back.text
    assert (await admin.send("/apps/shop/variables/restore", {"number": "9", "version": "3"})).status == 404


async def test_the_bar_says_what_is_not_live_until_it_is_applied(site: Site, admin: Browser) -> None:
    await a_live_app(site)
    assert "not live yet" not in (await admin.get("/apps/shop")).text
    await add(admin, "KEY", "1")
    for path in ("/apps/shop", "/apps/shop/variables"):
        page = await admin.get(path)
        assert "1 variable is not live yet." in page.text
        assert "Apply now" in page.text
    assert (await admin.send("/apps/shop/apply")).heading.startswith("Deployment #2")
    refused = await admin.send("/apps/shop/apply")
    assert (refused.status, "shop is being deployed." in refused.text) == (409, True)


async def test_who_only_reads_sees_names_and_why(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "LEVEL", "info-canary")
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop/variables?edit=LEVEL")
        assert "LEVEL" in page.text
        assert "info-canary" not in page.html
        assert "Developers can do this. Ask an Admin." in page.text
        assert (await viewer.get("/apps/shop/variables/bulk")).status == 403
        assert (await viewer.send("/apps/shop/variables/reveal", {"name": "LEVEL"})).status == 403


async def test_variables_are_found_by_name(site: Site, admin: Browser) -> None:
    await an_app(site)
    await add(admin, "KEY", "1")
    assert 'id="variable-KEY"' in (await admin.get("/apps/shop/variables?q=ke")).html
    page = await admin.get("/apps/shop/variables?q=zzz")
    assert "Nothing matches “zzz”" in page.text
    assert "1 variable is hidden by this filter." in page.text
