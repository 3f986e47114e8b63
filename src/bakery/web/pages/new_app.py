"""Making an app: five sections on one page, whose draft is kept until the app is made or the draft is thrown away."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.drafts import Draft, discard_draft, is_name_free, keep_typed, read_draft
from bakery.delivery.new_app import WantedApp, make_app
from bakery.delivery.request import request_deployment
from bakery.github.app import has_app
from bakery.github.installations import accounts_of_app
from bakery.github.links import show_link
from bakery.hooks.provision import add_to_github
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind, parse_new_app, parse_slug
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.images import NewImage
from bakery.model.names import AppAt
from bakery.model.secret import Secret
from bakery.model.sources import NewSource, is_ssh
from bakery.model.variables import LARGEST_SET, parse_value, parse_variable_name
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import moment, now
from bakery.web.pages.app_source import with_hint
from bakery.web.pages.new_app_github import pick_repository, show_repositories
from bakery.web.pages.new_app_sections import look_at_draft, open_section_is_well, source_is_well
from bakery.web.pages.new_app_typed import (
    CREATE,
    FIELDS,
    REFUSALS,
    VALUE,
    Refusal,
    image_in,
    is_kept,
    keep,
    plain_in,
    section_in,
    source_in,
    typed_values,
)
from bakery.web.presenters.new_app import SECTIONS, Offers, new_app_page
from bakery.web.presenters.new_app_seen import Seen
from bakery.web.rendering import go, render_page, render_partial, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_SECTION_OF = {name: section for section, names in FIELDS.items() for name in names} | {
    "token": "source", "ref": "source", "repo": "source", "text": "variables",
}  # fmt: skip
_ORDER = tuple(SECTIONS)


@get("/apps/new", opt=CREATE)
async def show_new(request: WebRequest, parts: Parts, actor: Actor, at: str = "") -> Response[str]:
    return await _page(request, parts, actor, at=at)


@post("/apps/new", opt=CREATE)
async def create(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """Whatever was pressed, what was typed is kept first. `do` is `next`, `save`, `create`, `deploy`, or `to-` and the
    section to open."""
    form = await typed(request, longest=LARGEST_SET)
    step, section = form.text("do") or "create", section_in(form)
    try:
        draft = await keep(parts, form, section, actor)
        if step in {"create", "deploy"}:
            await open_section_is_well(parts, draft, section, actor)
            draft = await read_draft(parts.store, actor=actor)
            return await _make(request, parts, draft, actor, deploys=step == "deploy")
        if step == "next":
            return await _go_on(request, parts, draft, section, actor)
    except REFUSALS as error:
        return await _refused(request, parts, actor, form, section, error)
    if step == "save":
        return go(request, f"/apps/new?at={section}", said="draft-saved")
    return go(request, f"/apps/new?at={step.removeprefix('to-')}")


@post("/apps/new/draft", opt=CREATE)
async def keep_draft(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """As it is typed. What is not well yet is said when the section is left; a token waits until then too."""
    form = await typed(request, longest=LARGEST_SET)
    fields = {name: text for name, text in plain_in(form, section_in(form)).items() if is_kept(name, text)}
    values = {}
    for name, text in typed_values(form):
        try:
            values[parse_variable_name(name)] = parse_value(Secret(text))
        except BadInput:
            continue
    at = now()
    try:
        draft = await keep_typed(parts.store, fields, variables=values, began=form.text("began"), actor=actor)
    except Conflict as error:
        return render_partial(request, "apps/_draft.html", began=form.text("began"), gone=error.message)
    return render_partial(request, "apps/_draft.html", began=draft.began, saved=moment(draft.saved_at or at, at))


@post("/apps/new/discard", opt=CREATE)
async def discard(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    await discard_draft(parts.store, actor=actor)
    return go(request, "/apps/new", said="draft-discarded")


async def _go_on(
    request: WebRequest, parts: Parts, draft: Draft, section: str, actor: Actor
) -> Response[str] | Redirect:
    """The section is well: the next one opens."""
    if section == "source":
        draft = await source_is_well(parts, draft, actor)
    else:
        await open_section_is_well(parts, draft, section, actor)
    place = _ORDER.index(section) + 1
    reached = max(place, (await look_at_draft(parts, draft, section, actor)).reached)
    await keep_typed(parts.store, {"reached": str(reached)}, actor=actor)
    return go(request, f"/apps/new?at={_ORDER[min(place, len(_ORDER) - 1)]}")


async def _make(request: WebRequest, parts: Parts, draft: Draft, actor: Actor, *, deploys: bool) -> Redirect:
    """What comes next is to watch it go live, or to say how it does."""
    seen = await look_at_draft(parts, draft, "review", actor)
    try:
        made = await make_app(parts.store, parts.links, _wanted(seen, actor), actor=actor)
    except Conflict as error:
        if "already an app" not in error.message:
            raise
        raise BadInput(error.message, field="slug", hint=error.hint) from error
    at = AppAt(made.slug)
    untold = None if await _add_hook(parts, seen, at, actor) else "app-without-hook"
    if deploys and seen.kind != SourceKind.FOLDER:
        skips = bool(draft.text("skip_tests"))
        asked = await request_deployment(parts.store, parts.queue, at, actor=actor, skips_tests=skips)
        await discard_draft(parts.store, actor=actor)
        return go(
            request,
            f"/apps/{made.slug}/deployments/{asked.number}",
            said=untold or "app-deploying",
        )
    await discard_draft(parts.store, actor=actor)
    if seen.kind == SourceKind.FOLDER:
        return go(request, f"/apps/{made.slug}/deploy", said="app-created")
    return go(request, f"/apps/{made.slug}", said=untold or "app-to-deploy")


async def _add_hook(parts: Parts, seen: Seen, at: AppAt, actor: Actor) -> bool:
    """The app is there whatever GitHub says: why it refused is told where it is tried again."""
    if seen.kind != SourceKind.GIT or source_in(seen.draft, actor).github_person is None:
        return True
    try:
        await add_to_github(parts.store, at, base=parts.general.base_url, actor=actor)
    except BakeryError:
        return False
    return True


def _wanted(seen: Seen, actor: Actor) -> WantedApp:
    draft = seen.draft
    chosen = draft.text("runtime") if seen.kind != SourceKind.IMAGE else ""
    new = parse_new_app(
        slug=draft.text("slug"),
        name=draft.text("name"),
        runtime=chosen or seen.runtime,
        command=draft.text("command"),
        health=draft.text("health"),
        node=draft.text("node") or (seen.node.slug if seen.node else ""),
    )
    source: NewSource | NewImage | None = None
    if seen.kind == SourceKind.GIT:
        source = source_in(draft, actor)
    elif seen.kind == SourceKind.IMAGE:
        source = image_in(draft)
    key = draft.key if isinstance(source, NewSource) and is_ssh(source.url) else None
    return WantedApp(new, source, key, draft.variables)


async def _refused(
    request: WebRequest, parts: Parts, actor: Actor, form: Typed, section: str, error: Refusal
) -> Response[str]:
    """The section with the field that is wrong opens again."""
    told: BakeryError = error
    if isinstance(error, BadInput) and error.field in {"repo", "ref"}:
        told = BadInput(error.message, field="url", hint=error.hint)
    field = told.field if isinstance(told, BadInput) else ""
    at = "variables" if field.startswith(VALUE) else _SECTION_OF.get(field, section)
    shown = [name for name in (*FIELDS[at], "text") if name in form.values]
    if field.startswith(VALUE):
        refused = Form(errors={field: told.message})
    else:
        refused = form.refused(told, shown=shown, hidden=(field,) if field in _SECTION_OF else ())
    return await _page(request, parts, actor, at=at, form=with_hint(refused, told), status=status_of(error))


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, *, at: str, form: Form | None = None, status: int = 200
) -> Response[str]:
    draft = await read_draft(parts.store, actor=actor)
    seen = await look_at_draft(parts, draft, at, actor)
    if at not in SECTIONS or (form is None and _ORDER.index(at) > seen.reached):
        at = _ORDER[min(seen.reached, len(_ORDER) - 1)]
    slug = draft.text("slug")
    free = bool(slug) and at == "address" and await _is_free(parts, slug, actor)
    seen = Seen(draft, seen.nodes, at, name_is_free=free)
    link = await show_link(parts.store, actor=actor)
    offers = Offers(link, has_app=await has_app(parts.store), accounts=await accounts_of_app(parts.store, actor=actor))
    page = new_app_page(seen, form, offers, now=now())
    crumbs = [Crumb("Apps", url_of(request)("/apps")), Crumb("New app")]
    return await render_page(request, "apps/new.html", page, here="apps", crumbs=crumbs, status=status)


async def _is_free(parts: Parts, text: str, actor: Actor) -> bool:
    try:
        return await is_name_free(parts.store, parse_slug(text), actor=actor)
    except BadInput:
        return False


ROUTES = (show_new, create, keep_draft, show_repositories, pick_repository, discard)
