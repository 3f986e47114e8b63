"""What a person may watch."""

from bakery.delivery.find import app_of_deployment, app_of_stream, find_app
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, NotFound
from bakery.model.names import AppAt
from bakery.model.nodes import expect_node_name
from bakery.model.permissions import Permission
from bakery.nodes.work import is_stream_of_job
from bakery.store.store import Store
from bakery.web.paths import app_in

_FOR_ALL = {"apps", "activity", "people", "nodes", "metrics", "settings"}


async def allowed(store: Store, actor: Actor, names: list[str]) -> tuple[set[str], set[int]]:
    """The topics and the log streams of a request. What is outside the actor's grants does not exist."""
    changes: set[str] = set()
    streams: set[int] = set()
    for name in names:
        kind, _, subject = name.partition(":")
        if name in _FOR_ALL:
            changes.add(name)
        elif kind == "app":
            await find_app(store, AppAt(app_in(subject)), actor)
            changes.add(name)
        elif kind == "deployment" and _is_id(subject):
            _must_see(actor, await app_of_deployment(store, int(subject)))
            changes.add(name)
        elif kind == "log" and _is_id(subject):
            await _must_see_stream(store, actor, int(subject))
            streams.add(int(subject))
        elif kind == "node" or (kind == "job" and _is_id(subject)):
            actor.require(Permission.MANAGE_NODES)
            if kind == "node":
                expect_node_name(subject)
            changes.add(name)
        elif kind == "person" and subject == str(actor.person_id):
            changes.add(name)
        else:
            raise BadInput(f"There is no topic “{name[:80]}”.", field="topics")
    return changes, streams


def _must_see(actor: Actor, app: int | None) -> None:
    if app is None:
        raise NotFound("There is no such app.")
    actor.require(Permission.READ, app=app)


async def _must_see_stream(store: Store, actor: Actor, stream: int) -> None:
    app = await app_of_stream(store, stream)
    if app is None and actor.may(Permission.MANAGE_NODES) and await is_stream_of_job(store, stream):
        return
    _must_see(actor, app)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
