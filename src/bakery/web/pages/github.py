"""The connection to GitHub: its OAuth app in the settings, and one's own link in the account."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.github.app import apps_by_github_app, has_app
from bakery.github.installations import show_app
from bakery.github.left_hooks import forget_left_hook, list_left_hooks, take_away_now
from bakery.github.links import begin_link, complete_link, show_link, unlink
from bakery.github.registration import forget_registration, set_registration, show_registration
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError
from bakery.model.github import PUBLIC
from bakery.model.permissions import Permission
from bakery.web.addresses import Addresses
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import retry_after, status_of
from bakery.web.forms import typed
from bakery.web.moments import moment, now
from bakery.web.presenters.github import app_view, left_hook_row
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.github import GitHubLinkPage, GitHubSettingsPage
from bakery.web.views.shell import Crumb

BACK = "/account/github/back"
_OWN = {"permission": Permission.OWN_ACCOUNT}
_MANAGE = {"permission": Permission.MANAGE_SYSTEM}
_MOST_LEFT = 50


@get("/settings/github", opt=_MANAGE)
async def show_settings(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await settings_page(request, parts, actor)


@post("/settings/github", opt=_MANAGE)
async def save_settings(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    secret = form.secret("client_secret")
    try:
        await set_registration(
            parts.store, url=form.text("url"), client_id=form.text("client_id"), secret=secret or None, actor=actor
        )
    except BadInput as error:
        refused = form.refused(error, shown=("url", "client_id"), hidden=("client_secret",))
        return await settings_page(request, parts, actor, form=refused, problem=error)
    return go(request, "/settings/github", said="settings-saved")


@post("/settings/github/forget", opt=_MANAGE)
async def forget(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    await forget_registration(parts.store, actor=actor)
    return go(request, "/settings/github", said="github-forgotten")


@post("/settings/github/left-hooks/{number:int}/try", opt=_MANAGE)
async def try_left(request: WebRequest, parts: Parts, actor: Actor, number: int) -> Redirect:
    """What GitHub says is on the page then."""
    left = await take_away_now(parts.store, number, actor=actor)
    return go(request, "/settings/github", said="left-hook-stays" if left else "left-hook-gone")


@post("/settings/github/left-hooks/{number:int}/forget", opt=_MANAGE)
async def forget_left(request: WebRequest, parts: Parts, actor: Actor, number: int) -> Redirect:
    await forget_left_hook(parts.store, number, actor=actor)
    return go(request, "/settings/github", said="left-hook-forgotten")


@get("/account/github", opt=_OWN)
async def show_own(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _link(request, parts, actor)


@get("/account/github/link", opt=_OWN)
async def begin(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """Changes nothing. A link, for a form may lead to no other site."""
    try:
        address = await begin_link(parts.store, parts.signing_key, callback=_back(request), now=now(), actor=actor)
    except BakeryError as error:
        return await _link(request, parts, actor, error)
    return Redirect(address, status_code=303)


@get(BACK, opt=_OWN)
async def come_back(
    request: WebRequest, parts: Parts, actor: Actor, code: str = "", error: str = ""
) -> Response[str] | Redirect:
    try:
        await complete_link(
            parts.store,
            parts.signing_key,
            code=code,
            state=request.query_params.get("state", ""),  # the framework has a `state` of its own
            problem=error,
            callback=_back(request),
            now=now(),
            actor=actor,
        )
    except BakeryError as refused:
        return await _link(request, parts, actor, refused)
    return go(request, "/account/github", said="github-linked")


@post("/account/github/unlink", opt=_OWN)
async def end(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    ended = await unlink(parts.store, actor=actor)
    if ended.left:
        return await _link(request, parts, actor, told=f"Unlinked. {ended.left}")
    return go(request, "/account/github", said="github-unlinked")


async def settings_page(
    request: WebRequest, parts: Parts, actor: Actor, *, form: Form | None = None, problem: BakeryError | None = None
) -> Response[str]:
    """`form` is one that was refused; `problem` else belongs to the App."""
    detail = await show_registration(parts.store, actor=actor)
    known = detail.registration
    values = {"url": known.url if known.url != PUBLIC else "", "client_id": known.client_id} if known else {}
    app = await show_app(parts.store, actor=actor)
    page = GitHubSettingsPage(
        form=form or Form(values=values),
        app=app_view(app, await apps_by_github_app(parts.store, actor=actor), now()) if app else None,
        problem=f"{problem.message} {problem.hint}".strip() if problem and form is None else "",
        callback=_back(request),
        homepage=_absolute(request, ""),
        register=f"{known.url if known else PUBLIC}/settings/applications/new",
        is_known=known is not None,
        links=detail.links,
        changed_by=known.changed_by if known else "",
        changed=moment(known.changed_at, now()) if known else None,
        left=[left_hook_row(one, now()) for one in await list_left_hooks(parts.store, limit=_MOST_LEFT, actor=actor)],
    )
    response = await render_page(
        request,
        "settings/github.html",
        page,
        here="settings",
        crumbs=[Crumb("Settings")],
        status=status_of(problem) if problem else 200,
    )
    response.headers.update(retry_after(problem) if problem else {})
    return response


async def _link(
    request: WebRequest, parts: Parts, actor: Actor, error: BakeryError | None = None, *, told: str = ""
) -> Response[str]:
    link = await show_link(parts.store, actor=actor)
    page = GitHubLinkPage(
        has_app=await has_app(parts.store),
        server=link.server,
        login=link.login,
        linked=moment(link.linked_at, now()) if link.linked_at else None,
        topic=f"person:{actor.person_id}",
        may_set_up=actor.may(Permission.MANAGE_SYSTEM),
        problem=f"{error.message} {error.hint}".strip() if error else told,
    )
    addresses: Addresses = request.app.state["urls"]
    response = await render_page(
        request,
        "account/github.html",
        page,
        here="account",
        crumbs=[Crumb("Account", addresses.url("/account/profile")), Crumb("GitHub")],
        status=status_of(error) if error else 200,
    )
    response.headers.update(retry_after(error) if error else {})
    return response


def _back(request: WebRequest) -> str:
    return _absolute(request, BACK)


def _absolute(request: WebRequest, path: str) -> str:
    addresses: Addresses = request.app.state["urls"]
    return addresses.absolute(path, request)


ROUTES = (show_settings, save_settings, forget, try_left, forget_left, show_own, begin, come_back, end)
