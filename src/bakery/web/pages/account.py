"""One's own account: profile, security, sessions, tokens, preferences."""

from collections.abc import Sequence
from datetime import datetime

import segno
from litestar import Response, get, post
from litestar.response import Redirect
from markupsafe import Markup

from bakery.access import second_factor
from bakery.access.people import change_password, change_preferences, change_profile, preferences_of
from bakery.access.sessions import end_other_sessions, end_session, list_sessions
from bakery.access.tokens import ApiToken, NewToken, create_token, list_tokens, revoke_token
from bakery.delivery.fleet import sidebar
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict, NotAllowed, TooMany
from bakery.model.permissions import Permission, Scope
from bakery.model.user_agents import name_of_browser
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import retry_after, status_of
from bakery.web.forms import typed
from bakery.web.moments import moment, now
from bakery.web.rendering import go, render_page
from bakery.web.views import account as views
from bakery.web.views.forms import Form, Option
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.OWN_ACCOUNT}
_REFUSALS = (BadInput, TooMany, NotAllowed, Conflict)
_EXPIRIES = (
    Option("7", "in 7 days"),
    Option("30", "in 30 days"),
    Option("90", "in 90 days"),
    Option("365", "in a year"),
)


@get("/account", opt=_OPT)
async def show_account(request: WebRequest) -> Redirect:
    return go(request, "/account/profile")


