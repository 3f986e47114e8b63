"""The page of previews: what is to be approved is, and how they are made is said."""

from bakery.hooks.preview_settling import settle_previews
from bakery.web.moments import now
from tests.api.site import Site
from tests.api.test_previews import Shop
from tests.api.test_webhook import a_server, a_shop
from tests.hooks.pull_requests import FORK, github
from tests.hooks.pushes import A
from tests.support.people import an_admin
from tests.web.browser import Browser

FORM = {
    "is_on": "on", "like": "production", "variables": "PAGE_SIZE\n\nTZ", "most": "3", "days": "7", "memory": "256M",
    "cpus": "0.5", "forks": "approval",
}  # fmt: skip


async def test_previews_are_turned_on_and_what_is_wrong_stands_at_its_field(site: Site, admin: Browser) -> None:
    await a_shop(site)
    assert "Previews are off." in (await admin.get("/apps/shop/previews")).text
    wrong = await admin.send("/apps/shop/previews", {**FORM, "most": "0"})
    assert (wrong.status, "Use a number from 1 to 50." in wrong.text) == (422, True)
    assert "PAGE_SIZE\n\nTZ</textarea>" in wrong.html
    page = await admin.send("/apps/shop/previews", FORM)
    assert "It counts from the next pull request or push on." in page.text
    assert "PAGE_SIZE\nTZ</textarea>" in page.html
    assert 'value="256 MB"' in page.html
    again = await admin.send("/apps/shop/previews", {**FORM, "memory": "256 MB"})
    assert again.status == 200


async def test_a_commit_of_a_fork_is_approved_and_its_preview_closed(site: Site, admin: Browser) -> None:
    hook = await a_shop(site)
    await admin.send("/apps/shop/previews", FORM)
    async with a_server(site) as server, site.as_(await an_admin(site.store, "b@example.com")) as client:
        shop = Shop(site, hook, server, client)
        await shop.keep_apps_apart()
        await shop.tell(github(head=FORK))
    waiting = await admin.get("/apps/shop/previews")
    assert "aaaaaaa waits for a person's approval." in waiting.text
    assert f'name="commit" value="{A}"' in waiting.html
    approved = await admin.send("/apps/shop/previews/42/approve", {"commit": A})
    assert "Approved. That commit is built and run." in approved.text
    await settle_previews(site.store, site.parts.queue, now=now())
    shown = await admin.get("/apps/shop/previews")
    assert ("Deploying" in shown.text, "#1" in shown.text) == (True, True)
    assert 'href="/apps/shop/deployments/1?env=pr42"' in shown.html
    closed = await admin.send("/apps/shop/previews/42/close", {})
    assert "Somebody closed it. The next push brings it back." in closed.text
    delivered = await admin.get("/apps/shop/deliveries")
    assert ("#42@aaaaaaa" in delivered.text, "Preview" in delivered.text) == (True, True)
