"""The GitHub App, as Bakery knows it. It is made in a browser, for GitHub asks its owner."""

from datetime import datetime

import msgspec
from litestar import delete, get, post

from bakery.github.app import apps_by_github_app, forget_app
from bakery.github.app_looking import look_at_installations
from bakery.github.installations import AppDetail, show_app
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.addresses import Addresses
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}


class GitHubInstallation(msgspec.Struct, kw_only=True):
    """Where the App is installed. `repositories` were chosen there, or are all that there are, if `has_all`;
    `settings_url` is where an owner chooses. `problem` says why it opens nothing, and `hint` what to do."""

    account: str
    number: int
    repositories: list[str]
    has_all: bool
    settings_url: str
    suspended_at: datetime | None
    uninstalled_at: datetime | None
    problem: str
    hint: str


class GitHubAppSettings(msgspec.Struct, kw_only=True):
    """Without a `name` there is no App: `new_url` is where it is made, in a browser. `install_url` is where it is
    installed on an account, `apps` are those that it opens. `problem` is what GitHub said at the last look."""

    name: str | None = None
    owner: str | None = None
    server: str | None = None
    number: int | None = None
    install_url: str | None = None
    new_url: str | None = None
    installations: list[GitHubInstallation] = []
    apps: list[str] = []
    problem: str = ""
    hint: str = ""
    looked_at: datetime | None = None
    made_by: str | None = None
    made_at: datetime | None = None


@get(
    "/system/github/app",
    operation_id="showGitHubApp",
    summary="Show the GitHub App",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_app(request: WebRequest, parts: Parts, actor: Actor) -> GitHubAppSettings:
    """As it was seen last, with the accounts where it is installed."""
    return await _shown(request, parts, actor)


@post(
    "/system/github/app/look",
    operation_id="lookAtGitHubApp",
    summary="Look at the GitHub App",
    status_code=200,
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def post_look(request: WebRequest, parts: Parts, actor: Actor) -> GitHubAppSettings:
    """Asks GitHub now where it is installed. What that refuses is part of the answer."""
    await look_at_installations(parts.store, actor=actor)
    return await _shown(request, parts, actor)


@delete(
    "/system/github/app",
    operation_id="forgetGitHubApp",
    summary="Forget the GitHub App",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def delete_app(parts: Parts, actor: Actor) -> None:
    """Here: at GitHub its owner deletes it. The apps that it opens need another connection. Harmless when there is
    none."""
    await forget_app(parts.store, actor=actor)


async def _shown(request: WebRequest, parts: Parts, actor: Actor) -> GitHubAppSettings:
    found = await show_app(parts.store, actor=actor)
    if found is None:
        addresses: Addresses = request.app.state["urls"]
        return GitHubAppSettings(new_url=addresses.absolute("/settings/github/app/new", request))
    app = found.app
    return GitHubAppSettings(
        name=app.name,
        owner=app.owner,
        server=app.url,
        number=app.number,
        install_url=app.install_page,
        installations=_installations(found),
        apps=await apps_by_github_app(parts.store, actor=actor),
        problem=app.problem,
        hint=app.hint,
        looked_at=app.looked_at,
        made_by=app.made_by,
        made_at=app.made_at,
    )


def _installations(found: AppDetail) -> list[GitHubInstallation]:
    return [
        GitHubInstallation(
            account=one.account,
            number=one.number,
            repositories=list(found.names[one.number]),
            has_all=one.has_all,
            settings_url=one.settings_url,
            suspended_at=one.suspended_at,
            uninstalled_at=one.gone_at,
            problem=one.problem[0],
            hint=one.problem[1],
        )
        for one in found.installations
    ]


ROUTES = (get_app, post_look, delete_app)
