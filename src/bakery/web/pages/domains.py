"""The domains of an app: which there are, what the DNS says of them, attaching and removing one."""

from collections.abc import Awaitable, Callable

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.ingress.certificates import list_certificates
from bakery.ingress.domains import attach_domain, attached_host, list_domains, make_primary, remove_domain
from bakery.ingress.looking import verify_domain
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict
from bakery.model.host_names import parse_domain_name
from bakery.model.names import AppAt, HostName
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.presenters.domains import domains_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_CHANGE = {"permission": Permission.DEPLOY}
_SHOWN = ("host",)
_Act = Callable[[HostName], Awaitable[object]]


@get("/apps/{slug:str}/domains", opt={"permission": Permission.READ})
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    return await domains_answer(request, parts, actor, where)


@post("/apps/{slug:str}/domains", opt=_CHANGE)
async def add(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        name = parse_domain_name(form.text("host"))
        await attach_domain(parts.store, parts.queue, where, name, actor=actor)
    except (BadInput, Conflict) as error:
        told = BadInput(f"{error.message} {error.hint}".strip(), field="host")
        refused = form.refused(told, shown=_SHOWN)
        return await domains_answer(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/domains", said="domain-attached")


@post("/apps/{slug:str}/domains/verify", opt=_CHANGE)
async def verify(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    async def act(host: HostName) -> object:
        return await verify_domain(parts.store, parts.dns, where, host, actor=actor)

    return await _do(request, parts, actor, where, act, said="domain-verified")


@post("/apps/{slug:str}/domains/primary", opt=_CHANGE)
async def primary(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    async def act(host: HostName) -> object:
        return await make_primary(parts.store, parts.queue, where, host, actor=actor)

    return await _do(request, parts, actor, where, act, said="domain-primary")


@post("/apps/{slug:str}/domains/remove", opt=_CHANGE)
async def remove(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    async def act(host: HostName) -> object:
        await remove_domain(parts.store, parts.queue, where, host, actor=actor)
        return None

    return await _do(request, parts, actor, where, act, said="domain-removed")


async def _do(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, act: _Act, *, said: str
) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await act(attached_host(form.text("host")))
    except Conflict as error:
        refused = Form(problem=f"{error.message} {error.hint}".strip())
        return await domains_answer(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/domains", said=said)


async def domains_answer(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    """With its certificates. The form is that which was refused."""
    app = await show_app(parts.store, where, actor=actor)
    found = await list_domains(parts.store, where, actor=actor)
    certificates = await list_certificates(parts.store, where, actor=actor)
    url = url_of(request)
    return await render_page(
        request,
        "apps/domains.html",
        domains_page(app, found, certificates, form=form or Form(), actor=actor, url=url, now=now()),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Domains")],
        status=status,
    )


ROUTES = (show, add, verify, primary, remove)
