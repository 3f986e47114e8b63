"""Where an app's code is kept."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put

from bakery.delivery.image_sources import set_image
from bakery.delivery.sources import SourceDetail, forget_token, mint_deploy_key, set_source, show_source
from bakery.hooks.looking import look_at_branch, show_branch
from bakery.hooks.missed import Branch, why_not_live
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.errors import BadInput
from bakery.model.images import parse_new_image
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import parse_new_source
from bakery.web.api.etags import tagged
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_DEPLOY = {"permission": Permission.DEPLOY}


class AppSource(msgspec.Struct, kw_only=True):
    """`deploy_key` is added to a repository that is reached over SSH. `host_keys` are pinned: names and fingerprints of
    what its server showed. Of an image, `image` is its name, `port` the one that it serves in its container, where null
    is what it exposes, and `has_token` tells of the password of its registry. `has_github_link`: the link of
    `link_of` to GitHub opens the repository; `github_account` is where the GitHub App is installed, if that does.
    `problem` says why it does not now, and `hint` what to do."""

    kind: SourceKind
    url: str | None
    branch: str | None
    base: str
    submodules: bool
    username: str | None
    has_token: bool
    has_github_link: bool
    link_of: str | None
    github_account: str | None
    problem: str
    hint: str
    deploy_key: str | None
    host_keys: list[str]
    changed_at: datetime | None
    changed_by: str
    image: str | None
    port: int | None


class FollowedBranch(msgspec.Struct, kw_only=True):
    """`commit` is where its server showed it at `looked_at`, `live` the commit of what visitors get. `gap` says in a
    sentence that these differ, and why; `problem` why its server did not say, and `hint` what to do. Without a `url`
    the app follows no repository."""

    url: str | None = None
    branch: str | None = None
    commit: str | None = None
    live: str | None = None
    gap: str = ""
    problem: str = ""
    hint: str = ""
    looked_at: datetime | None = None


class AppSourceWanted(msgspec.Struct, kw_only=True):
    """Either the `url` of a repository or an `image`. Without a `branch` it is the repository's own first one. `base`
    is the app's folder in it. The `image` of a registry is pulled as it is; `port` is where it listens in its
    container, unless it exposes that itself. `username` and `token` open the repository or the registry; a `token` that
    is null stays as it is, unless the server or the registry's user is another. With `github`, your own link to GitHub
    opens the repository instead, today and whenever it is fetched; with `github_app`, the GitHub App does."""

    url: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    image: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    port: int | None = None
    branch: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    base: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    username: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    token: Annotated[str, msgspec.Meta(max_length=10_000)] | None = None
    submodules: bool = True
    accept_host_key: bool = False
    github: bool = False
    github_app: bool = False


@get(
    "/apps/{app:str}/source",
    operation_id="showSource",
    summary="Show where an app's code is kept",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_source(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[AppSource | None]:
    """Without what opens it. Sends a weak ETag."""
    return tagged(request, _shown(await show_source(parts.store, where, actor=actor)))


@put(
    "/apps/{app:str}/source",
    operation_id="setSource",
    summary="Set where an app's code is kept",
    opt=_DEPLOY,
    responses=problems(409, 503),
    tags=["Apps"],
)
async def put_source(parts: Parts, actor: Actor, where: AppAt, data: AppSourceWanted) -> AppSource:
    """Asks the repository or the registry first, from the app's node: what cannot be read there is not saved."""
    if data.image.strip():
        if data.url.strip():
            raise BadInput("Name a repository or an image, not both.", field="image")
        image = parse_new_image(
            image=data.image,
            port=data.port,
            username=data.username,
            password=Secret(data.token) if data.token else None,
        )
        return _shown(await set_image(parts.store, parts.links, where, image, actor=actor))
    if data.port is not None:
        raise BadInput("A port is said of an image.", field="port")
    new = parse_new_source(
        url=data.url,
        branch=data.branch,
        base=data.base,
        username=data.username,
        token=Secret(data.token) if data.token else None,
        submodules=data.submodules,
        accepts_host_key=data.accept_host_key,
        github_person=actor.person_id if data.github else None,
        by_github_app=data.github_app,
    )
    return _shown(await set_source(parts.store, parts.links, where, new, actor=actor))


@delete(
    "/apps/{app:str}/source/token",
    operation_id="forgetToken",
    summary="Forget the token of a repository, or the password of a registry",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(),
    tags=["Apps"],
)
async def delete_token(parts: Parts, actor: Actor, where: AppAt) -> AppSource:
    """Harmless when there is none."""
    return _shown(await forget_token(parts.store, where, actor=actor))


@post(
    "/apps/{app:str}/source/key",
    operation_id="mintDeployKey",
    summary="Make a deploy key",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(),
    tags=["Apps"],
)
async def post_key(parts: Parts, actor: Actor, where: AppAt) -> AppSource:
    """A new one, for the app's repository over SSH. One that was there opens nothing any more."""
    return _shown(await mint_deploy_key(parts.store, where, actor=actor))


@get(
    "/apps/{app:str}/source/branch",
    operation_id="getFollowedBranch",
    summary="Show where the followed branch was seen",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_branch(parts: Parts, actor: Actor, where: AppAt) -> FollowedBranch:
    """As its server showed it last. It is asked once an hour where there is a webhook."""
    found = await show_branch(parts.store, where, actor=actor)
    return FollowedBranch() if found is None else _branch(found)


@post(
    "/apps/{app:str}/source/branch",
    operation_id="lookAtFollowedBranch",
    summary="Look where the followed branch is",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(409),
    tags=["Apps"],
)
async def post_branch(parts: Parts, actor: Actor, where: AppAt) -> FollowedBranch:
    """Asks its server now, from the app's node."""
    return _branch(await look_at_branch(parts.store, parts.links, where, actor=actor))


def _branch(found: Branch) -> FollowedBranch:
    return FollowedBranch(
        url=found.url,
        branch=found.branch,
        commit=found.commit,
        live=found.live,
        gap=why_not_live(found),
        problem=found.problem,
        hint=found.hint,
        looked_at=found.at,
    )


def _shown(found: SourceDetail) -> AppSource:
    return AppSource(
        kind=found.kind,
        url=found.url,
        branch=found.branch,
        base=found.base,
        submodules=found.submodules,
        username=found.username,
        has_token=found.has_token,
        has_github_link=found.has_github_link,
        link_of=found.link_of,
        github_account=found.github_account,
        problem=found.problem,
        hint=found.hint,
        deploy_key=found.deploy_key,
        host_keys=list(found.host_keys),
        changed_at=found.changed_at,
        changed_by=found.changed_by,
        image=found.image,
        port=found.port,
    )


ROUTES = (get_source, put_source, delete_token, post_key, get_branch, post_branch)
