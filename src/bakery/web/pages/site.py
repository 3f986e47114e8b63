"""How an app's site treats its visitors."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.ingress.site_options import change_site, remove_site_user, set_site_password, show_site
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.site_options import KNOWN, LONGEST_PAGE, SWITCHES
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.presenters.site import site_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_CHANGE = {"permission": Permission.DEPLOY}


@get("/apps/{slug:str}/site", opt={"permission": Permission.READ})
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    return await _page(request, parts, actor, where)


@post("/apps/{slug:str}/site", opt=_CHANGE)
async def save(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    """A switch that is off is not in the form; any other field that is not there stays as it is."""
    form = await typed(request, longest=2 * LONGEST_PAGE)
    wanted = {name: form.text(name) for name in KNOWN if name in form.values}
    switched = {name: "yes" if form.is_on(name) else "no" for name in SWITCHES}
    try:
        await change_site(parts.store, parts.queue, where, {**wanted, **switched}, actor=actor)
    except BadInput as error:
        refused = form.refused(error, shown=KNOWN)
        return await _page(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/site", said="site-saved")


@post("/apps/{slug:str}/site/users", opt=_CHANGE)
async def set_password(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await set_site_password(
            parts.store, parts.queue, where, form.text("user"), form.secret("password"), actor=actor
        )
    except BadInput as error:
        refused = form.refused(error, shown=("user",), hidden=("password",))
        return await _page(request, parts, actor, where, users=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/site", said="site-password-set")


@post("/apps/{slug:str}/site/users/remove", opt=_CHANGE)
async def remove_user(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await remove_site_user(parts.store, parts.queue, where, form.text("user"), actor=actor)
    except BadInput as error:
        refused = form.refused(error, shown=())
        return await _page(request, parts, actor, where, users=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/site", said="site-user-removed")


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    form: Form | None = None,
    users: Form | None = None,
    status: int = 200,
) -> Response[str]:
    app = await show_app(parts.store, where, actor=actor)
    found = await show_site(parts.store, where, actor=actor)
    url = url_of(request)
    return await render_page(
        request,
        "apps/site.html",
        site_page(app, found, form=form, users=users, actor=actor, url=url),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Site")],
        status=status,
    )


ROUTES = (show, save, set_password, remove_user)
