"""Choosing a repository at GitHub for a new app."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.drafts import keep_typed
from bakery.github.installations import accounts_of_app
from bakery.github.links import show_link
from bakery.github.repositories import list_branches, list_repositories
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.errors import BakeryError, NotFound
from bakery.model.sources import parse_branch
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import retry_after, status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.pages.new_app_typed import CREATE, REFUSALS
from bakery.web.presenters.github import choices_of, pick_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.shell import Crumb


@get("/apps/new/github", opt=CREATE)
async def show_repositories(
    request: WebRequest, parts: Parts, actor: Actor, q: str = "", repository: str = "", of: str | None = None
) -> Response[str]:
    """`of` is an account at which the GitHub App is installed; empty: one's own link. With a `repository`, its
    branches."""
    return await _pick(request, parts, actor, of=of, q=q, repository=repository)


@post("/apps/new/github", opt=CREATE)
async def pick_repository(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """`repository` is owner/name, `branch` one of its branches, `of` whose installation of the App shows them."""
    form = await typed(request)
    name, of = form.text("repository"), form.text("of")
    try:
        branch = parse_branch(form.text("branch"))
        found = await list_branches(parts.store, parts.github, name, account=of, actor=actor)
    except REFUSALS as error:
        return await _pick(request, parts, actor, of=of, repository=name, error=error)
    except NotFound as error:
        return await _pick(request, parts, actor, of=of, error=error)
    url = found.repository.clone_url
    fields = {"kind": SourceKind.GIT, "url": url, "branch": branch, "github": url, "by": "app" if of else ""}
    await keep_typed(parts.store, fields, forgets_token=True, actor=actor)
    return go(request, "/apps/new?at=source")


async def _pick(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    *,
    of: str | None = None,
    q: str = "",
    repository: str = "",
    error: BakeryError | None = None,
) -> Response[str]:
    repositories = branches = None
    accounts = await accounts_of_app(parts.store, actor=actor)
    login = (await show_link(parts.store, actor=actor)).login
    if of is None:
        of = "" if login or not accounts else accounts[0]
    try:
        if repository and error is None:
            branches = await list_branches(parts.store, parts.github, repository, account=of, actor=actor)
        elif error is None:
            repositories = await list_repositories(parts.store, parts.github, containing=q, account=of, actor=actor)
    except (*REFUSALS, NotFound) as refused:
        error = refused
    response = await render_page(
        request,
        "apps/new_github.html",
        pick_page(repositories, branches, choices_of(accounts, login or "", of), q=q, error=error, now=now()),
        here="apps",
        crumbs=[
            Crumb("Apps", url_of(request)("/apps")), Crumb("New app", url_of(request)("/apps/new")), Crumb("GitHub"),
        ],
        status=status_of(error) if error else 200,
    )  # fmt: skip
    response.headers.update(retry_after(error) if error else {})
    return response
