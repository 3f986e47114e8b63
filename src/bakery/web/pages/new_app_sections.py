"""Whether a section of a new app is well. A repository is looked into when its section is left."""

from bakery.delivery.drafts import Draft, deploy_key_of_draft, is_name_free, keep_finding, keep_typed, read_draft
from bakery.delivery.findings import look_into
from bakery.delivery.placing import why_no_app, why_no_build
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind, parse_command, parse_health_path, parse_name, parse_slug
from bakery.model.errors import BadInput, Conflict
from bakery.model.names import parse_app_name
from bakery.model.runtimes import Runtime
from bakery.model.sources import is_ssh
from bakery.nodes.catalogue import list_nodes
from bakery.web.context import Parts
from bakery.web.pages.new_app_typed import image_in, source_in
from bakery.web.presenters.new_app_seen import Seen, name_from


async def source_is_well(parts: Parts, draft: Draft, actor: Actor) -> Draft:
    kind = draft.text("kind") or SourceKind.GIT
    if kind not in set(SourceKind):
        raise BadInput("Choose where its code is.", field="kind")
    name = ""
    if kind == SourceKind.GIT:
        source = source_in(draft, actor)
        found = draft.finding
        if found is None or (found.asked.url, found.asked.branch) != (source.url, source.branch or ""):
            draft = await keep_typed(parts.store, {"base": "", "runtime": ""}, actor=actor)  # of what was there before
            await _look(parts, draft, actor, runtime=None)
        name = name_from(source.url)
    elif kind == SourceKind.IMAGE:
        name = name_from(image_in(draft).reference.name)
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
    source = source_in(draft, actor)
    node = (await look_at_draft(parts, draft, "source", actor)).node
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


async def open_section_is_well(parts: Parts, draft: Draft, section: str, actor: Actor) -> None:
    """Its fields may have been typed just now. Where the code is, is asked when the app is made."""
    if section == "build":
        await _build_is_well(parts, draft, actor)
    elif section == "address":
        await _address_is_well(parts, draft, actor)


async def _build_is_well(parts: Parts, draft: Draft, actor: Actor) -> None:
    seen = await look_at_draft(parts, draft, "build", actor)
    runtime = _parse_runtime(draft.text("runtime"))
    command = parse_command(draft.text("command"))
    if runtime is Runtime.STATIC and command:
        raise BadInput("Static files are served by nginx and need no start command.", field="command")
    parse_health_path(draft.text("health"))
    if seen.kind != SourceKind.GIT or (runtime is Runtime.PROCESS and command):
        return
    found = seen.finding
    if found is None or found.asked.base != source_in(draft, actor).base or runtime not in (found.runtime, None):
        same_folder = found is not None and found.asked.base == source_in(draft, actor).base
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
    seen = await look_at_draft(parts, draft, "address", actor)
    if seen.node is None or (draft.text("node") and seen.node.slug != draft.text("node")):
        raise BadInput("No app may come to this node.", field="node", hint="Choose another node.")
    reason, hint = why_no_app(seen.node, seen.runtime)
    if not reason:
        reason, hint = why_no_build(seen.node, seen.site)
    if reason:
        raise BadInput(reason, field="node", hint=hint)
    if not await is_name_free(parts.store, slug, actor=actor):
        raise BadInput(f"There is already an app with the name {slug}.", field="slug", hint="Choose another name.")


async def look_at_draft(parts: Parts, draft: Draft, at: str, actor: Actor) -> Seen:
    nodes = [
        node
        for node in await list_nodes(parts.store, actor=actor)
        if any(why_no_app(node, runtime) == ("", "") for runtime in Runtime)
    ]
    return Seen(draft, nodes, at)
