import re
from dataclasses import replace

from bakery.access.general import change_general
from bakery.access.people import change_profile
from bakery.model.actor import Actor
from tests.api.site import Site
from tests.support.people import an_admin
from tests.web.browser import Browser, Page
from tests.web.html_check import problems_of

FORM = {"base_url": "", "public_ip": "", "apps_domain": "mine.example.com"}


async def save_as(site: Site, person: Actor, domain: str) -> None:
    site.parts.general = await change_general(
        site.store, site.parts.settings, base_url="", public_ip="192.0.2.9", apps_domain=domain, actor=person
    )


def version_in(page: Page) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page.html)
    assert found
    return found[1]


async def test_settings_are_saved(site: Site, admin: Browser) -> None:
    opened = await admin.get("/settings/general")

    page = await admin.send("/settings/general", {**FORM, "version": version_in(opened)})

    assert "Settings saved." in page.text
    assert site.parts.general.apps_domain == "mine.example.com"


async def test_what_somebody_else_saved_meanwhile_is_shown_beside_what_was_typed(site: Site, admin: Browser) -> None:
    opened = await admin.get("/settings/general")
    ben = await an_admin(site.store, "ben@example.com")
    await change_profile(site.store, name="Ben Okafor", actor=ben)
    await save_as(site, ben, "theirs.example.com")

    page = await admin.send("/settings/general", {**FORM, "version": version_in(opened)})

    assert (page.status, page.heading) == (412, "Settings")
    assert "Someone else saved while you were editing." in page.text
    assert "Ben Okafor saved just now ." in page.text
    assert "Public IP address 192.0.2.9 not set Apps domain theirs.example.com mine.example.com" in page.text
    assert 'name="apps_domain" type="text" value="mine.example.com"' in page.html
    assert "data-unsaved" in page.html
    assert site.parts.general.apps_domain == "theirs.example.com"


async def test_one_keeps_ones_own_or_takes_theirs(site: Site, admin: Browser) -> None:
    opened = await admin.get("/settings/general")
    ben = await an_admin(site.store, "ben@example.com")
    await save_as(site, ben, "theirs.example.com")
    refused = await admin.send("/settings/general", {**FORM, "version": version_in(opened)})
    answer = {**FORM, "version": version_in(refused)}

    theirs = await admin.send("/settings/general", {**answer, "answer": "theirs"})
    assert (theirs.status, site.parts.general.apps_domain) == (200, "theirs.example.com")
    assert 'value="theirs.example.com"' in theirs.html

    await save_as(site, ben, "again.example.com")
    assert (await admin.send("/settings/general", answer)).status == 412
    mine = await admin.send("/settings/general", {**answer, "version": site.parts.general.version})
    assert "Settings saved." in mine.text
    assert (site.parts.general.apps_domain, site.parts.general.public_ip) == ("mine.example.com", None)


async def test_who_saved_the_same_in_another_tab_is_told_so(site: Site, admin: Browser, ada: Actor) -> None:
    opened = await admin.get("/settings/general")
    await save_as(site, ada, "other-tab.example.com")

    page = await admin.send("/settings/general", {**FORM, "version": version_in(opened)})

    assert "You saved this elsewhere while you were editing." in page.text


async def test_a_dns_provider_is_named_changed_and_forgotten(admin: Browser) -> None:
    typed = {
        "name": "our-bind", "zones": "example.com\r\nshop.example", "server": "192.0.2.53", "key_name": "bakery-key",
        "secret": "bm90IHRoYXQga2V5", "algorithm": "HMAC-SHA256", "port": "", "wait": "",
    }  # fmt: skip
    wrong = await admin.send("/settings/dns", {**typed, "server": "ns.example.com"})
    assert (wrong.status, "takes the address of the name server" in wrong.text) == (422, True)
    assert typed["secret"] not in wrong.html

    page = await admin.send("/settings/dns", typed)
    assert "example.com, shop.example" in page.text
    assert typed["secret"] not in page.html
    taken = await admin.send("/settings/dns", typed)
    assert (taken.status, "There is a DNS provider our-bind already." in taken.text) == (409, True)

    elsewhere = await admin.send("/settings/dns/change", {**typed, "server": "192.0.2.1", "secret": ""})
    assert (elsewhere.status, "its secret is needed too" in elsewhere.text) == (422, True)
    changed = await admin.send("/settings/dns/change", {**typed, "zones": "example.com", "secret": ""})
    assert "Settings saved." in changed.text
    assert "shop.example" not in changed.text

    gone = await admin.send("/settings/dns/remove", {"name": "our-bind"})
    assert "No DNS provider yet" in gone.text


async def test_the_fields_of_a_kind_of_provider_are_shown_when_it_is_chosen(admin: Browser) -> None:
    page = await admin.get("/settings/dns?plugin=ovh")
    assert problems_of(page.html) == []
    assert all(f'name="{name}"' in page.html for name in ("endpoint", "application_secret", "consumer_key"))
    assert 'name="server"' not in page.html
    typed = {
        "plugin": "ovh", "name": "at-ovh", "zones": "example.com", "endpoint": "ovh-ca",
        "application_key": "key-of-ours",
        "application_secret": "secret of ours", "consumer_key": "consumer-key", "wait": "",
    }  # fmt: skip
    wrong = await admin.send("/settings/dns", typed)
    assert (wrong.status, "Application secret has another form." in wrong.text) == (422, True)
    assert 'name="consumer_key"' in wrong.html
    page = await admin.send("/settings/dns", {**typed, "application_secret": "secret-of-ours"})
    assert "OVHcloud · example.com" in page.text
    assert "secret-of-ours" not in page.html
    changed = {**typed, "application_key": "", "application_secret": "", "consumer_key": "", "wait": "90"}
    assert "Settings saved." in (await admin.send("/settings/dns/change", changed)).text
    elsewhere = await admin.send("/settings/dns/change", {**changed, "endpoint": "ovh-eu"})
    assert (elsewhere.status, "its secret is needed too" in elsewhere.text) == (422, True)


async def test_bakerys_own_site_is_turned_on_in_the_settings(site: Site, admin: Browser) -> None:
    nameless = await admin.send("/settings/address", {"is_wanted": "on"})
    assert (nameless.status, "Bakery has no base URL yet" in nameless.text) == (422, True)
    site.parts.general = replace(site.parts.general, base_url="http://localhost")

    page = await admin.send("/settings/address", {"is_wanted": "on"})

    assert "Changing" in page.text
    assert "Turn off" in page.text
    assert site.parts.has_own_site
    assert "Turn on" in (await admin.send("/settings/address", {"is_wanted": "off"})).text
