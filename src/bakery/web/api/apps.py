"""Apps."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter
from msgspec import UNSET, UnsetType

from bakery.delivery.app_settings import change_app
from bakery.delivery.apps import show_app
from bakery.delivery.clone import clone_app
from bakery.delivery.delete import delete_app, what_goes
from bakery.delivery.fleet import list_apps
from bakery.delivery.new_app import WantedApp, make_app
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus, parse_new_app
from bakery.model.deployments import Health
from bakery.model.errors import BadInput
from bakery.model.images import NewImage, parse_new_image
from bakery.model.names import PRODUCTION, AppAt, Colour
from bakery.model.nodes import LOCAL, NodeState, parse_node_for_app
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.model.sources import NewSource, parse_new_source
from bakery.model.strategies import Strategy
from bakery.model.terms import Origin
from bakery.web.api.app_path import Environment
from bakery.web.api.etags import tagged
from bakery.web.api.listing import After, Listing, listing, position_in, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.paths import searched

_Text = Annotated[str, msgspec.Meta(max_length=1000)]
_READ = {"permission": Permission.READ}


class App(msgspec.Struct, kw_only=True):
    """`live_number`, `title` and `version` are of the live release; `address` is where people reach it."""

    slug: str
    name: str
    runtime: Runtime
    status: AppStatus
    node: str
    address: str | None
    live_number: int | None
    live_since: datetime | None
    title: str | None
    version: str | None
    health: Health | None
    health_note: str | None
    created_at: datetime


class Term(msgspec.Struct, kw_only=True):
    """One thing that may be said of how a release is checked, takes over, and what it may use. `key` is its name for a
    change; `value` is what will hold, as far as it is known, `shown` that for people, and `origin` whose it is: set
    here, from bakery.toml, the installation's, or usual. Times are in seconds, limits in bytes and in percent of a
    CPU. `said` is what was said in this very place, empty where nothing was."""

    key: str
    title: str
    said: str
    shown: str
    origin: Origin
    value: str | bool | int | float | list[str] | None


class AppInFull(App, kw_only=True):
    """`colour` is the live slot; `interrupts`: a deployment stops the app for a moment. While its node is
    not online, its health is what was seen last. `memory_bytes` and `cpus` are limits; null: as the repository's
    bakery.toml says, else the installation. `terms` has these too, with whose they are; of static files, none.
    `strategy` null: as bakery.toml says, else recreate with a volume and blue-green without. `volumes` are those set
    here, by name with their paths; `warning` is a sentence about a choice that has a price."""

    environment: str = "production"
    command: list[str] | None
    health_path: str | None
    strategy: Strategy | None
    volumes: dict[str, str]
    warning: str
    memory_bytes: int | None
    cpus: float | None
    interrupts: bool
    is_stopped: bool
    colour: Colour | None
    node_state: NodeState
    terms: list[Term]


class AppWanted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`runtime`: `docker` runs it in a container, `process` from its folder, `static` are files that nginx serves.
    `command` is written as in a shell; without one Bakery finds out how it is built and started. `health` is a path
    that answers when the app is well; `node` is where it is to live. `repo` is a repository that it follows,
    `branch` one of it, and `base` the app's folder in it; it is asked first, and without an answer no app is made. So
    is an `image` of a registry, which `docker` runs; `port` is where it listens in its container, unless it exposes
    that. `username` and `token` open the repository or the registry; with `github`,
    your own link to GitHub opens the repository instead, and with `github_app` the GitHub App. Without a `runtime` it
    is `docker` for an image, else `process`."""

    slug: str
    name: str = ""
    runtime: str = ""
    command: str = ""
    health: str = ""
    node: str = LOCAL
    repo: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    branch: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    base: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    image: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    port: int | None = None
    username: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    token: Annotated[str, msgspec.Meta(max_length=10_000)] | None = None
    github: bool = False
    github_app: bool = False


