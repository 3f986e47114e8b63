"""Where an app's code is kept: the repository that it follows or its image, and what opens it."""

from dataclasses import replace

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.delivery.image_sources import set_image
from bakery.delivery.sources import forget_token, mint_deploy_key, set_source, show_source
from bakery.github.app import has_app
from bakery.github.links import show_link
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict, NodeUnreachable, TooMany, Unavailable
from bakery.model.images import NewImage, parse_new_image
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.sources import NewSource, parse_new_source
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import now
from bakery.web.presenters.sources import connections, source_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_READ = {"permission": Permission.READ}
_DEPLOY = {"permission": Permission.DEPLOY}
_SHOWN = ("url", "branch", "base", "username", "opens")
_SHOWN_OF_IMAGE = ("image", "port", "username")


@get("/apps/{slug:str}/source", opt=_READ)
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    return await _page(request, parts, actor, where)


@post("/apps/{slug:str}/source", opt=_DEPLOY)
async def save(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    app, form = where.app, await typed(request)
    if "image" in form.values:
        return await _save_image(request, parts, actor, where, form)
    try:
        await set_source(parts.store, parts.links, where, _wanted(form, actor), actor=actor)
    except (BadInput, Conflict, NodeUnreachable, Unavailable, TooMany) as error:
        refused = form.refused(error, shown=_SHOWN, hidden=("token",))
        return await _page(request, parts, actor, where, form=with_hint(refused, error), status=status_of(error))
    return go(request, f"/apps/{app}/source", said="source-saved")


async def _save_image(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, form: Typed
) -> Response[str] | Redirect:
    try:
        await set_image(parts.store, parts.links, where, image_in(form), actor=actor)
    except (BadInput, Conflict, NodeUnreachable) as error:
        refused = with_hint(form.refused(error, shown=_SHOWN_OF_IMAGE, hidden=("token",)), error)
        return await _page(request, parts, actor, where, image=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/source", said="image-saved")


@post("/apps/{slug:str}/source/key", opt=_DEPLOY)
async def make_key(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Redirect:
    app = where.app
    await mint_deploy_key(parts.store, where, actor=actor)
    return go(request, f"/apps/{app}/source", said="key-minted")


@post("/apps/{slug:str}/source/forget-token", opt=_DEPLOY)
async def forget(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Redirect:
    app = where.app
    await forget_token(parts.store, where, actor=actor)
    return go(request, f"/apps/{app}/source", said="token-forgotten")


def _wanted(form: Typed, actor: Actor) -> NewSource:
    """`opens` is the connection: app, mine, kept, or other for a token and a deploy key."""
    opens = form.text("opens") or "kept"
    return parse_new_source(
        url=form.text("url"),
        branch=form.text("branch"),
        base=form.text("base"),
        username=form.text("username"),
        token=form.secret("token") if form.text("token").strip() else None,
        submodules=form.is_on("submodules"),
        accepts_host_key=form.is_on("accept_host_key"),
        github_person=actor.person_id if opens == "mine" else None,
        by_github_app=opens == "app",
        keeps_github=opens == "kept",
    )


def image_in(form: Typed) -> NewImage:
    return parse_new_image(
        image=form.text("image"),
        port=form.text("port"),
        username=form.text("username"),
        password=form.secret("token") if form.text("token").strip() else None,
    )


def with_hint(form: Form, error: BakeryError) -> Form:
    """Below its field stands what to do next too."""
    if not (isinstance(error, BadInput) and error.hint and form.error(error.field)):
        return form
    return replace(form, errors={error.field: f"{error.message} {error.hint}"})


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    form: Form | None = None,
    image: Form | None = None,
    status: int = 200,
) -> Response[str]:
    """`form` and `image` are such as were refused."""
    runtime = (await show_app(parts.store, where, actor=actor)).runtime
    found = await show_source(parts.store, where, actor=actor)
    url = url_of(request)
    login = (await show_link(parts.store, actor=actor)).login if actor.may(Permission.OWN_ACCOUNT) else None
    ways = connections(found, has_app=await has_app(parts.store), login=login)
    return await render_page(
        request,
        "apps/source.html",
        source_page(where.app, found, runtime, ways, form=form, image=image, actor=actor, url=url, now=now()),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Source")],
        status=status,
    )


ROUTES = (show, save, make_key, forget)
