"""The webhook of a repository at GitHub: put there and put right."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from gidgethub.httpx import GitHubAPI

from bakery.github.asking import asking
from bakery.github.left_hooks import keep, leave
from bakery.github.links import usable_link
from bakery.github.repositories import name_at, split_name
from bakery.model.errors import NotFound
from bakery.model.secret import Secret
from bakery.store.store import Store

_HOOKS = "/repos/{owner}/{name}/hooks"
_HOOK = "/repos/{owner}/{name}/hooks/{hook}"


class _Config(msgspec.Struct):
    url: str = ""


class _Hook(msgspec.Struct):
    id: int
    config: _Config


async def put_hook(
    store: Store,
    environment_id: int,
    *,
    person: int,
    repository_url: str,
    address: str,
    secret: Secret,
    events: Sequence[str],
) -> str:
    """One that leads to `address` is put right; else one is made. Gives the name of the repository."""
    place = name_at(repository_url)
    opened = await usable_link(store, person)
    wanted = {
        "active": True,
        "events": list(events),
        "config": {"url": address, "content_type": "json", "insecure_ssl": "0", "secret": secret.reveal()},
    }
    async with asking(opened) as github:
        number = await _find(github, place, address)
        if number is None:
            made = await github.post(_HOOKS, place, data={"name": "web", **wanted})
        else:
            made = await github.patch(_HOOK, {**place, "hook": str(number)}, data=wanted)
        hook = msgspec.convert(made, _Hook)
    repository = f"{place['owner']}/{place['name']}"
    async with store.transaction() as tx:
        await leave(tx, environment_id, but=hook.id)
        await keep(tx, opened.url, hook.id)
        await tx.connection.execute(
            """
            INSERT INTO github_hooks (environment_id, person_id, server, repository, hook) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (environment_id) DO UPDATE SET person_id = excluded.person_id, server = excluded.server,
                repository = excluded.repository, hook = excluded.hook, checked_at = now(), problem = ''
            """,
            (environment_id, person, opened.url, repository, hook.id),
        )
    return repository


async def is_hook_there(store: Store, person: int, repository: str, hook: int) -> bool:
    """As far as the link of the person shows it."""
    opened = await usable_link(store, person)
    try:
        async with asking(opened) as github:
            await github.getitem(_HOOK, {**split_name(repository), "hook": str(hook)})
    except NotFound:
        return False
    return True


async def _find(github: GitHubAPI, place: Mapping[str, Any], address: str) -> int | None:
    async for row in github.getiter(f"{_HOOKS}?per_page=100", place):
        hook = msgspec.convert(row, _Hook)
        if hook.config.url == address:
            return hook.id
    return None
