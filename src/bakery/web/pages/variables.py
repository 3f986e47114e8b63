"""An app's variables: the list, one of them, all as a text, what was changed when; and applying them."""

from collections.abc import Mapping
from typing import Annotated

from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from bakery.delivery.apply import apply_variables
from bakery.delivery.apps import show_app
from bakery.delivery.pending import what_is_not_live
from bakery.delivery.variables import (
    Saved,
    SavedVersion,
    Setting,
    change_variables,
    editable_text,
    export_variables,
    import_variables,
    list_variables,
    list_versions,
    restore_version,
    reveal,
)
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, ChangedMeanwhile, Conflict
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.variables import LARGEST_SET, VariableName, parse_scope, parse_value, parse_variable_name
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import now
from bakery.web.paths import number_in, searched
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.refusals import why_not
from bakery.web.presenters.variables import SCOPES, clash_of, not_live, variable_rows, version_row
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Clash, Form
from bakery.web.views.shell import Crumb, Toast
from bakery.web.views.variables import BulkPage, VariableForm, VariablesPage, VersionsPage

_READ = {"permission": Permission.READ}
_ACT = {"permission": Permission.DEPLOY}
_SEE = {"permission": Permission.SEE_VALUES}
_LONGEST = 2 * LARGEST_SET  # characters: names, quotes and line ends come with the values


@get("/apps/{slug:str}/variables", opt=_READ)
async def show_variables(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    q: str = "",
    edit: str = "",
    new: Annotated[str, Parameter(max_length=1)] = "",
) -> Response[str]:
    """`edit` names the variable whose form is open; `new` opens that of another one."""
    form = await _form_of(parts, actor, where, edit) if edit or new else None
    return await _page(request, parts, actor, where, q=searched(q), edit=form)


