"""The previews of an app: a place of its own for each pull request."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, patch, post

from bakery.hooks.previews import (
    approve_preview,
    close_preview,
    list_previews,
    show_settings,
)
from bakery.hooks.provision import change_previews
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus
from bakery.model.deployments import DeploymentState
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.previews import Forks, PreviewChanges, PreviewSettings, PreviewState, changed
from bakery.web.api.listing import PAGE, After, Listing, listing, number_in, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_READ = {"permission": Permission.READ}
_DEPLOY = {"permission": Permission.DEPLOY}
_CREATE_APP = {"permission": Permission.CREATE_APP}
_Names = Annotated[list[Annotated[str, msgspec.Meta(max_length=1000)]], msgspec.Meta(max_length=500)]


class PreviewShown(msgspec.Struct, kw_only=True):
    """A pull request and what it has here. `state` is new, approval (one from a fork: its `head` waits for somebody to
    approve it), room (as many as are allowed are there), placed, refused (`problem` says why) or closed. `status`,
    `address` and what begins with `deploy` are of its environment. `ended` says what closed it while the pull request
    is open: person, old or off; its next push brings it back."""

    number: int
    title: str
    branch: str
    author: str
    url: str
    is_fork: bool
    is_open: bool
    head: str
    state: PreviewState
    waits_for_approval: bool
    ended: str
    problem: str
    approved_by: str
    environment: str | None
    status: AppStatus | None
    address: str | None
    deployment: int | None
    deployment_state: DeploymentState | None
    deployed: str
    deployed_at: datetime | None
    comment_problem: str


class PreviewSettingsShown(msgspec.Struct, kw_only=True):
    """Previews are made like the environment `like`, with those of its variables that are named in `variables`; at most
    `most` at once, each gone after `days` without a push. `forks` is never or approval."""

    is_on: bool
    like: str
    variables: list[str]
    most: int
    days: int
    memory_bytes: int | None
    cpu_percent: int | None
    forks: Forks


class PreviewSettingsSaved(PreviewSettingsShown, kw_only=True):
    """`webhook_problem`: why the webhook at GitHub could not be made to tell of pull requests; empty: there is nothing
    to do, or it was done."""

    webhook_problem: str


class PreviewSettingsWanted(msgspec.Struct, kw_only=True):
    """What is null stays as it is. An empty `memory` or `cpus`: as the environment that previews are made like."""

    is_on: bool | None = None
    like: str | None = None
    variables: Annotated[list[Annotated[str, msgspec.Meta(max_length=1000)]], msgspec.Meta(max_length=500)] | None = (
        None
    )
    most: int | None = None
    days: int | None = None
    memory: str | None = None
    cpus: str | None = None
    forks: str | None = None


class Approval(msgspec.Struct):
    """All 40 letters of the commit: a stranger makes two that begin alike."""

    commit: str


@get(
    "/apps/{app:str}/previews",
    operation_id="listPreviews",
    summary="List an app's previews",
    opt=_READ,
    responses=problems(),
    tags=["Previews"],
)
async def get_previews(parts: Parts, actor: Actor, where: AppAt, after: After = "") -> Listing[PreviewShown]:
    """The highest number of a pull request first, 50 a page. Those that are closed are listed too."""
    found = await list_previews(parts.store, where, before=number_in(after), limit=PAGE + 1, actor=actor)
    return listing(PreviewShown, found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None)


@get(
    "/apps/{app:str}/previews/settings",
    operation_id="getPreviewSettings",
    summary="Show how an app's previews are made",
    opt=_READ,
    responses=problems(),
    tags=["Previews"],
)
async def get_settings(parts: Parts, actor: Actor, where: AppAt) -> PreviewSettingsShown:
    """Off until somebody turns them on."""
    return _shown(await show_settings(parts.store, where, actor=actor))


@patch(
    "/apps/{app:str}/previews/settings",
    operation_id="changePreviewSettings",
    summary="Say how an app's previews are made",
    opt=_CREATE_APP,
    responses=problems(409),
    tags=["Previews"],
)
async def patch_settings(parts: Parts, actor: Actor, where: AppAt, data: PreviewSettingsWanted) -> PreviewSettingsSaved:
    """It counts from the next pull request or push on; with `is_on` false, all previews go at once."""
    was = await show_settings(parts.store, where, actor=actor)
    wanted = PreviewChanges(
        is_on=data.is_on,
        like=data.like,
        variables=data.variables,
        most=data.most,
        days=data.days,
        memory=data.memory,
        cpus=data.cpus,
        forks=data.forks,
    )
    saved, problem = await change_previews(
        parts.store, where, changed(was, wanted), base=parts.general.base_url, actor=actor
    )
    return PreviewSettingsSaved(**msgspec.structs.asdict(_shown(saved)), webhook_problem=problem)


@post(
    "/apps/{app:str}/previews/{number:int}/approve",
    operation_id="approvePreview",
    summary="Approve a commit of a fork",
    opt=_CREATE_APP,
    status_code=204,
    responses=problems(409),
    tags=["Previews"],
)
async def post_approve(parts: Parts, actor: Actor, where: AppAt, number: int, data: Approval) -> None:
    """That very commit is built and run. It has to be the newest of the pull request; a later one waits again."""
    await approve_preview(parts.store, where, number, data.commit, actor=actor)


@post(
    "/apps/{app:str}/previews/{number:int}/close",
    operation_id="closePreview",
    summary="Close a preview",
    opt=_DEPLOY,
    status_code=204,
    responses=problems(409),
    tags=["Previews"],
)
async def post_close(parts: Parts, actor: Actor, where: AppAt, number: int) -> None:
    """Its environment is deleted. The next push to the pull request brings another."""
    await close_preview(parts.store, where, number, actor=actor)


def _shown(found: PreviewSettings) -> PreviewSettingsShown:
    return shown(PreviewSettingsShown, found)


ROUTES = (get_previews, get_settings, patch_settings, post_approve, post_close)