class AppEdit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; an empty text or null says nothing any more. `strategy` is blue-green or recreate;
    `memory` is in MB, or a text like “1G”; `health` is the path of the health check, `health_kind` http, tcp or
    command, and `health_command` a program with arguments, quoted as in a shell. Times are texts like “30s”, or
    seconds; `volumes` are all that there are to be, by name with their paths, or a text of NAME:PATH, with spaces
    between; `volumes_also` are named beside the others, or moved, and null names one no more. The runtime of an app
    cannot be changed."""

    name: Annotated[str, msgspec.Meta(max_length=1000)] | UnsetType = UNSET
    command: Annotated[str, msgspec.Meta(max_length=10_000)] | UnsetType = UNSET
    health: Annotated[str, msgspec.Meta(max_length=1000)] | UnsetType = UNSET
    strategy: Annotated[str, msgspec.Meta(max_length=1000)] | UnsetType = UNSET
    volumes: dict[str, str] | Annotated[str, msgspec.Meta(max_length=10_000)] | UnsetType | None = UNSET
    volumes_also: dict[str, str | None] | UnsetType = UNSET
    memory: int | Annotated[str, msgspec.Meta(max_length=1000)] | UnsetType | None = UNSET
    cpus: int | float | Annotated[str, msgspec.Meta(max_length=1000)] | UnsetType | None = UNSET
    health_kind: _Text | UnsetType | None = UNSET
    health_status: int | _Text | UnsetType | None = UNSET
    health_command: Annotated[str, msgspec.Meta(max_length=10_000)] | UnsetType | None = UNSET
    health_interval: int | float | _Text | UnsetType | None = UNSET
    health_timeout: int | float | _Text | UnsetType | None = UNSET
    health_threshold: int | _Text | UnsetType | None = UNSET
    health_successes: int | _Text | UnsetType | None = UNSET
    health_grace: int | float | _Text | UnsetType | None = UNSET
    drain: int | float | _Text | UnsetType | None = UNSET
    bake: int | float | _Text | UnsetType | None = UNSET
    warm: int | float | _Text | UnsetType | None = UNSET
    auto_rollback: bool | _Text | UnsetType | None = UNSET


class CloneWanted(msgspec.Struct, kw_only=True):
    """`slug` is of the new app; without a `node` it lives where the original does."""

    slug: str
    node: str = ""


class Deletion(msgspec.Struct, kw_only=True):
    """`releases` are folders or images on the node; `ports` are free again; `deployments` go with their logs. The other
    `environments` of the app go with production. Another app may have the `domains` then.
    `volumes` stay on the node, unless they are named when it is deleted."""

    address: str | None
    ports: list[int]
    releases: int
    deployments: int
    variables: int
    volumes: list[str]
    environments: list[str]
    domains: list[str]


@get("/apps", operation_id="listApps", summary="List apps", opt=_READ, responses=problems(), tags=["Apps"])
async def get_apps(
    parts: Parts,
    actor: Actor,
    after: After = "",
    containing: Annotated[str, Parameter(max_length=100, description="A part of the slug or the name.")] = "",
) -> Listing[App]:
    """The apps that you see, by slug."""
    found = await list_apps(parts.store, actor=actor, containing=searched(containing), after=position_in(after))
    return listing(App, found.page.items, found.page.next)


@post(
    "/apps",
    operation_id="createApp",
    summary="Make an app",
    opt={"permission": Permission.CREATE_APP},
    responses=problems(409, 503),
    tags=["Apps"],
)
async def post_app(parts: Parts, actor: Actor, data: AppWanted, env: Environment = PRODUCTION) -> AppInFull:
    """An app with its environment `production` on a node. It is deployed with an upload to its `sources`."""
    new = parse_new_app(
        slug=data.slug,
        name=data.name,
        runtime=data.runtime or (Runtime.DOCKER if data.image.strip() else Runtime.PROCESS),
        command=data.command,
        health=data.health,
        node=data.node,
    )
    if env != PRODUCTION:
        raise BadInput("An app begins with production.", field="env", hint="Add the other environments to it then.")
    return shown(AppInFull, await make_app(parts.store, parts.links, WantedApp(new, _source(data, actor)), actor=actor))


def _source(data: AppWanted, actor: Actor) -> NewSource | NewImage | None:
    token = Secret(data.token) if data.token else None
    if data.image.strip():
        if data.repo.strip():
            raise BadInput("Name a repository or an image, not both.", field="image")
        return parse_new_image(image=data.image, port=data.port, username=data.username, password=token)
    if not data.repo.strip():
        return None
    return parse_new_source(
        url=data.repo,
        branch=data.branch,
        base=data.base,
        username=data.username,
        token=token,
        github_person=actor.person_id if data.github else None,
        by_github_app=data.github_app,
    )


@get(
    "/apps/{app:str}",
    operation_id="showApp",
    summary="Show an app",
    opt=_READ,
    responses=problems(),
    tags=["Apps"],
)
async def get_app(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[AppInFull | None]:
    """How an app is doing, and how it runs. Sends a weak ETag."""
    return tagged(request, shown(AppInFull, await show_app(parts.store, where, actor=actor)))


@patch(
    "/apps/{app:str}",
    operation_id="changeApp",
    summary="Change an app",
    opt={"permission": Permission.DEPLOY},
    responses=problems(),
    tags=["Apps"],
)
async def patch_app(parts: Parts, actor: Actor, where: AppAt, data: AppEdit) -> AppInFull:
    """Its name changes at once. How it runs takes effect with the next deployment; earlier releases keep theirs."""
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    also = given.pop("volumes_also", None)
    wanted = {name: _text(value) for name, value in given.items()}
    return shown(AppInFull, await change_app(parts.store, where, wanted, volumes_also=also, actor=actor))


def _text(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}:{path}" for name, path in value.items())
    return "" if value is None else str(value)


@post(
    "/apps/{app:str}/clone",
    operation_id="cloneApp",
    summary="Clone an app",
    opt={"permission": Permission.CREATE_APP},
    responses=problems(409),
    tags=["Apps"],
)
async def post_clone(parts: Parts, actor: Actor, where: AppAt, data: CloneWanted) -> AppInFull:
    """Another app with the same source, settings and variables, on which nothing is deployed yet. Its volumes are new:
    no data is copied."""
    node = parse_node_for_app(data.node) if data.node else None
    return shown(AppInFull, await clone_app(parts.store, where, data.slug, node=node, actor=actor))


@get(
    "/apps/{app:str}/deletion",
    operation_id="showDeletion",
    summary="Show what goes with an app",
    opt={"permission": Permission.DELETE_APP},
    responses=problems(),
    tags=["Apps"],
)
async def get_deletion(parts: Parts, actor: Actor, where: AppAt) -> Deletion:
    """What deleting it would take away. Nothing is changed."""
    return shown(Deletion, await what_goes(parts.store, where, actor=actor))


@delete(
    "/apps/{app:str}",
    operation_id="deleteApp",
    summary="Delete an app",
    opt={"permission": Permission.DELETE_APP},
    responses=problems(409),
    tags=["Apps"],
)
async def delete_one_app(
    parts: Parts,
    actor: Actor,
    where: AppAt,
    volumes: Annotated[
        list[str] | None, Parameter(max_items=100, description="Those of its volumes that go too.")
    ] = None,
) -> None:
    """With its releases, deployments and logs. What runs on its node is stopped and removed soon after. Volumes that
    are not named stay there."""
    await delete_app(parts.store, parts.queue, where, actor=actor, volumes=volumes or ())


ROUTES = (get_apps, post_app, get_app, patch_app, post_clone, get_deletion, delete_one_app)
