"""Making an app in a browser."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakery.delivery.apps import show_app
from bakery.delivery.sources import show_source
from bakery.delivery.variables import reveal
from bakery.model.runtimes import Runtime
from bakery.store.rows import only
from tests.api.site import Site
from tests.support.git_server import GitServer, a_git_server
from tests.support.people import SYSTEM, a_developer, a_viewer
from tests.support.places import at
from tests.web.browser import Browser, a_browser

CANARY = "canary-token-3c1b"


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


SHOP = {
    "server.js": "require('http').createServer().listen(process.env.PORT)\n",
    "package.json": '{"name": "shop", "scripts": {"start": "node server.js", "test": "node --test"}}',
    ".env.example": "STRIPE_KEY=sk_test\nGREETING=hello\n",
}


async def test_a_new_page_asks_where_the_code_is_and_creates_nothing_yet(admin: Browser) -> None:
    page = await admin.get("/apps/new")
    assert page.heading == "New app"
    assert "Its newest commit is looked into before anything is made." in page.text
    assert "Say where its code is." in page.text
    assert re.search(r'value="deploy"[^>]* disabled', page.html)


async def test_from_the_address_of_a_repository_to_its_first_deployment_two_buttons_are_pressed(
    site: Site, admin: Browser, server: GitServer
) -> None:
    server.repository("Shop").commit("Open the shop", SHOP)
    looked = await admin.send(
        "/apps/new", {"section": "source", "kind": "git", "url": server.url("Shop"), "do": "next"}
    )
    assert (looked.status, looked.heading) == (200, "New app")
    assert "node" in looked.text
    assert "main@" in looked.text
    assert "Open the shop" in looked.text
    assert "Fetch the commit" in looked.text
    assert await node_apps(site) == []

    made = await admin.send("/apps/new", {"section": "build", "runtime": "process", "do": "deploy"})

    assert "App made, and its first deployment is queued." in made.text
    app = await show_app(site.store, at("shop"), actor=SYSTEM)
    assert (app.runtime, app.command, app.node) == (Runtime.PROCESS, None, "local")
    assert (await show_source(site.store, at("shop"), actor=SYSTEM)).branch == "main"
    assert "Draft saved" not in (await admin.get("/apps/new")).text


async def node_apps(site: Site) -> list[str]:
    """Whose files lie on the node."""
    folder = Path(site.parts.settings.node_dir, "apps")
    return await asyncio.to_thread(lambda: [path.name for path in folder.glob("*/*")])


async def test_an_app_in_each_folder_is_a_choice(admin: Browser, server: GitServer) -> None:
    files = {f"{folder}/{name}": text for folder in ("apps/web", "apps/api") for name, text in SHOP.items()}
    server.repository("shop").commit("First", files)
    several = await admin.send("/apps/new", {"section": "source", "url": server.url("shop"), "do": "next"})
    assert "There are several apps in this repository." in several.text
    assert 'name="base" value="apps/api"' in several.html
    refused = await admin.send("/apps/new", {"section": "build", "runtime": "process", "do": "next"})
    assert (refused.status, 'id="f-base-error"' in refused.html) == (422, True)
    chosen = await admin.send("/apps/new", {"section": "build", "runtime": "process", "base": "apps/api", "do": "next"})
    assert "Of those that answer, the one with the fewest apps is proposed." in chosen.text
    back = await admin.get("/apps/new?at=build")
    assert re.search(r'name="base" value="apps/api" checked', back.html)


async def test_a_draft_stays_and_shows_no_secret(site: Site, admin: Browser, server: GitServer) -> None:
    server.repository("shop").commit("First", SHOP)
    server.wants["shop"] = ("x-access-token", CANARY)
    form = {"section": "source", "url": server.url("shop"), "token": CANARY, "do": "next"}
    looked = await admin.send("/apps/new", form)
    assert (looked.status, "Open the shop" in looked.text or "main@" in looked.text) == (200, True), looked.text
    kept = await admin.send("/apps/new/draft", {"section": "build", "command": "node other.js"})
    assert kept.text == "Draft saved just now . You can leave and come back."
    assert 'value="node other.js"' in (await admin.get("/apps/new?at=build")).html
    for section in ("build", "address"):
        await admin.send("/apps/new", {"section": section, "runtime": "process", "slug": "shop", "do": "next"})
    proposed = await admin.get("/apps/new?at=variables")
    assert ".env.example names it." in proposed.text
    saved = await admin.send(
        "/apps/new",
        {"section": "variables", "value-STRIPE_KEY": CANARY, "text": f"OTHER={CANARY}", "do": "save"},
    )
    assert "Leave out OTHER" in saved.text
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT row_to_json(drafts)::text FROM drafts")
        (row,) = await only(cursor)
    pages = [(await admin.get(f"/apps/new?at={key}")).html for key in ("source", "build", "variables", "review")]
    assert CANARY not in "".join([row, *pages])

    async with a_browser(site, await a_developer(site.store)) as other:
        assert server.url("shop") not in (await other.get("/apps/new")).html

    await admin.send("/apps/new", {"section": "review", "do": "create"})
    values = await reveal(site.store, at("shop"), ["STRIPE_KEY", "OTHER"], actor=SYSTEM)
    assert {value.reveal() for value in values.values()} == {CANARY}


async def test_a_token_goes_to_the_server_only_that_it_was_typed_for(admin: Browser, server: GitServer) -> None:
    server.repository("shop").commit("First", SHOP)
    server.wants["shop"] = ("x-access-token", CANARY)
    await admin.send(
        "/apps/new", {"section": "source", "url": "http://127.0.0.1:9/shop.git", "token": CANARY, "do": "save"}
    )
    refused = await admin.send("/apps/new", {"section": "source", "url": server.url("shop"), "do": "next"})
    assert refused.status == 422
    assert CANARY not in str(server.asked)


async def test_a_repository_over_ssh_gets_a_key_before_there_is_an_app(admin: Browser) -> None:
    url = "git@127.0.0.1:acme/shop.git"
    told = await admin.send("/apps/new", {"section": "source", "url": url, "do": "next"})
    assert (told.status, "Add the deploy key below to the repository" in told.text) == (422, True)
    assert "ssh-ed25519 " in told.text
    assert "PRIVATE KEY" not in told.html


async def test_what_is_wrong_is_said_at_its_field_and_its_section_opens(admin: Browser) -> None:
    folder = {"section": "source", "kind": "folder", "do": "next"}
    await admin.send("/apps/new", folder)
    await admin.send("/apps/new", {"slug": "shop", "runtime": "process", "do": "create"})
    await admin.send("/apps/new", folder)
    for form, status, told in (
        ({"slug": "Shop", "runtime": "process"}, 422, 'aria-describedby="f-slug-help f-slug-error"'),
        ({"slug": "shop", "runtime": "process"}, 422, "There is already an app with the name shop."),
        ({"slug": "docs", "runtime": "podman"}, 422, "Choose “docker”, “process” or “static”."),
        ({"slug": "docs", "runtime": "static", "command": "x"}, 422, "need no start command"),
        (
            {"kind": "git", "url": "ftp://x", "runtime": "process", "command": ""},
            422,
            "Use the address of a repository",
        ),
        ({"section": "variables", "text": "no line"}, 422, "Line 1: this is not NAME=value"),
    ):
        refused = await admin.send("/apps/new", {"do": "create", **form})
        assert (refused.status, told in refused.html) == (status, True), (form, refused.text)
        assert "autofocus" in refused.html


async def test_a_tab_that_was_left_open_brings_no_used_draft_back(admin: Browser) -> None:
    first = await admin.send("/apps/new/draft", {"section": "source", "url": "https://git.example.com/shop.git"})
    old = began(first.html)
    await admin.send("/apps/new/discard", {})

    by_itself = await admin.send("/apps/new/draft", {"began": old, "section": "source", "branch": "next"})
    asked = await admin.send("/apps/new", {"began": old, "section": "source", "branch": "next", "do": "save"})

    assert "Not kept." in by_itself.text
    assert asked.status == 409
    assert "used or discarded in another tab" in asked.text
    assert (began(asked.html), 'value="next"' in asked.html) == ("", True)  # who goes on begins a new one
    assert "git.example.com" not in (await admin.get("/apps/new")).html


async def test_a_tab_that_was_left_open_changes_no_other_draft(admin: Browser) -> None:
    old = began((await admin.send("/apps/new/draft", {"section": "source", "branch": "a"})).html)
    await admin.send("/apps/new/discard", {})
    await admin.send("/apps/new/draft", {"section": "source", "branch": "of-the-second"})

    await admin.send("/apps/new/draft", {"began": old, "section": "source", "branch": "of-the-first"})

    assert 'value="of-the-second"' in (await admin.get("/apps/new")).html


async def test_a_draft_is_thrown_away_by_its_button(admin: Browser) -> None:
    await admin.send("/apps/new", {"section": "source", "url": "https://example.com/shop.git", "do": "save"})
    assert "https://example.com/shop.git" in (await admin.get("/apps/new")).html
    gone = await admin.send("/apps/new/discard")
    assert "Draft thrown away." in gone.text
    assert "https://example.com/shop.git" not in gone.html


async def test_a_folder_is_said_how_to_bring(admin: Browser) -> None:
    page = await admin.send("/apps/new", {"section": "source", "kind": "folder", "do": "next"})
    assert "What it is is found out from its files, when they are uploaded." in page.text
    made = await admin.send("/apps/new", {"slug": "shop", "runtime": "process", "do": "create"})
    assert (made.status, made.heading) == (200, "Deploy shop")
    assert "bakery deploy shop --dir ." in made.text


async def test_who_may_not_make_apps_sees_why(site: Site) -> None:
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        assert "New app Developers can do this. Ask an Admin." in (await viewer.get("/apps")).text
        assert (await viewer.get("/apps/new")).status == 403


def began(html: str) -> str:
    found = re.search(r'name="began" value="([^"]*)"', html)
    assert found
    return found[1]
