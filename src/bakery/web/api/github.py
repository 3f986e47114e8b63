"""The connection to GitHub: its OAuth app, and one's own link."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post, put
from litestar.params import Parameter

from bakery.github.installations import accounts_of_app
from bakery.github.links import show_link, unlink
from bakery.github.registration import RegistrationDetail, forget_registration, set_registration, show_registration
from bakery.github.repositories import Limits, list_branches, list_repositories
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.addresses import Addresses
from bakery.web.api.listing import shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.pages.github import BACK

_OWN = {"permission": Permission.OWN_ACCOUNT}
_Account = Annotated[
    str, Parameter(max_length=100, description="Where the GitHub App is installed; without one, by your own link.")
]
_MANAGE = {"permission": Permission.MANAGE_SYSTEM}


class GitHubSettings(msgspec.Struct, kw_only=True):
    """`callback_url` is what the OAuth app at GitHub has to be registered with. The others are null where no app is
    known yet; the client secret is never shown."""

    callback_url: str
    url: str | None
    client_id: str | None
    links: int
    changed_by: str | None
    changed_at: datetime | None


class GitHubSettingsWanted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`url` empty: https://github.com. `client_secret` null: the one that is stored stays."""

    client_id: Annotated[str, msgspec.Meta(max_length=1000)]
    url: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    client_secret: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class GitHubLink(msgspec.Struct, kw_only=True):
    """`server` null: nobody can link yet. `login` null: this person has not. `link_url` is where they do, in a
    browser. `app_accounts` are those where the GitHub App opens repositories, without anybody's link."""

    server: str | None
    login: str | None
    linked_at: datetime | None
    link_url: str
    app_accounts: list[str]


class GitHubUnlinked(msgspec.Struct, kw_only=True):
    """`left` says what is still granted at GitHub, where it did not answer; empty: nothing."""

    left: str


class GitHubRepository(msgspec.Struct, kw_only=True):
    """`full_name` is owner/name; `clone_url` is what an app's `repo` takes."""

    full_name: str
    private: bool
    clone_url: str
    default_branch: str


class GitHubRepositories(msgspec.Struct, kw_only=True):
    """`is_cut`: there are more than are read. `remaining`: how many questions GitHub answers until `renews_at`."""

    items: list[GitHubRepository]
    is_cut: bool
    remaining: int | None
    renews_at: datetime | None


class GitHubBranches(msgspec.Struct, kw_only=True):
    """The repository's own branch is the first. The others are as for repositories."""

    repository: GitHubRepository
    items: list[str]
    is_cut: bool
    remaining: int | None
    renews_at: datetime | None


@get(
    "/system/github",
    operation_id="showGitHubSettings",
    summary="Show the OAuth app of GitHub",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_settings(request: WebRequest, parts: Parts, actor: Actor) -> GitHubSettings:
    """By which app people link their GitHub, and how many did."""
    return _settings(request, await show_registration(parts.store, actor=actor))


@put(
    "/system/github",
    operation_id="setGitHubSettings",
    summary="Set the OAuth app of GitHub",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def put_settings(request: WebRequest, parts: Parts, actor: Actor, data: GitHubSettingsWanted) -> GitHubSettings:
    """Another server or client ID ends what people linked by the one before."""
    secret = Secret(data.client_secret) if data.client_secret else None
    found = await set_registration(parts.store, url=data.url, client_id=data.client_id, secret=secret, actor=actor)
    return _settings(request, found)


@delete(
    "/system/github",
    operation_id="forgetGitHubSettings",
    summary="Forget the OAuth app of GitHub",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def delete_settings(parts: Parts, actor: Actor) -> None:
    """And what people linked by it. Harmless when there is none."""
    await forget_registration(parts.store, actor=actor)


@get(
    "/github",
    operation_id="showGitHubLink",
    summary="Show one's own link to GitHub",
    opt=_OWN,
    responses=problems(),
    tags=["GitHub"],
)
async def get_link(request: WebRequest, parts: Parts, actor: Actor) -> GitHubLink:
    """A link is made in a browser, at `link_url`, for GitHub asks the person."""
    link = await show_link(parts.store, actor=actor)
    return GitHubLink(
        server=link.server,
        login=link.login,
        linked_at=link.linked_at,
        link_url=_absolute(request, "/account/github"),
        app_accounts=await accounts_of_app(parts.store, actor=actor),
    )


@post(
    "/github/unlink",
    operation_id="unlinkGitHub",
    summary="End one's own link to GitHub",
    status_code=200,
    opt=_OWN,
    responses=problems(),
    tags=["GitHub"],
)
async def post_unlink(parts: Parts, actor: Actor) -> GitHubUnlinked:
    """Here whatever GitHub says, and there when it answers. Harmless when there is none."""
    return shown(GitHubUnlinked, await unlink(parts.store, actor=actor))


@get(
    "/github/repositories",
    operation_id="listGitHubRepositories",
    summary="List the repositories that one's link shows",
    opt=_OWN,
    responses=problems(409, 429, 503),
    tags=["GitHub"],
)
async def get_repositories(
    parts: Parts,
    actor: Actor,
    containing: Annotated[str, Parameter(max_length=100, description="A part of their names.")] = "",
    account: _Account = "",
) -> GitHubRepositories:
    """The most lately pushed first, private ones and those of organisations too; without archived ones."""
    found = await list_repositories(parts.store, parts.github, containing=containing, account=account, actor=actor)
    return GitHubRepositories(
        items=[shown(GitHubRepository, one) for one in found.items], is_cut=found.is_cut, **_limits(found.limits)
    )


@get(
    "/github/branches",
    operation_id="listGitHubBranches",
    summary="List the branches of a repository that one's link shows",
    opt=_OWN,
    responses=problems(409, 429, 503),
    tags=["GitHub"],
)
async def get_branches(
    parts: Parts,
    actor: Actor,
    repository: Annotated[str, Parameter(max_length=300, description="owner/name.")] = "",
    account: _Account = "",
) -> GitHubBranches:
    """Its own first one at the top."""
    found = await list_branches(parts.store, parts.github, repository, account=account, actor=actor)
    return GitHubBranches(
        repository=shown(GitHubRepository, found.repository),
        items=found.items,
        is_cut=found.is_cut,
        **_limits(found.limits),
    )


def _limits(limits: Limits | None) -> dict[str, Any]:
    return {"remaining": limits.remaining if limits else None, "renews_at": limits.renews_at if limits else None}


def _settings(request: WebRequest, found: RegistrationDetail) -> GitHubSettings:
    known = found.registration
    return GitHubSettings(
        callback_url=_absolute(request, BACK),
        url=known.url if known else None,
        client_id=known.client_id if known else None,
        links=found.links,
        changed_by=known.changed_by if known else None,
        changed_at=known.changed_at if known else None,
    )


def _absolute(request: WebRequest, path: str) -> str:
    addresses: Addresses = request.app.state["urls"]
    return addresses.absolute(path, request)


ROUTES = (get_settings, put_settings, delete_settings, get_link, post_unlink, get_repositories, get_branches)
