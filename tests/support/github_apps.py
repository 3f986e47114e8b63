"""A GitHub App at the double: made as people make it, with a browser between, and installed there."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

import httpx

from bakery.github.app_looking import look
from tests.api.site import BASE, Site
from tests.github_double.server import GitHubDouble
from tests.github_double.world import App, Installation
from tests.support.git_server import Repository, git
from tests.web.browser import Browser, Page

NEW = "/settings/github/app/new"
_FORM = re.compile(r'<form action="([^"]+)" method="post"><input type="hidden" name="manifest" value="([^"]+)">')


def form_for_github(page: Page) -> tuple[str, str]:
    found = _FORM.search(page.html)
    assert found is not None, page.text
    return unescape(found[1]), unescape(found[2])


async def press_at_github(page: Page) -> str:
    """GitHub's page, with its button pressed: where the browser comes back to."""
    address, manifest = form_for_github(page)
    async with httpx.AsyncClient() as web:
        answer = await web.post(address, data={"manifest": manifest})
    assert answer.status_code == 302, answer.text
    sent_to = answer.headers["location"]
    assert sent_to.startswith(f"{BASE}/settings/github/app/back?")
    parts = urlsplit(sent_to)
    return f"{parts.path}?{parts.query}"


async def make_app(site: Site, admin: Browser, github: GitHubDouble, *, owner: str = "acme") -> App:
    site.parts.general = replace(site.parts.general, base_url=BASE)
    page = await admin.get(f"{NEW}?server={github.url}&owner={owner}")
    made = await admin.get(await press_at_github(page))
    assert "The GitHub App is made." in made.text, made.text
    return next(iter(github.world.apps.values()))


async def install(site: Site, github: GitHubDouble, app: App, *repositories: str) -> Installation:
    made = github.world.install(app, "acme", *repositories)
    await look(site.store)
    return made


def with_code(github: GitHubDouble, full_name: str) -> Repository:
    """A private repository that has a commit, which the double serves."""
    assert github.world.git is not None
    bare = github.world.git / f"{full_name}.git"
    bare.parent.mkdir(exist_ok=True)
    git(github.world.git, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    made = Repository(f"{github.url}/{full_name}.git", bare, github.world.git / f"{full_name}-work")
    commit = made.commit("Shop", {"index.html": "shop"})
    github.world.repository(full_name, main=commit)
    return made
