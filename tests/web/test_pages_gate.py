"""The pages on the way in: the second factor, and letting a command line in."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx

from bakery.access.cli_login import begin_cli_login
from bakery.model.actor import Actor
from tests.api.site import BASE, Site
from tests.support.asgi import way_to
from tests.support.authenticator import Authenticator, enrol
from tests.support.people import HERE, PASSWORD
from tests.web.browser import Browser, Page, words

_NEXT = re.compile(r'name="next" value="([^"]*)"')


@asynccontextmanager
async def half_signed_in(site: Site, person: Actor, wanted: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that went to `wanted` and has got past the password."""
    transport = way_to(site.web)
    headers = {"origin": BASE, "accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        await client.post("/login", data={"email": person.label, "password": PASSWORD.reveal(), "next": wanted})
        yield client


async def answer(client: httpx.AsyncClient, page: str, **codes: str) -> httpx.Response:
    """Sends the page's form, with whatever the page put into it."""
    csrf, wanted = re.search(r'name="csrf" content="([^"]+)"', page), _NEXT.search(page)
    assert csrf
    assert wanted
    return await client.post("/login/2fa", data={"csrf_token": csrf[1], "next": wanted[1], **codes})


async def test_after_wrong_codes_the_right_one_leads_where_one_wanted_to_go(site: Site, ada: Actor) -> None:
    authenticator, _ = await enrol(site.store, ada)
    async with half_signed_in(site, ada, "/apps?q=shop") as client:
        asked = await client.get("/login", params={"next": "/apps?q=shop"})
        wrong = await answer(client, asked.text, code="000000")
        wrong_again = await answer(client, wrong.text, recovery_code="BDFG-HJKL-BDFG-HJKL")
        right = await answer(client, wrong_again.text, code=authenticator.code())

    assert (wrong.status_code, wrong_again.status_code) == (422, 422)
    assert (right.status_code, right.headers["location"]) == (303, "/apps?q=shop")


async def test_who_is_half_signed_in_goes_on_to_the_page_that_asked(site: Site, ada: Actor) -> None:
    await enrol(site.store, ada)
    async with half_signed_in(site, ada, "/") as client:
        asked = await client.get("/apps?q=shop")

    assert asked.status_code == 401
    assert _NEXT.findall(asked.text) == ["/apps?q=shop", "/apps?q=shop"]


async def test_a_wrong_recovery_code_is_marked_where_it_was_typed(site: Site, ada: Actor) -> None:
    await enrol(site.store, ada)
    async with half_signed_in(site, ada, "/") as client:
        asked = await client.get("/login")
        assert '<details class="other">' in asked.text
        wrong = await answer(client, asked.text, recovery_code="BDFG-HJKL-BDFG-HJKL")

    assert '<details class="other" open>' in wrong.text
    assert wrong.text.count('aria-invalid="true"') == 1
    assert 'aria-describedby="f-recovery_code-help f-recovery_code-error" aria-invalid="true"' in wrong.text
    assert re.findall(r'id="([^"]+)"[^>]* autofocus', wrong.text) == ["f-recovery_code"]


async def test_a_wrong_code_for_a_command_line_is_marked_where_it_was_typed(
    site: Site, admin: Browser, ada: Actor
) -> None:
    await enrol(site.store, ada)
    begun = await begin_cli_login(site.store, machine="laptop", origin=HERE)

    page = await admin.send("/cli", {"code": begun.code, "answer": "confirm", "second_factor": "000000"})

    assert (page.status, page.heading) == (422, "Let this command line in?")
    assert 'aria-describedby="f-second_factor-help f-second_factor-error" aria-invalid="true"' in page.html
    assert "This code is wrong or was used already." in words(page.html)


async def test_a_code_lets_the_command_line_in(site: Site, admin: Browser, ada: Actor) -> None:
    authenticator: Authenticator
    authenticator, _ = await enrol(site.store, ada)
    begun = await begin_cli_login(site.store, machine="laptop", origin=HERE)

    form = {"code": begun.code, "answer": "confirm", "second_factor": authenticator.code()}

    assert "The command line is let in." in (await admin.send("/cli", form)).text


async def test_an_error_can_be_copied_whole_without_the_token_of_a_link(admin: Browser) -> None:
    page = await admin.get("/invite/KzR3ThisIsASecret?x=1")
    nothing = await admin.get("/apps/nothing?q=private")

    details = _details(page)
    assert details[0] == "404 There is nothing here"
    assert "GET http://127.0.0.1:4100/invite/…" in details
    assert details[-1] == f"Error {page.headers['x-request-id']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", details[-2])
    assert "KzR3" not in page.html
    assert "GET http://127.0.0.1:4100/apps/nothing" in _details(nothing)


def _details(page: Page) -> list[str]:
    found = re.search(r'data-copy="([^"]*)"', page.html)
    assert found
    return unescape(found[1]).split("\n")
