"""Making an app: five sections on one page, whose draft is kept until the app is made or the draft is thrown away."""

import re
from collections.abc import Mapping

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.drafts import (
    Draft,
    deploy_key_of_draft,
    discard_draft,
    is_name_free,
    keep_finding,
    keep_typed,
    read_draft,
)
from bakery.delivery.findings import look_into
from bakery.delivery.new_app import WantedApp, make_app
from bakery.delivery.placing import why_no_app, why_no_build
from bakery.delivery.request import request_deployment
from bakery.delivery.variables import settings_in
from bakery.github.app import has_app
from bakery.github.installations import accounts_of_app
from bakery.github.links import show_link
from bakery.github.repositories import list_branches, list_repositories
from bakery.hooks.provision import add_to_github
from bakery.model.actor import Actor
from bakery.model.apps import (
    Runtime,
    SourceKind,
    parse_command,
    parse_health_path,
    parse_name,
    parse_new_app,
    parse_slug,
)
from bakery.model.errors import BadInput, BakeryError, Conflict, NodeUnreachable, NotFound, TooMany, Unavailable
from bakery.model.images import NewImage, parse_new_image
from bakery.model.names import AppAt, parse_app_name
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import NewSource, is_ssh, parse_branch, parse_new_source, server_of
from bakery.model.variables import LARGEST_SET, VariableName, parse_value, parse_variable_name
from bakery.nodes.catalogue import list_nodes
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import retry_after, status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import moment, now
from bakery.web.pages.app_source import with_hint
from bakery.web.presenters.github import choices_of, pick_page
from bakery.web.presenters.new_app import SECTIONS, Offers, Seen, name_from, new_app_page
from bakery.web.rendering import go, render_page, render_partial, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_CREATE = {"permission": Permission.CREATE_APP}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "source": ("kind", "url", "branch", "username", "image", "port"),
    "build": ("base", "runtime", "command", "health"),
    "address": ("node", "slug", "name", "skip_tests"),
    "variables": (),
    "review": (),
}
_SECTION_OF = {name: section for section, names in _FIELDS.items() for name in names} | {
    "token": "source", "ref": "source", "repo": "source", "text": "variables",
}  # fmt: skip
_ORDER = tuple(SECTIONS)
_VALUE = "value-"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST = 2000  # of a field that is no text of variables
_Refusal = BadInput | Conflict | NodeUnreachable | Unavailable | TooMany
_REFUSALS = (BadInput, Conflict, NodeUnreachable, Unavailable, TooMany)


@get("/apps/new", opt=_CREATE)
async def show_new(request: WebRequest, parts: Parts, actor: Actor, at: str = "") -> Response[str]:
    return await _page(request, parts, actor, at=at)


