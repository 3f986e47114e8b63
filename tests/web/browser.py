"""Somebody with a browser: signed in, following links, and sending forms as the page wrote them."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape

import httpx

from bakery.access.sessions import open_session
from bakery.model.actor import Actor
from tests.api.site import BASE, Site
from tests.support.asgi import way_to

_CSRF = re.compile(r'name="csrf" content="([^"]+)"')
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Page:
    status: int
    html: str
    headers: httpx.Headers

    @property
    def heading(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.html, re.DOTALL)
        return words(found[1]) if found else ""

    @property
    def text(self) -> str:
        """What a person reads, on one line."""
        return words(self.html)


class Browser:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, *, live: bool = False, follow: bool = True) -> Page:
        """`live`: as htmx asks for a part of the page again. `follow`: to where the answer leads."""
        headers = {"hx-request": "true"} if live else {}
        return _page(await self._client.get(path, headers=headers, follow_redirects=follow))

    async def send(self, path: str, form: Mapping[str, str | list[str]] | None = None) -> Page:
        """Posts, and follows to where the answer leads."""
        home = (await self._client.get("/account/profile")).text
        token = _CSRF.search(home)
        assert token is not None, words(home)
        data = {"csrf_token": token[1], **(form or {})}
        return _page(await self._client.post(path, data=data, headers={"origin": BASE}))


@asynccontextmanager
async def a_browser(site: Site, person: Actor) -> AsyncIterator[Browser]:
    async with site.store.transaction() as tx:
        session = await open_session(tx, person, user_agent="a test")
    transport = way_to(site.web)
    cookies = {"bakery": session.token.reveal()}
    async with httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies, follow_redirects=True) as client:
        yield Browser(client)


def words(html: str) -> str:
    return " ".join(unescape(_TAG.sub(" ", html)).split())


def _page(response: httpx.Response) -> Page:
    return Page(response.status_code, response.text, response.headers)
