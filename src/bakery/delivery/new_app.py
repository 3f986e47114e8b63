"""Making an app with all that was said of it, where its code is and its first variables among it: all, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakery.delivery.apps import AppDetail, Then, create_app
from bakery.delivery.image_sources import create_app_of_image
from bakery.delivery.sources import DeployKey, create_app_following
from bakery.delivery.variables import first_variables
from bakery.model.actor import Actor
from bakery.model.apps import NewApp
from bakery.model.images import NewImage
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import NewSource
from bakery.model.variables import VariableName
from bakery.nodes.links import Links
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class WantedApp:
    """`source`: its repository, or its image; None: folders are uploaded."""

    app: NewApp
    source: NewSource | NewImage | None = None
    key: DeployKey | None = None
    variables: Mapping[VariableName, Secret] = field(default_factory=dict)


async def make_app(store: Store, links: Links, wanted: WantedApp, *, actor: Actor) -> AppDetail:
    """The repository or the registry is asked first, from its node: what cannot be read there makes no app."""
    then = _variables(store, wanted, actor)
    match wanted.source:
        case NewSource() as source:
            return await create_app_following(store, links, wanted.app, source, key=wanted.key, then=then, actor=actor)
        case NewImage() as image:
            return await create_app_of_image(store, links, wanted.app, image, then=then, actor=actor)
        case None:
            return await create_app(store, wanted.app, then=then, actor=actor)


def _variables(store: Store, wanted: WantedApp, actor: Actor) -> Then | None:
    if not wanted.variables:
        return None
    actor.require(Permission.DEPLOY)
    return first_variables(store, wanted.variables, actor=actor)