@get("/account/profile", opt=_OPT)
async def show_profile(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    person = await preferences_of(parts.store, actor=actor)
    return await _profile(request, parts, actor, Form(values={"name": person.name}))


@post("/account/profile", opt=_OPT)
async def save_profile(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await change_profile(parts.store, name=form.text("name"), actor=actor)
    except _REFUSALS as error:
        return await _profile(request, parts, actor, form.refused(error, shown=("name",)), error)
    return go(request, "/account/profile", said="profile-saved")


@get("/account/security", opt=_OPT)
async def show_security(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _security(request, parts, actor)


@post("/account/security/password", opt=_OPT)
async def save_password(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await change_password(
            parts.store, current=form.secret("current_password"), new=form.secret("password"), actor=actor
        )
    except _REFUSALS as error:
        refused = form.refused(error, shown=(), hidden=("current_password", "password"))
        return await _security(request, parts, actor, password=refused, error=error)
    return go(request, "/account/security", said="password-changed")


@post("/account/security/second-factor", opt=_OPT)
async def begin_second_factor(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    begun = await second_factor.begin_enrolment(parts.store, actor=actor)
    return await _security(request, parts, actor, enrolment=_enrolment(begun, Form()))


@post("/account/security/second-factor/confirm", opt=_OPT)
async def confirm_second_factor(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    form = await typed(request)
    try:
        codes = await second_factor.confirm_enrolment(parts.store, form.text("code"), actor=actor)
    except (BadInput, TooMany) as error:
        begun = await second_factor.pending_enrolment(parts.store, actor=actor)
        refused = form.refused(error, shown=(), hidden=("code",))
        return await _security(request, parts, actor, enrolment=_enrolment(begun, refused), error=error)
    return await _security(request, parts, actor, codes=[code.reveal() for code in codes])


@post("/account/security/second-factor/off", opt=_OPT)
async def change_second_factor(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        if form.text("answer") == "codes":
            codes = await second_factor.renew_recovery_codes(
                parts.store, password=form.secret("password"), code=form.text("code"), actor=actor
            )
            return await _security(request, parts, actor, codes=[code.reveal() for code in codes])
        await second_factor.turn_off(parts.store, password=form.secret("password"), code=form.text("code"), actor=actor)
    except _REFUSALS as error:
        refused = form.refused(error, shown=(), hidden=("password", "code"))
        return await _security(request, parts, actor, turn_off=refused, error=error)
    return go(request, "/account/security", said="second-factor-off")


@get("/account/sessions", opt=_OPT)
async def show_sessions(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    at = now()
    rows = [
        views.SessionRow(
            id=session.id,
            browser=name_of_browser(session.user_agent),
            address=session.address,
            started=moment(session.created_at, at),
            seen=moment(session.last_seen_at, at),
            current=session.is_current,
        )
        for session in await list_sessions(parts.store, actor=actor)
    ]
    return await _page(request, "sessions", views.SessionsPage(rows, topic=f"person:{actor.person_id}"))


@post("/account/sessions/{session_id:int}/end", opt=_OPT)
async def end_one_session(request: WebRequest, parts: Parts, actor: Actor, session_id: int) -> Redirect:
    await end_session(parts.store, session_id, actor=actor)
    return go(request, "/account/sessions", said="session-ended")


@post("/account/sessions/end-others", opt=_OPT)
async def end_others(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    await end_other_sessions(parts.store, actor=actor)
    return go(request, "/account/sessions", said="sessions-ended")


@get("/account/tokens", opt=_OPT)
async def show_tokens(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _tokens(request, parts, actor, Form(values={"scope": "deploy", "expires": "90"}))


@post("/account/tokens", opt=_OPT)
async def make_token(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    form = await typed(request)
    try:
        made = await create_token(
            parts.store,
            form.text("name"),
            _scope(form.text("scope")),
            app=form.text("app") or None,
            days=_days(form.text("expires")),
            code=form.text("code"),
            actor=actor,
        )
    except _REFUSALS as error:
        refused = form.refused(error, shown=("name", "scope", "app", "expires"), hidden=("code",))
        return await _tokens(request, parts, actor, refused, error=error)
    return await _tokens(request, parts, actor, Form(values={"scope": "deploy", "expires": "90"}), made=made)


@post("/account/tokens/{token_id:int}/revoke", opt=_OPT)
async def end_token(request: WebRequest, parts: Parts, actor: Actor, token_id: int) -> Redirect:
    await revoke_token(parts.store, token_id, actor=actor)
    return go(request, "/account/tokens", said="token-revoked")


@get("/account/preferences", opt=_OPT)
async def show_preferences(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    person = await preferences_of(parts.store, actor=actor)
    values = {"theme": person.theme, "shortcuts": "on" if person.shortcuts else ""}
    return await _page(request, "preferences", views.PreferencesPage(Form(values=values)))


@post("/account/preferences", opt=_OPT)
async def save_preferences(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await change_preferences(parts.store, theme=form.text("theme"), shortcuts=form.is_on("shortcuts"), actor=actor)
    except BadInput as error:
        page = views.PreferencesPage(form.refused(error, shown=("theme", "shortcuts")))
        return await _page(request, "preferences", page, status=status_of(error))
    return go(request, "/account/preferences", said="preferences-saved")


async def _profile(
    request: WebRequest, parts: Parts, actor: Actor, form: Form, error: BakeryError | None = None
) -> Response[str]:
    person = await preferences_of(parts.store, actor=actor)
    page = views.ProfilePage(
        form=form,
        email=person.email,
        role=person.role.label,
        apps="All apps" if person.all_apps else ", ".join(person.apps) or "None yet. An Admin can grant some.",
        since=moment(person.created_at, now()),
    )
    return await _page(request, "profile", page, status=status_of(error) if error else 200)


async def _security(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    *,
    password: Form | None = None,
    turn_off: Form | None = None,
    enrolment: views.Enrolment | None = None,
    codes: Sequence[str] = (),
    error: BakeryError | None = None,
) -> Response[str]:
    person = await preferences_of(parts.store, actor=actor)
    page = views.SecurityPage(
        password=password or Form(),
        turn_off=turn_off or Form(),
        has_second_factor=person.has_second_factor,
        password_changed=moment(person.password_changed_at, now()),
        enrolment=enrolment,
        recovery_left=person.recovery_codes_left,
        recovery_codes=codes,
        password_change_due=person.password_change_due,
    )
    return await _page(request, "security", page, status=status_of(error) if error else 200, error=error)


def _enrolment(begun: second_factor.Enrolment, form: Form) -> views.Enrolment:
    """The code as a picture that needs no script and no style."""
    picture = segno.make(begun.uri.reveal(), micro=False).svg_inline(scale=4, border=4, dark="#000", light="#fff")
    return views.Enrolment(form=form, qr=Markup(picture), secret=begun.secret.reveal())  # noqa: S704 - segno's own SVG


async def _tokens(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    form: Form,
    *,
    made: NewToken | None = None,
    error: BakeryError | None = None,
) -> Response[str]:
    at = now()
    apps = await sidebar(parts.store, actor)
    page = views.TokensPage(
        tokens=[_token_row(token, at) for token in await list_tokens(parts.store, actor=actor)],
        topic=f"person:{actor.person_id}",
        form=form,
        scopes=[
            Option("deploy", "Deploy", "Start deployments and follow them; for CI."),
            Option("read", "Read", "See what you see, change nothing."),
            Option("admin", "Everything", "All that you may do."),
        ],
        apps=[Option("", "all apps"), *(Option(app.slug, app.name) for app in apps.apps)],
        expiries=_EXPIRIES,
        created=views.NewToken(made.token.name, made.secret.reveal()) if made else None,
        needs_code=await second_factor.has_second_factor(parts.store, actor=actor),
    )
    return await _page(request, "tokens", page, status=status_of(error) if error else 200, error=error)


def _token_row(token: ApiToken, at: datetime) -> views.TokenRow:
    return views.TokenRow(
        id=token.id,
        name=token.name,
        scope=f"{token.scope}, {token.app} only" if token.app else str(token.scope),
        prefix=token.prefix,
        created=moment(token.created_at, at),
        expires=moment(token.expires_at, at),
        used=moment(token.last_used_at, at) if token.last_used_at else None,
        is_expired=token.is_expired,
    )


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise BadInput("Choose deploy, read or admin.", field="scope") from None


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise BadInput("Choose in how many days it ends.", field="expires")
    return int(text)


async def _page(
    request: WebRequest,
    name: str,
    page: object,
    *,
    status: int = 200,
    error: BakeryError | None = None,
) -> Response[str]:
    response = await render_page(
        request,
        f"account/{name}.html",
        page,
        here="account",
        crumbs=[Crumb("Account", request.app.state["urls"].url("/account/profile")), Crumb(name.capitalize())],
        status=status,
    )
    response.headers.update(retry_after(error) if error else {})
    return response


ROUTES = (
    show_account,
    show_profile,
    save_profile,
    show_security,
    save_password,
    begin_second_factor,
    confirm_second_factor,
    change_second_factor,
    show_sessions,
    end_one_session,
    end_others,
    show_tokens,
    make_token,
    end_token,
    show_preferences,
    save_preferences,
)
