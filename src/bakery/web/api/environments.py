"""The environments of an app."""

from datetime import datetime

import msgspec
from litestar import get, post

from bakery.delivery.environments import NewEnvironment, add_environment, list_environments, parse_new_environment
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.api.apps import AppInFull
from bakery.web.api.listing import Listing, listing, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class Environment(msgspec.Struct, kw_only=True):
    """A place where an app runs. `branch` is null where it follows no repository."""

    environment: str
    status: AppStatus
    address: str | None
    node: str
    branch: str | None
    live_number: int | None
    live_since: datetime | None


class EnvironmentWanted(msgspec.Struct, kw_only=True):
    """Without a branch or a node: those of the environment that it is made like."""

    name: str
    branch: str = ""
    node: str = ""
    variables: bool = False

    @property
    def parsed(self) -> NewEnvironment:
        return parse_new_environment(self.name, branch=self.branch, node=self.node, with_variables=self.variables)


@get(
    "/apps/{app:str}/environments",
    operation_id="listEnvironments",
    summary="List an app's environments",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_environments(parts: Parts, actor: Actor, where: AppAt) -> Listing[Environment]:
    """Production first. What the rest of this API says of an app is of the environment in `env`."""
    return listing(Environment, await list_environments(parts.store, where, actor=actor), None)


@post(
    "/apps/{app:str}/environments",
    operation_id="addEnvironment",
    summary="Add an environment to an app",
    opt={"permission": Permission.CREATE_APP},
    responses=problems(409, 503),
    tags=["Apps"],
)
async def post_environment(parts: Parts, actor: Actor, where: AppAt, data: EnvironmentWanted) -> AppInFull:
    """With the source and the settings of the one in `env`, and with its `variables` if wanted. Nothing is deployed
    yet. It is deleted like an app, with its name in `env`."""
    return shown(AppInFull, await add_environment(parts.store, where, data.parsed, actor=actor))


ROUTES = (get_environments, post_environment)