@post("/apps/{slug:str}/variables", opt=_ACT)
async def save_variable(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    app, form = where.app, await typed(request, longest=_LONGEST)
    if form.text("answer") == "theirs":
        return go(request, f"/apps/{app}/variables")
    try:
        wanted = await _wanted(parts, actor, where, form)
        saved = await change_variables(parts.store, where, [wanted], made_from=form.made_from, actor=actor)
    except ChangedMeanwhile as error:
        clash = await _clash(parts, actor, where, form, names={form.text("name")})
        version = (await list_variables(parts.store, where, actor=actor)).version
        again = _again(form, version, Form(values=_kept(form)), clash)
        return await _page(request, parts, actor, where, edit=again, status=status_of(error))
    except BadInput as error:
        version = number_in(form.text("version")) or 0
        refused = form.refused(error, shown=tuple(_kept(form)), hidden=("value",))
        return await _page(request, parts, actor, where, edit=_again(form, version, refused), status=status_of(error))
    return _done(request, where, saved)


@post("/apps/{slug:str}/variables/unset", opt=_ACT)
async def unset_variable(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Redirect:
    form = await typed(request)
    return _done(request, where, await change_variables(parts.store, where, [], unset=[form.text("name")], actor=actor))


@post("/apps/{slug:str}/variables/reveal", opt=_SEE)
async def reveal_variable(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    """The page with this one value in clear; a script takes the row from it, and the row as it was 30 s later."""
    form = await typed(request)
    found = await reveal(parts.store, where, [form.text("name")], actor=actor)
    return await _page(request, parts, actor, where, revealed=found)


@post("/apps/{slug:str}/variables/export", opt=_SEE)
async def export(parts: Parts, actor: Actor, where: AppAt) -> Response[bytes]:
    app = where.app
    text = await export_variables(parts.store, where, actor=actor)
    headers = {"content-disposition": f'attachment; filename="{app}.env"', "cache-control": "no-store"}
    return Response(text.reveal().encode(), status_code=200, media_type="text/plain; charset=utf-8", headers=headers)


@get("/apps/{slug:str}/variables/bulk", opt=_ACT)
async def show_bulk(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    text, version = await editable_text(parts.store, where, actor=actor)
    return await _bulk(request, parts, actor, where, version, Form(values={"text": text.reveal()}))


@post("/apps/{slug:str}/variables/bulk", opt=_ACT)
async def save_bulk(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    app, form = where.app, await typed(request, longest=_LONGEST)
    if form.text("answer") == "theirs":
        return go(request, f"/apps/{app}/variables/bulk")
    values = {"text": form.text("text")}
    try:
        saved = await import_variables(
            parts.store, where, form.secret("text"), replaces=True, made_from=form.made_from, actor=actor
        )
    except ChangedMeanwhile as error:
        version = (await list_variables(parts.store, where, actor=actor)).version
        clash = await _clash(parts, actor, where, form, names=None)
        return await _bulk(
            request, parts, actor, where, version, Form(values=values), clash=clash, status=status_of(error)
        )
    except BadInput as error:
        version = number_in(form.text("version")) or 0
        refused = form.refused(error, shown=("text",))
        return await _bulk(request, parts, actor, where, version, refused, status=status_of(error))
    return _done(request, where, saved)


@get("/apps/{slug:str}/variables/history", opt=_READ)
async def show_history(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, after: str = "") -> Response[str]:
    app, start, url = where.app, searched(after), url_of(request)
    newest = (await list_variables(parts.store, where, actor=actor)).version
    found = await list_versions(parts.store, where, actor=actor, after=start)
    here, at = f"/apps/{app}/variables/history", now()
    page = VersionsPage(
        app=app,
        tabs=app_tabs(app, "variables", url),
        rows=[version_row(version, newest, at) for version in found.items],
        newest=newest,
        next=url(here, after=found.next) if found.next else None,
        first=url(here) if start else None,
        why_not_change=why_not(actor, Permission.DEPLOY),
    )
    crumbs = [*_crumbs(request, where), Crumb("Variables", url(f"/apps/{app}/variables")), Crumb("History")]
    return await render_page(request, "apps/variables_history.html", page, here=f"app:{app}", crumbs=crumbs)


@post("/apps/{slug:str}/variables/restore", opt=_ACT)
async def restore(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Redirect:
    app, form = where.app, await typed(request)
    number = number_in(form.text("number")) or 0
    saved = await restore_version(parts.store, where, number, made_from=form.made_from, actor=actor)
    return go(request, f"/apps/{app}/variables", said="variables-restored" if saved.difference else "variables-same")


@post("/apps/{slug:str}/apply", opt=_ACT)
async def apply(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    app = where.app
    try:
        made = await apply_variables(parts.store, parts.queue, where, actor=actor)
    except Conflict as error:
        return await _page(request, parts, actor, where, refusal=error, status=status_of(error))
    return go(request, f"/apps/{app}/deployments/{made.number}")


async def _wanted(parts: Parts, actor: Actor, where: AppAt, form: Typed) -> Setting:
    """What the form says that is not as it is stored. A text area has line ends of its own, and of a secret it shows
    nothing: what is left empty there stays."""
    name = parse_variable_name(form.text("name").strip())
    value = parse_value(Secret(form.text("value").replace("\r\n", "\n")))
    found = await list_variables(parts.store, where, actor=actor)
    stored = next((row for row in found.rows if row.name == name), None)
    if stored is not None and form.text("editing") == name:
        is_as_shown = not value if stored.value is None else _shown(stored.value) == value.reveal()
        return Setting(name, None if is_as_shown else value, parse_scope(form.text("scope")), form.is_on("secret"))
    if stored is not None:
        raise BadInput(f"There is already a variable {name}.", field="name")
    return Setting(name, value, parse_scope(form.text("scope")), form.is_on("secret"))


def _shown(value: Secret) -> str:
    return value.reveal().replace("\r\n", "\n")


async def _form_of(parts: Parts, actor: Actor, where: AppAt, name: str) -> VariableForm:
    found = await list_variables(parts.store, where, actor=actor)
    row = next((row for row in found.rows if row.name == name), None)
    if row is None:
        return VariableForm(Form(values={"scope": "run"}), found.version)
    values = {"name": row.name, "value": row.value.reveal() if row.value is not None else "", "scope": row.scope}
    return VariableForm(Form(values=values), found.version, row.name, row.is_secret)


def _again(form: Typed, version: int, shown: Form, clash: Clash | None = None) -> VariableForm:
    return VariableForm(shown, version, form.text("editing"), form.is_on("secret"), clash)


def _kept(form: Typed) -> dict[str, str]:
    """What comes back in the page: of a secret, its value is typed anew."""
    return {name: form.text(name) for name in ("name", "scope", *(() if form.is_on("secret") else ("value",)))}


async def _clash(parts: Parts, actor: Actor, where: AppAt, form: Typed, *, names: set[str] | None) -> Clash:
    made_from = number_in(form.text("version")) or 0
    found = await list_versions(parts.store, where, actor=actor)
    since: list[SavedVersion] = [version for version in found.items if version.number > made_from]
    return clash_of(since, names, by=actor.label, now=now())


def _done(request: WebRequest, where: AppAt, saved: Saved) -> Redirect:
    return go(request, f"/apps/{where.app}/variables", said="variables-saved" if saved.difference else "variables-same")


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    q: str = "",
    edit: VariableForm | None = None,
    revealed: Mapping[VariableName, Secret] | None = None,
    refusal: BakeryError | None = None,
    status: int = 200,
) -> Response[str]:
    url = url_of(request)
    found = await list_variables(parts.store, where, actor=actor)
    pending = await what_is_not_live(parts.store, where, actor=actor)
    rows = variable_rows((row for row in found.rows if q.lower() in row.name.lower()), revealed or {}, pending, now())
    page = VariablesPage(
        app=where.app,
        tabs=app_tabs(where.app, "variables", url),
        rows=rows,
        total=len(found.rows),
        filters=Form(values={"q": q}),
        scopes=SCOPES,
        not_live=not_live(pending) if pending else None,
        edit=edit,
        why_not_change=why_not(actor, Permission.DEPLOY),
        why_not_see=why_not(actor, Permission.SEE_VALUES),
    )
    return await render_page(
        request,
        "apps/variables.html",
        page,
        here=f"app:{where.app}",
        crumbs=[*_crumbs(request, where), Crumb("Variables")],
        toasts=[Toast("bad", f"{refusal.message} {refusal.hint}".strip())] if refusal else [],
        status=status,
    )


async def _bulk(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    version: int,
    form: Form,
    *,
    clash: Clash | None = None,
    status: int = 200,
) -> Response[str]:
    await show_app(parts.store, where, actor=actor)
    url = url_of(request)
    page = BulkPage(app=where.app, tabs=app_tabs(where.app, "variables", url), version=version, form=form, clash=clash)
    crumbs = [*_crumbs(request, where), Crumb("Variables", url(f"/apps/{where.app}/variables")), Crumb("All as text")]
    return await render_page(
        request, "apps/variables_bulk.html", page, here=f"app:{where.app}", crumbs=crumbs, status=status
    )


def _crumbs(request: WebRequest, where: AppAt) -> list[Crumb]:
    url = url_of(request)
    return [Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}"))]


ROUTES = (
    show_variables,
    save_variable,
    unset_variable,
    reveal_variable,
    export,
    show_bulk,
    save_bulk,
    show_history,
    restore,
    apply,
)
