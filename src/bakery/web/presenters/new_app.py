"""The page on which an app is made: what was typed and found so far, as five sections and what will happen."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bakery.delivery.drafts import Draft
from bakery.delivery.findings import Finding
from bakery.delivery.placing import why_no_app, why_no_build
from bakery.github.links import LinkDetail
from bakery.model.apps import HTTP_PORT, SourceKind
from bakery.model.runtimes import Runtime
from bakery.nodes.catalogue import NodeSummary
from bakery.web.moments import moment
from bakery.web.presenters.deployments import short
from bakery.web.presenters.new_app_plan import plan_of
from bakery.web.presenters.new_app_seen import Seen
from bakery.web.views.forms import Form, Option, Options
from bakery.web.views.new_app import FoundView, NewAppPage, ProposedView, Section, State

SECTIONS: Mapping[str, str] = {
    "source": "Source",
    "build": "Build",
    "address": "Address and options",
    "variables": "Variables",
    "review": "Review",
}
KINDS: Options = (
    Option(SourceKind.GIT, "A Git repository", "Its newest commit is looked into before anything is made."),
    Option(SourceKind.FOLDER, "A folder", "Uploaded from where it lies, in the browser or with bakery deploy."),
    Option(SourceKind.IMAGE, "An existing image", "Pulled from a registry, public or private, and run in Docker."),
)
_RUNTIMES: Mapping[Runtime, tuple[str, str]] = {
    Runtime.DOCKER: ("Docker", "Built into an image, from its Dockerfile or one that Bakery writes."),
    Runtime.PROCESS: (
        "Process",
        "Installed in a folder, and run by the node itself: less to build, less memory.",
    ),
    Runtime.STATIC: (
        "Static files",
        "Nothing runs: nginx serves the files, which Docker makes first where they have to be built.",
    ),
}
_GIB = 1024**3
_SOURCE_FIRST = "Say where its code is."


@dataclass(frozen=True, slots=True)
class Offers:
    """What opens repositories at GitHub: the person's link, and the App, by the accounts where it is installed."""

    link: LinkDetail
    has_app: bool = False
    accounts: Sequence[str] = ()

    @property
    def names(self) -> str:
        told = [f"the GitHub App at {', '.join(self.accounts)}"] if self.accounts else []
        return " and ".join([*told, *([f"your link, as {self.link.login}"] if self.link.login else [])])


def new_app_page(seen: Seen, form: Form | None, offers: Offers, *, now: datetime) -> NewAppPage:
    """`form` is one that was refused."""
    values = _values(seen)
    shown = _told(seen, form, values) if form else Form(values=values)
    why = _why_not(seen)
    return NewAppPage(
        form=shown,
        at=seen.at,
        sections=_sections(seen),
        kinds=KINDS,
        runtimes=_runtimes(seen),
        nodes=[_node_option(node) for node in seen.nodes],
        plan=plan_of(seen),
        began=seen.draft.began,
        saved=moment(seen.draft.saved_at, now) if seen.draft.saved_at else None,
        found=_found(seen.finding) if seen.finding else None,
        folders=_folders(seen.finding),
        has_token=seen.draft.token is not None,
        github=offers.names,
        may_link=offers.link.server is not None and offers.link.login is None and not offers.has_app,
        opened_by=_opened_by(seen.draft, offers),
        deploy_key=seen.draft.key.public if seen.draft.key and seen.kind == SourceKind.GIT else "",
        host=_host(seen.node),
        is_free=seen.name_is_free and bool(values["slug"]),
        tests=_tests(seen),
        variables=_variables(seen),
        review=_review(seen, values),
        where=seen.node.name if seen.node else "",
        why_not_create=why,
        why_not_deploy=why or _why_not_deploy(seen),
    )


def _opened_by(draft: Draft, offers: Offers) -> str:
    if not draft.text("github") or draft.text("github") != draft.text("url"):
        return ""
    return "The GitHub App opens it." if draft.text("by") == "app" else f"Your link opens it, as {offers.link.login}."