@post("/apps/new", opt=_CREATE)
async def create(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """Whatever was pressed, what was typed is kept first. `do` is `next`, `save`, `create`, `deploy`, or `to-` and the
    section to open."""
    form = await typed(request, longest=LARGEST_SET)
    step, section = form.text("do") or "create", _section_in(form)
    try:
        draft = await _keep(parts, form, section, actor)
        if step in {"create", "deploy"}:
            await _open_section_is_well(parts, draft, section, actor)
            draft = await read_draft(parts.store, actor=actor)
            return await _make(request, parts, draft, actor, deploys=step == "deploy")
        if step == "next":
            return await _go_on(request, parts, draft, section, actor)
    except _REFUSALS as error:
        return await _refused(request, parts, actor, form, section, error)
    if step == "save":
        return go(request, f"/apps/new?at={section}", said="draft-saved")
    return go(request, f"/apps/new?at={step.removeprefix('to-')}")


@post("/apps/new/draft", opt=_CREATE)
async def keep_draft(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """As it is typed. What is not well yet is said when the section is left; a token waits until then too."""
    form = await typed(request, longest=LARGEST_SET)
    fields = {name: text for name, text in _plain(form, _section_in(form)).items() if _is_kept(name, text)}
    values = {}
    for name, text in _typed_values(form):
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


@get("/apps/new/github", opt=_CREATE)
async def show_repositories(
    request: WebRequest, parts: Parts, actor: Actor, q: str = "", repository: str = "", of: str | None = None
) -> Response[str]:
    """`of` is an account at which the GitHub App is installed; empty: one's own link. With a `repository`, its
    branches."""
    return await _pick(request, parts, actor, of=of, q=q, repository=repository)


@post("/apps/new/github", opt=_CREATE)
async def pick_repository(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """`repository` is owner/name, `branch` one of its branches, `of` whose installation of the App shows them."""
    form = await typed(request)
    name, of = form.text("repository"), form.text("of")
    try:
        branch = parse_branch(form.text("branch"))
        found = await list_branches(parts.store, parts.github, name, account=of, actor=actor)
    except _REFUSALS as error:
        return await _pick(request, parts, actor, of=of, repository=name, error=error)
    except NotFound as error:
        return await _pick(request, parts, actor, of=of, error=error)
    url = found.repository.clone_url
    fields = {"kind": SourceKind.GIT, "url": url, "branch": branch, "github": url, "by": "app" if of else ""}
    await keep_typed(parts.store, fields, forgets_token=True, actor=actor)
    return go(request, "/apps/new?at=source")


async def _pick(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    *,
    of: str | None = None,
    q: str = "",
    repository: str = "",
    error: BakeryError | None = None,
) -> Response[str]:
    repositories = branches = None
    accounts = await accounts_of_app(parts.store, actor=actor)
    login = (await show_link(parts.store, actor=actor)).login
    if of is None:
        of = "" if login or not accounts else accounts[0]
    try:
        if repository and error is None:
            branches = await list_branches(parts.store, parts.github, repository, account=of, actor=actor)
        elif error is None:
            repositories = await list_repositories(parts.store, parts.github, containing=q, account=of, actor=actor)
    except (*_REFUSALS, NotFound) as refused:
        error = refused
    response = await render_page(
        request,
        "apps/new_github.html",
        pick_page(repositories, branches, choices_of(accounts, login or "", of), q=q, error=error, now=now()),
        here="apps",
        crumbs=[
            Crumb("Apps", url_of(request)("/apps")), Crumb("New app", url_of(request)("/apps/new")), Crumb("GitHub"),
        ],
        status=status_of(error) if error else 200,
    )  # fmt: skip
    response.headers.update(retry_after(error) if error else {})
    return response


@post("/apps/new/discard", opt=_CREATE)
async def discard(request: WebRequest, parts: Parts, actor: Actor) -> Redirect:
    await discard_draft(parts.store, actor=actor)
    return go(request, "/apps/new", said="draft-discarded")


def _section_in(form: Typed) -> str:
    return form.text("section") if form.text("section") in SECTIONS else "source"


def _plain(form: Typed, section: str) -> dict[str, str]:
    """What was typed, without secrets. A box of this section that is not there was not ticked."""
    found = {name: form.text(name) for names in _FIELDS.values() for name in names if name in form.values}
    if section == "address" and "section" in form.values:
        found["skip_tests"] = form.text("skip_tests")
    return found


def _expect_kept(fields: Mapping[str, str]) -> None:
    """Returns when the database takes them all."""
    for name, text in fields.items():
        if not _is_kept(name, text):
            raise BadInput("This is longer than anybody types, or holds what is no character.", field=name)


def _is_kept(name: str, text: str) -> bool:
    return (len(text) <= _LONGEST or name == "command") and "\0" not in text and not _SURROGATE.search(text)


def _typed_values(form: Typed) -> list[tuple[str, str]]:
    return [(name.removeprefix(_VALUE), text) for name, text in form.values.items() if name.startswith(_VALUE) and text]


async def _keep(parts: Parts, form: Typed, section: str, actor: Actor) -> Draft:
    before = await read_draft(parts.store, actor=actor)
    fields = _plain(form, section)
    _expect_kept(fields)
    opens = _opens({**before.fields, **fields})
    token = form.secret("token") if form.text("token").strip() else None
    if token is not None:
        fields["opens"] = opens
    return await keep_typed(
        parts.store,
        fields,
        token=token,
        forgets_token=before.text("opens") != opens,  # a credential for one server opens nothing elsewhere
        variables=_variables_in(form),
        began=form.text("began"),
        actor=actor,
    )


def _opens(fields: Mapping[str, str]) -> str:
    """What a token is for."""
    if fields.get("kind") == SourceKind.IMAGE:
        return f"image {fields.get('image', '').partition('/')[0]} {fields.get('username', '')}"
    return f"git {server_of(fields.get('url', '').strip())}"


def _variables_in(form: Typed) -> dict[VariableName, Secret | None]:
    found: dict[VariableName, Secret | None] = {parse_variable_name(name): None for name in form.all("forget")}
    for name, text in _typed_values(form):
        field = _VALUE + name
        found[parse_variable_name(name, field=field)] = parse_value(Secret(text), field=field)
    if form.text("text").strip():
        found |= {
            one.name: one.value for one in settings_in(form.secret("text"), scope=None, is_secret=None) if one.value
        }
    return found


async def _go_on(
    request: WebRequest, parts: Parts, draft: Draft, section: str, actor: Actor
) -> Response[str] | Redirect:
    """The section is well: the next one opens."""
    if section == "source":
        draft = await _source_is_well(parts, draft, actor)
    else:
        await _open_section_is_well(parts, draft, section, actor)
    place = _ORDER.index(section) + 1
    reached = max(place, (await _seen(parts, draft, section, actor)).reached)
    await keep_typed(parts.store, {"reached": str(reached)}, actor=actor)
    return go(request, f"/apps/new?at={_ORDER[min(place, len(_ORDER) - 1)]}")


async def _source_is_well(parts: Parts, draft: Draft, actor: Actor) -> Draft:
    kind = draft.text("kind") or SourceKind.GIT
    if kind not in set(SourceKind):
        raise BadInput("Choose where its code is.", field="kind")
    name = ""
    if kind == SourceKind.GIT:
        source = _source_in(draft, actor)
        found = draft.finding
        if found is None or (found.asked.url, found.asked.branch) != (source.url, source.branch or ""):
            draft = await keep_typed(parts.store, {"base": "", "runtime": ""}, actor=actor)  # of what was there before
            await _look(parts, draft, actor, runtime=None)
        name = name_from(source.url)
    elif kind == SourceKind.IMAGE:
        name = name_from(_image_in(draft).reference.name)
    if not name or draft.text("slug") != draft.text("proposed"):  # a name of their own stays
        return draft
    proposed = await _free_name(parts, name, actor)
    return await keep_typed(parts.store, {"slug": proposed, "proposed": proposed}, actor=actor)


async def _free_name(parts: Parts, name: str, actor: Actor) -> str:
    for number in range(1, 10):
        proposed = name if number == 1 else f"{name[:38]}-{number}"
        if await is_name_free(parts.store, parse_app_name(proposed), actor=actor):
            return proposed
    return name


async def _look(parts: Parts, draft: Draft, actor: Actor, *, runtime: Runtime | None) -> None:
    """What is found takes the place of what was found before."""
    source = _source_in(draft, actor)
    node = (await _seen(parts, draft, "source", actor)).node
    if node is None:
        raise Conflict("No node takes apps.", hint="Add one, or undrain one.")
    key = draft.key
    if is_ssh(source.url) and key is None:
        await deploy_key_of_draft(parts.store, actor=actor)
        raise BadInput(
            "Add the deploy key below to the repository, to read only, and continue again.",
            field="url",
        )
    finding = await look_into(parts.store, parts.links, node, source, key=key, runtime=runtime, actor=actor)
    await keep_finding(parts.store, finding.beside(draft.finding), actor=actor)


async def _open_section_is_well(parts: Parts, draft: Draft, section: str, actor: Actor) -> None:
    """Its fields may have been typed just now. Where the code is, is asked when the app is made."""
    if section == "build":
        await _build_is_well(parts, draft, actor)
    elif section == "address":
        await _address_is_well(parts, draft, actor)


async def _build_is_well(parts: Parts, draft: Draft, actor: Actor) -> None:
    seen = await _seen(parts, draft, "build", actor)
    runtime = _parse_runtime(draft.text("runtime"))
    command = parse_command(draft.text("command"))
    if runtime is Runtime.STATIC and command:
        raise BadInput("Static files are served by nginx and need no start command.", field="command")
    parse_health_path(draft.text("health"))
    if seen.kind != SourceKind.GIT or (runtime is Runtime.PROCESS and command):
        return
    found = seen.finding
    if found is None or found.asked.base != _source_in(draft, actor).base or runtime not in (found.runtime, None):
        same_folder = found is not None and found.asked.base == _source_in(draft, actor).base
        await _look(parts, draft, actor, runtime=runtime if same_folder else None)
        found = (await read_draft(parts.store, actor=actor)).finding
        if found is not None and found.runtime is not None:
            await keep_typed(parts.store, {"runtime": found.runtime}, actor=actor)
    if found is not None and found.problem and not command:
        field = "command" if found.runtime else "base" if found.folders or found.asked.base else "runtime"
        raise BadInput(found.problem, field=field, hint=found.hint)


def _parse_runtime(text: str) -> Runtime | None:
    if not text:
        return None
    try:
        return Runtime(text)
    except ValueError:
        raise BadInput("Choose “docker”, “process” or “static”.", field="runtime") from None


async def _address_is_well(parts: Parts, draft: Draft, actor: Actor) -> None:
    slug = parse_slug(draft.text("slug"))
    parse_name(draft.text("name"))
    seen = await _seen(parts, draft, "address", actor)
    if seen.node is None or (draft.text("node") and seen.node.slug != draft.text("node")):
        raise BadInput("No app may come to this node.", field="node", hint="Choose another node.")
    reason, hint = why_no_app(seen.node, seen.runtime)
    if not reason:
        reason, hint = why_no_build(seen.node, seen.site)
    if reason:
        raise BadInput(reason, field="node", hint=hint)
    if not await is_name_free(parts.store, slug, actor=actor):
        raise BadInput(f"There is already an app with the name {slug}.", field="slug", hint="Choose another name.")


async def _make(request: WebRequest, parts: Parts, draft: Draft, actor: Actor, *, deploys: bool) -> Redirect:
    """What comes next is to watch it go live, or to say how it does."""
    seen = await _seen(parts, draft, "review", actor)
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
    if seen.kind != SourceKind.GIT or _source_in(seen.draft, actor).github_person is None:
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
        source = _source_in(draft, actor)
    elif seen.kind == SourceKind.IMAGE:
        source = _image_in(draft)
    key = draft.key if isinstance(source, NewSource) and is_ssh(source.url) else None
    return WantedApp(new, source, key, draft.variables)


def _source_in(draft: Draft, actor: Actor) -> NewSource:
    url = draft.text("url")
    by_github = draft.text("github") == url.strip()
    return parse_new_source(
        url=url,
        branch=draft.text("branch"),
        base=draft.text("base"),
        username=draft.text("username"),
        token=None if is_ssh(url.strip()) else draft.token,
        github_person=actor.person_id if by_github and not draft.text("by") else None,
        by_github_app=by_github and draft.text("by") == "app" and draft.token is None,
    )


def _image_in(draft: Draft) -> NewImage:
    return parse_new_image(
        image=draft.text("image"), port=draft.text("port"), username=draft.text("username"), password=draft.token
    )


async def _seen(parts: Parts, draft: Draft, at: str, actor: Actor) -> Seen:
    nodes = [
        node
        for node in await list_nodes(parts.store, actor=actor)
        if any(why_no_app(node, runtime) == ("", "") for runtime in Runtime)
    ]
    return Seen(draft, nodes, at)


async def _refused(
    request: WebRequest, parts: Parts, actor: Actor, form: Typed, section: str, error: _Refusal
) -> Response[str]:
    """The section with the field that is wrong opens again."""
    told: BakeryError = error
    if isinstance(error, BadInput) and error.field in {"repo", "ref"}:
        told = BadInput(error.message, field="url", hint=error.hint)
    field = told.field if isinstance(told, BadInput) else ""
    at = "variables" if field.startswith(_VALUE) else _SECTION_OF.get(field, section)
    shown = [name for name in (*_FIELDS[at], "text") if name in form.values]
    if field.startswith(_VALUE):
        refused = Form(errors={field: told.message})
    else:
        refused = form.refused(told, shown=shown, hidden=(field,) if field in _SECTION_OF else ())
    return await _page(request, parts, actor, at=at, form=with_hint(refused, told), status=status_of(error))


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, *, at: str, form: Form | None = None, status: int = 200
) -> Response[str]:
    draft = await read_draft(parts.store, actor=actor)
    seen = await _seen(parts, draft, at, actor)
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
