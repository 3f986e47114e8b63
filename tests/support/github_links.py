"""Links to the double of GitHub: made as people make them, with a browser between."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx

from bakery.github.links import begin_link, complete_link
from bakery.github.registration import set_registration
from bakery.model.actor import Actor
from bakery.model.secret import Secret
from bakery.store.store import Store
from bakery.web.moments import now
from tests.api.site import BASE
from tests.github_double.server import GitHubDouble
from tests.github_double.world import OAuthClient

BACK = f"{BASE}/account/github/back"
KEY = Secret("a key")


async def known(store: Store, github: GitHubDouble, client: OAuthClient, ada: Actor) -> None:
    await set_registration(
        store, url=github.url, client_id=client.client_id, secret=Secret(client.client_secret), actor=ada
    )


async def allowed(github: GitHubDouble, address: str) -> dict[str, str]:
    """GitHub's page, with its button pressed: what the browser comes back with."""
    assert address.startswith(f"{github.url}/login/oauth/authorize?")
    async with httpx.AsyncClient() as web:
        sent_to = (await web.get(address)).headers["location"]
    assert sent_to.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(sent_to).query).items()}


async def link(store: Store, github: GitHubDouble, person: Actor) -> None:
    address = await begin_link(store, KEY, callback=BACK, now=now(), actor=person)
    await come_back(store, person, await allowed(github, address))


async def is_ending(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE github_links SET ends_at = now()")


async def come_back(store: Store, person: Actor, told: dict[str, str], *, later: int = 0) -> None:
    at = now() + timedelta(seconds=later)
    await complete_link(
        store, KEY, code=told.get("code", ""), state=told["state"], problem=told.get("error", ""), callback=BACK,
        now=at, actor=person,
    )  # fmt: skip
