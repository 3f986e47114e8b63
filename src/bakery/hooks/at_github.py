"""How an app's webhook does in its repository at GitHub, and what GitHub was not told of its deployments."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.delivery.find import find_app
from bakery.github.left_hooks import LeftHook, read_left_hooks
from bakery.hooks.repairing import Repair, read_repair
from bakery.hooks.telling import Untold, read_untold
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class AtGitHub:
    """`left` are webhooks of its that nothing listens to any more, and that are there still."""

    repair: Repair
    untold: Untold | None
    left: Sequence[LeftHook] = ()


async def show_at_github(store: Store, where: AppAt, *, actor: Actor) -> AtGitHub:
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        repair = await read_repair(connection, app.environment_id)
        left = await read_left_hooks(connection, app.environment_id)
        return AtGitHub(repair, await read_untold(connection, app.environment_id), left)