def _told(seen: Seen, form: Form, values: Mapping[str, str]) -> Form:
    """What is wrong with a field that is not there now is said above the others."""
    hidden = {"skip_tests"}
    if seen.finding is None:
        hidden.add("base")
    if seen.kind is SourceKind.IMAGE:
        hidden.add("runtime")
    proposed = {f"value-{one.name}" for one in _variables(seen) if not one.is_kept}
    lost = [
        text for name, text in form.errors.items()
        if name in hidden or (name.startswith("value-") and name not in proposed)
    ]  # fmt: skip
    return Form({**values, **form.values}, form.errors, " ".join([form.problem, *lost]).strip())


def _values(seen: Seen) -> dict[str, str]:
    fields = dict(seen.draft.fields)
    fields["kind"] = seen.kind
    fields["runtime"] = seen.runtime
    fields["node"] = seen.node.slug if seen.node else ""
    fields["slug"] = fields.get("slug", "")
    return fields


def _sections(seen: Seen) -> list[Section]:
    found: list[Section] = []
    for place, (key, title) in enumerate(SECTIONS.items()):
        state: State = "now" if key == seen.at else "done" if place < seen.reached else "later"
        found.append(Section(key, title, state, *_summary(seen, key, is_done=state == "done")))
    return found


def _summary(seen: Seen, key: str, *, is_done: bool) -> tuple[str, bool]:
    if key == "build":
        return _build_summary(seen, is_done=is_done)
    if key == "source":
        return (_source(seen) if is_done else "A repository, a folder or an image"), False
    if key == "address":
        return _address_summary(seen), False
    return (_variables_summary(seen) if key == "variables" else "See everything once more, then deploy"), False


def _build_summary(seen: Seen, *, is_done: bool) -> tuple[str, bool]:
    command = seen.draft.text("command")
    if seen.finding is not None:
        return _headline(seen.finding, seen.runtime, command), not command
    if seen.kind == SourceKind.IMAGE:
        return ("Nothing is built" if is_done else "How it is started"), False
    return (_RUNTIMES[seen.runtime][0] if is_done else "How it is built and started"), False


def _address_summary(seen: Seen) -> str:
    slug = seen.draft.text("slug")
    if not slug or seen.node is None:
        return "Its name, and where it lives"
    before, after = _host(seen.node)
    return f"{before}{slug}{after}, on {seen.node.name}"


def _source(seen: Seen) -> str:
    draft, finding = seen.draft, seen.finding
    if seen.kind == SourceKind.FOLDER:
        return "A folder that is uploaded"
    if seen.kind == SourceKind.IMAGE:
        return f"The image {draft.text('image')}"
    branch = finding.branch if finding else draft.text("branch")
    return draft.text("url") + (f", branch {branch}" if branch else "")


def _headline(finding: Finding, runtime: Runtime, command: str) -> str:
    if finding.problem and not command:
        return finding.problem
    if command:
        return f"{_RUNTIMES[runtime][0]}, starts with {command}"
    versions = [f"{one.tool} {one.version}" for one in finding.versions[:1]]
    named = ", ".join([finding.framework, *versions] if finding.framework else versions or [finding.stack])
    start = shlex.join(finding.recipe.start) if finding.recipe and finding.recipe.start else ""
    ways = {
        Runtime.DOCKER: "generated Dockerfile" if finding.writes_dockerfile else "its own Dockerfile",
        Runtime.PROCESS: "as a process",
        Runtime.STATIC: "files that nginx serves",
    }
    return ", ".join(part for part in (named, ways[runtime], f"starts with {start}" if start else "") if part)


def _found(finding: Finding) -> FoundView:
    recipe = finding.recipe
    facts: list[tuple[str, str]] = []
    if recipe is not None:
        commands = {
            "Install": recipe.install, "Build": recipe.build, "Test": recipe.test, "Start": recipe.start,
            "Before the switch": recipe.release,
        }  # fmt: skip
        facts += [(title, shlex.join(argv)) for title, argv in commands.items() if argv]
        facts += [("Base folder", finding.base)] if finding.base else []
        facts += [(f"Beside it: {name}", shlex.join(argv)) for name, argv in recipe.processes.items()]
    facts += [(one.tool, f"{one.version}, from {one.source}") for one in finding.versions]
    return FoundView(
        headline=_headline(finding, finding.runtime or Runtime.DOCKER, ""),
        commit=f"{finding.branch}@{short(finding.commit)}: {finding.title}",
        facts=facts,
        why=finding.why,
        note=f"{finding.note}. So it runs otherwise than it would by itself.".replace("..", ".")
        if finding.note
        else "",
        problem=f"{finding.problem} {finding.hint}".strip() if finding.problem else "",
    )


