"""What the first deployment of a new app would do, as far as is known."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from bakery.delivery.foresight import ForeseenPart, Names, foresee
from bakery.delivery.plan import Wanted, plan_deployment
from bakery.delivery.planned import Slot
from bakery.delivery.premises import Premises, Release
from bakery.delivery.work import Patience
from bakery.model.apps import SourceKind, automatic_host, parse_command, parse_health_path
from bakery.model.deployments import SlotState
from bakery.model.errors import BadInput, Conflict
from bakery.model.names import PRODUCTION, AppAt, AppName, Colour, Port, parse_app_name
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.nodes.catalogue import NodeSummary
from bakery.nodes.folders import NodeFolders
from bakery.web.presenters.new_app_seen import Seen
from bakery.web.views.new_app import PlanStep

_NOTHING = "Nothing to do."  # in a step that is there all the same


def plan_of(seen: Seen) -> list[PlanStep]:
    """What the first deployment would do. Of what is not known yet, what is always so."""
    node, finding = seen.node, seen.finding
    if node is None or (seen.reached == 0 and finding is None):
        return []
    if finding and finding.problem and not seen.draft.text("command"):
        return []
    patience = Patience()
    try:
        wanted = _wanted(seen, node)
        plan = plan_deployment(wanted)
    except (BadInput, Conflict):  # said when the section is left
        return []
    drain = wanted.release.terms(patience.usual).drain
    return list(_steps(foresee(plan, Names(), check_seconds=patience.check, drain_seconds=drain)))


def _steps(parts: Sequence[ForeseenPart]) -> Iterator[PlanStep]:
    for part in parts:
        if part.key != "variables" and not any(line.text.startswith(_NOTHING) for line in part.lines):
            command = next((line.text.removeprefix("$ ") for line in part.lines if line.text.startswith("$ ")), "")
            yield PlanStep(part.title, command)


def _wanted(seen: Seen, node: NodeSummary) -> Wanted:
    draft, finding, runtime = seen.draft, seen.finding, seen.runtime
    slug = AppName(draft.text("slug") or "app")
    parse_app_name(slug)
    command = () if runtime is Runtime.STATIC else parse_command(draft.text("command"))
    recipe = finding.recipe if finding and not (runtime is Runtime.PROCESS and command) else None
    base = RepositoryPath(finding.asked.base) if finding else RepositoryPath("")
    release = Release(0, 1, runtime, command, parse_health_path(draft.text("health")), recipe=recipe, source_base=base)
    ports = {Colour.BLUE: Port(20001), Colour.GREEN: Port(20002)}
    slots = {
        colour: Slot(colour, None if runtime is Runtime.STATIC else port, SlotState.IDLE, None)
        for colour, port in ports.items()
    }
    premises = Premises(
        slug,
        PRODUCTION,
        automatic_host(AppAt(slug), node.apps_domain),
        NodeFolders(PurePosixPath("/var/lib/bakery")),
        is_isolated=True,
    )
    skipped = "you" if draft.text("skip_tests") else ""
    return Wanted(
        1, 1, release, seen.kind, "", None, slots, premises, node.site_port is not None, skipped,
        image=draft.text("image") if seen.kind == SourceKind.IMAGE else "",
        has_docker=bool(node.facts and node.facts.has_docker),
    )  # fmt: skip
