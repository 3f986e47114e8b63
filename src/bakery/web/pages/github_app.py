"""The GitHub App in the settings: made from a manifest at GitHub, looked at, and forgotten."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.github.app import begin_app, complete_app, forget_app
from bakery.github.app_looking import look_at_installations
from bakery.github.registration import show_registration
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.github import PUBLIC
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.edge import policy_with_forms_to
from bakery.web.errors import status_of
from bakery.web.moments import now
from bakery.web.pages.github import settings_page
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.github import NewGitHubAppPage
from bakery.web.views.shell import Crumb

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}
_PLACE = "/settings/github/app"


@get(f"{_PLACE}/new", opt=_MANAGE)
async def show_new(
    request: WebRequest, parts: Parts, actor: Actor, server: str | None = None, owner: str = ""
) -> Response[str]:
    """What the App may do, and the button that sends its manifest to GitHub. Changes nothing."""
    if server is None:
        known = (await show_registration(parts.store, actor=actor)).registration
        server = known.url if known else ""
    form = Form(values={"server": "" if server == PUBLIC else server, "owner": owner})
    address = manifest = ""
    status = 200
    try:
        made = await begin_app(
            parts.store,
            parts.signing_key,
            url=server,
            owner=owner,
            base=parts.general.base_url,
            now=now(),
            actor=actor,
        )
        address, manifest = made.address, made.text
    except BadInput as error:
        field = "server" if error.field == "url" else error.field
        form, status = Form(form.values, {field: f"{error.message} {error.hint}".strip()}), status_of(error)
    except Conflict as error:
        form, status = Form(form.values, problem=f"{error.message} {error.hint}".strip()), status_of(error)
    page = NewGitHubAppPage(form=form, address=address, manifest=manifest)
    response = await render_page(
        request, "settings/github_app.html", page, here="settings", crumbs=[Crumb("Settings")], status=status
    )
    if address:  # GitHub takes a manifest from a form, and from this page alone one may go there
        response.headers["content-security-policy"] = policy_with_forms_to(address)
    return response


@get(f"{_PLACE}/back", opt=_MANAGE)
async def come_back(request: WebRequest, parts: Parts, actor: Actor, code: str = "") -> Response[str] | Redirect:
    """From GitHub, with a code for the App that was made there."""
    state = request.query_params.get("state", "")  # the framework has a `state` of its own
    try:
        await complete_app(parts.store, parts.signing_key, code=code, state=state, now=now(), actor=actor)
    except BakeryError as error:
        return await settings_page(request, parts, actor, problem=error)
    return go(request, "/settings/github", said="github-app-made")


@get(f"{_PLACE}/installed", opt=_MANAGE)
async def come_from_installing(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    """From GitHub, where repositories were chosen. What it says on the way is not believed: it is asked."""
    await look_at_installations(parts.store, actor=actor)
    return go(request, "/settings/github")


@post(f"{_PLACE}/look", opt=_MANAGE)
async def look(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    await look_at_installations(parts.store, actor=actor)
    return go(request, "/settings/github")


@post(f"{_PLACE}/forget", opt=_MANAGE)
async def forget(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    await forget_app(parts.store, actor=actor)
    return go(request, "/settings/github", said="github-app-forgotten")


ROUTES = (show_new, come_back, come_from_installing, look, forget)
