"""Hostile names in every label, seen in a real browser: nothing of them runs, nothing of them is even tried."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import ConsoleMessage, Dialog, Page, async_playwright

from bakery.access.cli_login import begin_cli_login
from bakery.access.invitations import invite
from bakery.access.people import change_profile
from bakery.access.sessions import open_session
from bakery.access.tokens import create_token
from bakery.model.permissions import Role, Scope
from bakery.nodes.work import request_exec
from bakery.store import logs
from bakery.web.running import WebServer
from tests.api.site import Site
from tests.support.people import HERE, a_viewer, an_admin, signed_in
from tests.web.goods import a_failed_deployment, a_live_app
from tests.web.test_scripts import FLAGS

_MARK = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{7*7}}"
_REPORTS = """
addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective}`));
"""
_PAGES = [
    "/",
    "/apps",
    "/apps?q=" + "%3Cscript%3Ealert(3)%3C/script%3E",
    "/apps/shop",
    "/apps/shop/deployments",
    "/apps/shop/deployments/1",
    "/apps/shop/deployments/1/log",
    "/nodes",
    "/nodes/local",
    "/nodes/local/jobs",
    "/nodes/local/jobs/1",
    "/nodes/local/commands",
    "/team",
    "/team/members/2",
    "/team/invites",
    "/team/roles",
    "/activity",
    "/activity?action=%22%3E%3Cscript%3Ealert(4)%3C/script%3E",
    "/settings/general",
    "/account/profile",
    "/account/security",
    "/account/sessions",
    "/account/tokens",
    "/account/preferences",
    "/nothing",
]


@pytest.mark.browser
async def test_names_are_texts_wherever_they_are_shown(site: Site) -> None:
    ada = await signed_in(site.store, await an_admin(site.store))
    await a_viewer(site.store, "'onerror=alert`5`{{7*7}}'@example.com")
    await change_profile(site.store, name=_MARK, actor=ada)
    await create_token(site.store, _MARK, Scope.READ, actor=ada)
    await invite(site.store, "'onfocus=alert`6`{{7*7}}'@example.com", Role.VIEWER, actor=ada)
    begun = await begin_cli_login(site.store, machine=_MARK, origin=HERE)
    await a_live_app(site, "shop", _MARK)
    await a_failed_deployment(site, "shop", log=f"{_MARK}\n\x1b[31m{_MARK}\x1b[0m\n".encode())
    job = await request_exec(site.store, site.parts.queue, "local", ("echo", _MARK), actor=ada)
    await logs.append(site.store, job.log_stream, f"{_MARK}\n\x1b]0;{_MARK}\x07".encode())
    site.parts.links.transcript.add(job.node_id, f"echo {_MARK}", began=0.0, exit_status=0, output=_MARK)
    await site.parts.links.transcript.flush()
    async with site.store.transaction() as tx:
        session = await open_session(tx, ada, user_agent=_MARK)
    complaints: list[str] = []
    async with _served(site) as address, _a_page(address, session.token.reveal(), complaints) as page:
        for path in [*_PAGES, f"/cli?code={begun.code}"]:
            await page.goto(address + path, wait_until="load")
            shown = await page.locator("body").inner_text()
            if path in {"/team", "/account/tokens", "/apps/shop", f"/cli?code={begun.code}"}:
                assert "<img src=x onerror=alert(1)>" in shown, path
            assert await page.locator("img, script:not([src]), iframe, [onerror], [onload]").count() == 0, path
        await page.goto(f"{address}/apps")
        await page.keyboard.press("Control+k")
        await page.locator("#palette [role=option]").first.wait_for()
    assert complaints == []


@asynccontextmanager
async def _served(site: Site) -> AsyncIterator[str]:
    started = asyncio.Event()
    server = WebServer(site.parts, on_started=started.set)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = asyncio.ensure_future(site.parts.hub.run())
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        await asyncio.wait_for(started.wait(), 10)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving
        listening.cancel()
        await asyncio.wait({listening})


@asynccontextmanager
async def _a_page(address: str, session: str, complaints: list[str]) -> AsyncIterator[Page]:
    """What opens a dialog, is refused by the policy or is complained about in the console, is noted."""

    async def close(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def hear(said: ConsoleMessage) -> None:
        is_a_refusal = "the server responded with a status of 4" in said.text  # of a page that says so itself
        if said.type == "error" and not is_a_refusal:
            complaints.append(f"{said.text} {said.location}")

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        context = await browser.new_context()
        await context.add_init_script(_REPORTS)
        await context.add_cookies([{"name": "bakery", "value": session, "url": address}])
        page = await context.new_page()
        page.on("dialog", close)
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
