"""Deliveries of the GitHub App's own webhook: each goes to all environments that follow its repository by the App.
Nothing of it is read before the signature holds."""

import asyncio
import secrets

import msgspec

from bakery.github.app import read_app
from bakery.github.installations import look_soon
from bakery.hooks.decide import Decision
from bakery.hooks.payloads import Envelope, envelope_of, is_ping, is_push, json_in
from bakery.hooks.pull_requests import is_pull_request
from bakery.hooks.receive import Answer, Parcel, not_signed, take
from bakery.hooks.refusals import Refusals
from bakery.hooks.rows import Hook, find_followers
from bakery.hooks.signatures import Provider, provider_of, why_not_signed
from bakery.hooks.turns import Turns
from bakery.model.errors import NotFound
from bakery.model.labels import shown_part
from bakery.model.secret import Secret
from bakery.store.queue import Queue
from bakery.store.store import Store

_NOBODYS = Secret(secrets.token_hex(32))  # where there is no App: the answer takes as long as for one
_OF_THE_APP = ("installation", "installation_repositories", "repository", "github_app_authorization")


class _Numbered(msgspec.Struct):
    id: int


class _Repository(msgspec.Struct):
    id: int
    full_name: str = ""


class _Body(msgspec.Struct):
    """Whose it is; the rest is read for each environment."""

    installation: _Numbered
    repository: _Repository


async def receive_from_app(store: Store, queue: Queue, turns: Turns, refusals: Refusals, parcel: Parcel) -> Answer:
    async with store.connection() as connection:
        app = await read_app(connection)
    secret = app.open_webhook_secret(store.vault) if app else _NOBODYS
    why_not = why_not_signed(parcel.headers, parcel.body, secret, at=parcel.at)
    if app is None or why_not or provider_of(parcel.headers) is not Provider.GITHUB:
        if app is not None:
            refusals.tell(why_not or "It does not come from GitHub.", at=asyncio.get_running_loop().time())
        raise not_signed("It is that of the GitHub App, under Settings → GitHub.")
    envelope = envelope_of(Provider.GITHUB, parcel.headers)
    if envelope.event in _OF_THE_APP:
        await look_soon(store)
        return Answer(None, Decision.IGNORED, "GitHub is asked what the App may open by now.")
    if is_ping(envelope) or not (is_push(envelope) or is_pull_request(envelope)):
        return Answer(None, Decision.IGNORED, f"It is an event “{envelope.event}”, which changes nothing here.")
    return await _to_followers(store, queue, turns, parcel, envelope)


async def _to_followers(store: Store, queue: Queue, turns: Turns, parcel: Parcel, envelope: Envelope) -> Answer:
    try:
        told = msgspec.json.decode(json_in(parcel.body) if parcel.is_form else parcel.body, type=_Body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        said = shown_part(str(error), at_most=200)
        return Answer(None, Decision.REFUSED, f"It names no installation and no repository: {said}")
    hooks = await find_followers(store, told.installation.id, told.repository.id)
    tasks = [asyncio.create_task(_take(store, queue, turns, hook, parcel, envelope)) for hook in hooks]
    await asyncio.gather(*tasks, return_exceptions=True)  # each hears of it, whatever the others meet
    answers = [(hook, task.result()) for hook, task in zip(hooks, tasks, strict=True)]
    if not answers:
        name = shown_part(told.repository.full_name, at_most=200) or "this repository"
        return Answer(None, Decision.IGNORED, f"No app follows {name} by the GitHub App.")
    if len(answers) == 1:
        return answers[0][1]
    _, first = next((one for one in answers if one[1].deployment is not None), answers[0])
    why = " ".join(f"{hook.where}: {answer.why}" for hook, answer in answers)
    return Answer(first.delivery, first.decision, why, first.deployment)


async def _take(store: Store, queue: Queue, turns: Turns, hook: Hook, parcel: Parcel, envelope: Envelope) -> Answer:
    """One that was deleted since it was found keeps no other from hearing."""
    try:
        return await take(store, queue, turns, hook, parcel, envelope)
    except NotFound as error:
        return Answer(None, Decision.IGNORED, error.message)
