from tests.api.site import Site
from tests.support.people import a_viewer
from tests.web.browser import Browser, a_browser
from tests.web.goods import an_app


async def test_a_domain_is_added_made_primary_and_removed(site: Site, admin: Browser) -> None:
    await an_app(site)
    assert "No domain of its own yet" in (await admin.get("/apps/shop/domains")).text
    page = await admin.send("/apps/shop/domains", {"host": "läden.example.com"})
    assert "Domain added. The app answers to it as soon as its DNS leads here." in page.text
    assert "läden.example.com xn--lden-loa.example.com primary" in page.text
    await admin.send("/apps/shop/domains", {"host": "www.example.com"})
    page = await admin.send("/apps/shop/domains/primary", {"host": "www.example.com"})
    assert "This is the primary domain now." in page.text
    page = await admin.send("/apps/shop/domains/remove", {"host": "www.example.com"})
    assert "Domain removed." in page.text
    activity = (await admin.get("/activity?action=domain.")).text
    assert all(words in activity for words in ("attached a domain to", "chose another primary", "removed a domain"))


async def test_an_admin_is_led_to_where_the_address_of_the_node_is_told(site: Site, admin: Browser) -> None:
    await an_app(site)
    await admin.send("/apps/shop/domains", {"host": "www.example.com"})
    await admin.send("/apps/shop/domains/verify", {"host": "www.example.com"})
    page = await admin.get("/apps/shop/domains")
    assert "The public address of the app's node is not known." in page.text
    assert 'href="/nodes/local/settings"' in page.html


async def test_who_deletes_an_app_reads_which_domains_go_with_it(site: Site, admin: Browser) -> None:
    await an_app(site)
    for host in ("läden.example.com", "*.example.com"):
        await admin.send("/apps/shop/domains", {"host": host})
    assert "Lost: the domains läden.example.com, *.example.com" in (await admin.get("/apps/shop")).text


async def test_what_a_name_with_a_star_is_proven_by_stands_beside_it(site: Site, admin: Browser) -> None:
    await an_app(site)
    await admin.send("/apps/shop/domains", {"host": "*.example.com"})
    assert "No DNS provider is named for its zone" in (await admin.get("/apps/shop/domains")).text
    provider = {
        "name": "our-bind", "zones": "example.com", "server": "192.0.2.53", "key_name": "bakery-key",
        "secret": "bm90IHRoYXQga2V5", "algorithm": "HMAC-SHA256",
    }  # fmt: skip
    assert "Renews certificates of shop." in (await admin.send("/settings/dns", provider)).text
    page = await admin.get("/apps/shop/domains")
    assert "our-bind proves it with a record in its zone" in page.text
    assert "Waiting for its turn" in page.text
    refused = await admin.send("/settings/dns/remove", {"name": "our-bind"})
    assert (refused.status, "Certificates of shop are renewed by our-bind." in refused.text) == (409, True)


async def test_what_is_wrong_stands_below_its_field(site: Site, admin: Browser) -> None:
    await an_app(site)
    await an_app(site, "blog")
    await admin.send("/apps/blog/domains", {"host": "www.example.com"})
    page = await admin.send("/apps/shop/domains", {"host": "https://www.example.com/"})
    assert "Use a host name alone, without http://, port or path. Like www.example.com." in page.text
    page = await admin.send("/apps/shop/domains", {"host": "WWW.example.com."})
    assert "www.example.com belongs to blog already." in page.text
    assert 'value="WWW.example.com."' in page.html


async def test_a_certificate_that_was_refused_is_told_with_what_to_do(site: Site, admin: Browser) -> None:
    await an_app(site)
    await admin.send("/apps/shop/domains", {"host": "www.example.com"})
    assert "Waiting for a name whose DNS is right" in (await admin.get("/apps/shop/domains")).text
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE certificates SET wanted = '{www.example.com}', next_try = now() + interval '5 minutes', refused =
                '{"kind": "connection", "said": "<b>Timeout</b>.", "name": "www.example.com", "retry_after": null}'
            """
        )
    page = await admin.get("/apps/shop/domains")
    assert "www.example.com: The authority could not reach this server by HTTP. Port 80 of the node has" in page.text
    assert "&lt;b&gt;Timeout&lt;/b&gt;." in page.html
    assert "Try again" in page.text
    page = await admin.send("/apps/shop/certificates/renew", {})
    assert "Bakery asks for it." in page.text
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE certificates SET is_barred = true, next_try = now() + interval '1 hour'")
    page = await admin.send("/apps/shop/certificates/renew", {})
    assert (page.status, "The authority wants not to be asked before" in page.text) == (409, True)
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        assert "Try again" not in (await viewer.get("/apps/shop/domains")).text
    assert "asked for a certificate for" in (await admin.get("/activity?action=certificate.")).text


async def test_a_viewer_reads_them(site: Site, admin: Browser) -> None:
    await an_app(site)
    await admin.send("/apps/shop/domains", {"host": "www.example.com"})
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop/domains")
    assert "www.example.com" in page.text
    assert "Remove" not in page.text
