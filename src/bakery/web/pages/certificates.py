"""What is done with an app's certificates, which its page of domains shows."""

from litestar import Response, post
from litestar.response import Redirect

from bakery.ingress.certificates import ask_again, remove_certificate, upload_certificate
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.pages.domains import domains_answer
from bakery.web.rendering import go
from bakery.web.views.forms import Form

_CHANGE = {"permission": Permission.DEPLOY}
_LONGEST_PEM = 200_000


@post("/apps/{slug:str}/certificates", opt=_CHANGE)
async def upload(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request, longest=_LONGEST_PEM)
    pem, key = form.text("certificate"), form.secret("key")
    try:
        await upload_certificate(parts.store, parts.queue, parts.links, where, pem, key, actor=actor)
    except (BadInput, Conflict) as error:
        told = BadInput(f"{error.message} {error.hint}".strip(), field="certificate")
        refused = form.refused(told, shown=("certificate",))
        return await domains_answer(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/domains", said="certificate-uploaded")


@post("/apps/{slug:str}/certificates/renew", opt=_CHANGE)
async def renew(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await ask_again(parts.store, parts.queue, where, anew=form.is_on("anew"), actor=actor)
    except Conflict as error:
        return await _refused(request, parts, actor, where, error)
    return go(request, f"/apps/{where.app}/domains", said="certificate-asked")


@post("/apps/{slug:str}/certificates/remove", opt=_CHANGE)
async def remove(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    number = form.text("certificate")
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise NotFound("The app has no such certificate.")
    try:
        await remove_certificate(parts.store, parts.queue, where, int(number), actor=actor)
    except Conflict as error:
        return await _refused(request, parts, actor, where, error)
    return go(request, f"/apps/{where.app}/domains", said="certificate-removed")


async def _refused(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, error: Conflict
) -> Response[str] | Redirect:
    form = Form(problem=f"{error.message} {error.hint}".strip())
    return await domains_answer(request, parts, actor, where, form=form, status=status_of(error))


ROUTES = (upload, renew, remove)
