"""The pages before sign-in: setup, login, second factor, a forgotten password, links from an Admin."""

from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.access import invitations
from bakery.access.resets import look_at_reset_link, use_reset_link
from bakery.access.second_factor import challenge
from bakery.access.sessions import SignedIn, sign_in, sign_out
from bakery.access.setup import create_first_admin, is_set_up
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict, NotAllowed, TooMany
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.addresses import local_path
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import retry_after, status_of
from bakery.web.forms import typed
from bakery.web.identity import session_cookie
from bakery.web.moments import moment, now
from bakery.web.rendering import go, render_gate, render_second_factor
from bakery.web.views.forms import Form
from bakery.web.views.gate import ForgotPage, InvitePage, LoginPage, ResetPage, SetupPage

_PUBLIC = {"permission": Permission.PUBLIC}
_REFUSALS = (BadInput, TooMany, NotAllowed, Conflict)
_STAY = 30 * 24 * 3600


@get("/setup", opt=_PUBLIC)
async def show_setup(request: WebRequest, parts: Parts) -> Response[str] | Redirect:
    if await _has_admin(parts):
        return go(request, "/login")
    return render_gate(
        request, "setup.html", SetupPage(Form(values={"code": str(request.query_params.get("code", ""))}))
    )


@post("/setup", opt=_PUBLIC)
async def make_first_admin(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        signed_in = await create_first_admin(
            parts.store,
            code=form.text("code"),
            email=form.text("email"),
            password=form.secret("password"),
            origin=actor.origin,
            user_agent=_user_agent(request),
        )
    except _REFUSALS as error:
        page = SetupPage(form.refused(error, shown=("code", "email"), hidden=("password",)))
        return render_gate(request, "setup.html", page, status=status_of(error), headers=retry_after(error))
    parts.is_set_up = True
    return _enter(request, parts, signed_in, "/")


@get("/login", opt=_PUBLIC)
async def show_login(request: WebRequest, parts: Parts, actor: Actor, next: str = "/") -> Response[str] | Redirect:  # noqa: A002 - the address says so
    if not await _has_admin(parts):
        return go(request, "/setup")
    if actor.is_signed_in:
        return go(request, local_path(next))
    if actor.second_factor_due:
        return render_second_factor(request, wanted=next, status=200)
    return render_gate(request, "login.html", LoginPage(Form(), next=local_path(next)))


@post("/login", opt=_PUBLIC)
async def log_in(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    wanted = local_path(form.text("next"))
    try:
        signed_in = await sign_in(
            parts.store,
            form.text("email"),
            form.secret("password"),
            origin=actor.origin,
            user_agent=_user_agent(request),
            stay=form.is_on("stay"),
        )
    except _REFUSALS as error:
        page = LoginPage(form.refused(error, shown=("email", "stay"), hidden=("password",)), next=wanted)
        return render_gate(request, "login.html", page, status=status_of(error), headers=retry_after(error))
    if signed_in.second_factor_due:
        return _enter(request, parts, signed_in, f"/login?{urlencode({'next': wanted})}")
    return _enter(request, parts, signed_in, wanted)


@post("/login/2fa", opt={"permission": Permission.SECOND_FACTOR})
async def answer_challenge(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    wanted = local_path(form.text("next"))
    if actor.is_signed_in:
        return go(request, wanted)
    field = "recovery_code" if "recovery_code" in form.values else "code"
    try:
        signed_in = await challenge(parts.store, form.text(field), field=field, actor=actor)
    except _REFUSALS as error:
        refused = form.refused(error, shown=(), hidden=(field,))
        return render_second_factor(
            request, refused, wanted=wanted, status=status_of(error), headers=retry_after(error)
        )
    return _enter(request, parts, signed_in, wanted)


@post("/logout", opt=_PUBLIC)
async def log_out(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    if actor.session_id is not None:
        await sign_out(parts.store, actor=actor)
    response = go(request, "/login")
    response.set_cookie(session_cookie(parts, Secret(""), lasts=0))
    return response


@get("/forgot", opt=_PUBLIC)
async def show_forgot(request: WebRequest) -> Response[str]:
    return render_gate(request, "forgot.html", ForgotPage(command="bakery admin reset YOUR@EMAIL"))


@get("/reset/{token:str}", opt=_PUBLIC)
async def show_reset(request: WebRequest, parts: Parts, actor: Actor, token: str) -> Response[str]:
    link = await look_at_reset_link(parts.store, Secret(token), origin=actor.origin)
    return render_gate(
        request, "reset.html", _reset_page(request, token, link.email, link.clears_second_factor, Form())
    )


@post("/reset/{token:str}", opt=_PUBLIC)
async def reset(request: WebRequest, parts: Parts, actor: Actor, token: str) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        signed_in = await use_reset_link(
            parts.store,
            Secret(token),
            form.secret("password"),
            origin=actor.origin,
            user_agent=_user_agent(request),
        )
    except BadInput as error:
        link = await look_at_reset_link(parts.store, Secret(token), origin=actor.origin)
        refused = form.refused(error, shown=(), hidden=("password",))
        page = _reset_page(request, token, link.email, link.clears_second_factor, refused)
        return render_gate(request, "reset.html", page, status=status_of(error), headers=retry_after(error))
    return _enter(request, parts, signed_in, "/login" if signed_in.second_factor_due else "/")


@get("/invite/{token:str}", opt=_PUBLIC)
async def show_invitation(request: WebRequest, parts: Parts, actor: Actor, token: str) -> Response[str]:
    return await _invitation(request, parts, actor, token, Form())


@post("/invite/{token:str}", opt=_PUBLIC)
async def accept_invitation(request: WebRequest, parts: Parts, actor: Actor, token: str) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        signed_in = await invitations.accept_invitation(
            parts.store,
            Secret(token),
            name=form.text("name"),
            password=form.secret("password"),
            origin=actor.origin,
            user_agent=_user_agent(request),
        )
    except BadInput as error:
        refused = form.refused(error, shown=("name",), hidden=("password",))
        return await _invitation(request, parts, actor, token, refused, status=status_of(error))
    return _enter(request, parts, signed_in, "/")


async def _invitation(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    token: str,
    form: Form,
    *,
    status: int = 200,
) -> Response[str]:
    invitation = await invitations.look_at_invitation(parts.store, Secret(token), origin=actor.origin)
    page = InvitePage(
        form=form,
        action=request.app.state["urls"].url(f"/invite/{token}"),
        email=invitation.email,
        role=invitation.role.label,
        invited_by=invitation.invited_by or "An Admin",
        expires=moment(invitation.expires_at, now()),
    )
    return render_gate(request, "invite.html", page, status=status)


def _reset_page(request: WebRequest, token: str, email: str, clears: bool, form: Form) -> ResetPage:  # noqa: FBT001 - a fact, not a flag
    action = request.app.state["urls"].url(f"/reset/{token}")
    return ResetPage(form=form, action=action, email=email, resets_second_factor=clears)


async def _has_admin(parts: Parts) -> bool:
    if not parts.is_set_up:
        parts.is_set_up = await is_set_up(parts.store)
    return parts.is_set_up


def _enter(request: WebRequest, parts: Parts, signed_in: SignedIn, path: str) -> Redirect:
    response = go(request, path)
    response.set_cookie(session_cookie(parts, signed_in.token, lasts=_STAY if signed_in.stays else None))
    return response


def _user_agent(request: WebRequest) -> str:
    return request.headers.get("user-agent", "")


ROUTES = (
    show_setup,
    make_first_admin,
    show_login,
    log_in,
    answer_challenge,
    log_out,
    show_forgot,
    show_reset,
    reset,
    show_invitation,
    accept_invitation,
)
