"""Deploying what an app follows: at once, or with a choice of what and how."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.foreseeing import Foreseen, foresee_deployment
from bakery.delivery.request import request_deployment
from bakery.delivery.sources import show_source
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.errors import BadInput, BakeryError, Conflict, NodeUnreachable, TooMany, Unavailable
from bakery.model.images import parse_tag
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.sources import Ref, parse_ref
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.presenters.sources import deploy_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_DEPLOY = {"permission": Permission.DEPLOY}
_SHOWN = ("ref", "skip_tests", "tag")


@get("/apps/{slug:str}/deploy", opt=_DEPLOY)
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    return await _page(request, parts, actor, where, Form())


@post("/apps/{slug:str}/deploy", opt=_DEPLOY)
async def deploy(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    """A commit of the app's repository, or its image; where none is named, the newest of what it follows."""
    app, form = where.app, await typed(request)
    try:
        asked = await request_deployment(
            parts.store,
            parts.queue,
            where,
            ref=_ref(form),
            tag=_tag(form),
            actor=actor,
            skips_tests=form.is_on("skip_tests"),
        )
    except (BadInput, Conflict) as error:
        return await _refused(request, parts, actor, where, form, error)
    return go(request, f"/apps/{app}/deployments/{asked.number}")


@post("/apps/{slug:str}/plan", opt=_DEPLOY)
async def plan(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    """What such a deployment would do. Nothing is deployed."""
    form = await typed(request)
    typed_again = Form(values={name: form.text(name) for name in _SHOWN})
    try:
        found = await foresee_deployment(
            parts.store,
            parts.links,
            where,
            ref=_ref(form),
            tag=_tag(form),
            skips_tests=form.is_on("skip_tests"),
            actor=actor,
        )
    except (BadInput, Conflict, NodeUnreachable, TooMany, Unavailable) as error:
        return await _refused(request, parts, actor, where, form, error)
    return await _page(request, parts, actor, where, typed_again, plan=found)


def _ref(form: Typed) -> Ref | None:
    text = form.text("ref").strip()
    return parse_ref(text) if text else None


def _tag(form: Typed) -> str | None:
    text = form.text("tag").strip()
    return parse_tag(text) if text else None


async def _refused(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, form: Typed, refusal: BakeryError
) -> Response[str]:
    """Where nothing is followed there is no field that it could be said of."""
    shown = () if (await show_source(parts.store, where, actor=actor)).kind is SourceKind.FOLDER else _SHOWN
    return await _page(request, parts, actor, where, form.refused(refusal, shown=shown), status=status_of(refusal))


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    form: Form,
    *,
    status: int = 200,
    plan: Foreseen | None = None,
) -> Response[str]:
    source = await show_source(parts.store, where, actor=actor)
    url = url_of(request)
    return await render_page(
        request,
        "apps/deploy.html",
        deploy_page(where.app, source, form, plan),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Deploy")],
        status=status,
    )


ROUTES = (show, deploy, plan)
