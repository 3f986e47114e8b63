"""A command line asks to be let in; the person compares the code and decides."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.access.cli_login import confirm_cli_login, look_at_cli_login, refuse_cli_login
from bakery.access.second_factor import has_second_factor
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, NotFound, TooMany
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import retry_after, status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import moment, now
from bakery.web.rendering import go, render_gate
from bakery.web.views.forms import Form
from bakery.web.views.gate import CliConfirmPage, CliRequest

_OPT = {"permission": Permission.OWN_ACCOUNT}


@get("/cli", opt=_OPT)
async def show_cli(request: WebRequest, parts: Parts, actor: Actor, code: str = "") -> Response[str]:
    form = Typed({"code": code}, {})
    if not code:
        return render_gate(request, "cli_confirm.html", CliConfirmPage(Form(), actor.label))
    try:
        return await _ask(request, parts, actor, code, Form())
    except (NotFound, TooMany) as error:
        return _ask_for_code(request, actor, form, error)


@post("/cli", opt=_OPT)
async def answer_cli(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    code = form.text("code")
    try:
        if form.text("answer") != "confirm":
            await refuse_cli_login(parts.store, code, actor=actor)
            return go(request, "/account/tokens", said="cli-refused")
        await confirm_cli_login(parts.store, code, second_factor_code=form.text("second_factor"), actor=actor)
    except BadInput as error:
        refused = form.refused(error, shown=(), hidden=("second_factor",))
        return await _ask(request, parts, actor, code, refused, status=status_of(error))
    except (NotFound, TooMany) as error:
        return _ask_for_code(request, actor, form, error)
    return go(request, "/account/tokens", said="cli-confirmed")


async def _ask(
    request: WebRequest, parts: Parts, actor: Actor, code: str, form: Form, *, status: int = 200
) -> Response[str]:
    waiting = await look_at_cli_login(parts.store, code, actor=actor)
    page = CliConfirmPage(
        form,
        actor.label,
        request=CliRequest(waiting.code, waiting.machine, waiting.address, moment(waiting.created_at, now())),
        needs_code=await has_second_factor(parts.store, actor=actor),
    )
    return render_gate(request, "cli_confirm.html", page, status=status)


def _ask_for_code(request: WebRequest, actor: Actor, form: Typed, error: BakeryError) -> Response[str]:
    page = CliConfirmPage(form.refused(error, shown=("code",)), actor.label)
    return render_gate(request, "cli_confirm.html", page, status=status_of(error), headers=retry_after(error))


ROUTES = (show_cli, answer_cli)