def _folders(finding: Finding | None) -> Options:
    """To choose from, where several apps lie in one repository."""
    if finding is None or not finding.folders:
        return ()
    own = [Option(finding.base, finding.base or "Its top", finding.framework or finding.stack)]
    others = {one.base: Option(one.base, one.base or "Its top", f"{one.stack}. {one.why}") for one in finding.folders}
    return sorted([*([] if finding.problem else own), *others.values()], key=lambda option: option.value)


def _runtimes(seen: Seen) -> Options:
    found: list[Option] = []
    for runtime, (title, told) in _RUNTIMES.items():
        why = ""
        if seen.finding and seen.finding.runtime is runtime and seen.finding.asked.runtime is None:
            why = " Proposed by what the repository holds."
        elif seen.node and (reason := why_no_app(seen.node, runtime)[0]):
            why = f" {reason}"
        found.append(Option(runtime, title, told + why))
    return found


def _node_option(node: NodeSummary) -> Option:
    name = node.name if node.name == node.slug else f"{node.name} ({node.slug})"
    free = f", {node.facts.disk_free_bytes / _GIB:.0f} GB free" if node.facts else ""
    apps = f", {node.apps} {'app' if node.apps == 1 else 'apps'}"
    return Option(node.slug, name + free + apps)


def _host(node: NodeSummary | None) -> tuple[str, str]:
    if node is None or node.site_port is None:
        return "", ""
    port = "" if node.site_port == HTTP_PORT else f":{node.site_port}"
    return "http://", f".{node.apps_domain}{port}"


def _tests(seen: Seen) -> str:
    recipe = seen.finding.recipe if seen.finding else None
    return shlex.join(recipe.test) if recipe and recipe.test and not seen.draft.text("command") else ""


def _variables(seen: Seen) -> list[ProposedView]:
    kept = seen.draft.variables
    proposed = seen.finding.variables if seen.finding else ()
    named = {str(one.name) for one in proposed}
    views = [ProposedView(one.name, one.why, one.name in kept) for one in proposed]
    return views + [ProposedView(name, "You gave it a value.", is_kept=True) for name in kept if name not in named]


def _variables_summary(seen: Seen) -> str:
    found = _variables(seen)
    empty = [one for one in found if not one.is_kept]
    if not found:
        return "None yet; more may be added later"
    kept = len(found) - len(empty)
    told = [f"{kept} with a value"] if kept else []
    return ", ".join([*told, *([f"{len(empty)} proposed without a value"] if empty else [])])


def _review(seen: Seen, values: Mapping[str, str]) -> list[tuple[str, str]]:
    before, after = _host(seen.node)
    facts = [
        ("Name", values["slug"]),
        ("Source", _source(seen)),
        ("Build", _build_summary(seen, is_done=True)[0]),
        ("Address", f"{before}{values['slug']}{after}" if before else "A port of its node"),
        ("Node", seen.node.name if seen.node else "None"),
        ("Variables", _variables_summary(seen)),
    ]
    if seen.draft.text("health"):
        facts.insert(3, ("Health check", seen.draft.text("health")))
    return facts


def _why_not(seen: Seen) -> str:
    draft, finding = seen.draft, seen.finding
    if not seen.nodes:
        return "No node takes apps. Add one, or undrain one."
    if seen.reached == 0 or (seen.kind == SourceKind.GIT and finding is None):
        return _SOURCE_FIRST
    if finding and finding.problem and not draft.text("command") and seen.at != "build":
        return "Say how it is built and started."
    if seen.node and seen.at != "address" and (reason := why_no_build(seen.node, seen.site)[0]):
        return reason
    return "" if draft.text("slug") or seen.at == "address" else "Give it a name."


def _why_not_deploy(seen: Seen) -> str:
    return "Create it first, then upload its folder." if seen.kind == SourceKind.FOLDER else ""
