"""Room on a node, in words."""

from collections.abc import Mapping, Sequence

from bakery.delivery.leftovers import Kind
from bakery.delivery.pruning import Prunable, is_scarce
from bakery.delivery.volumes import NodeVolume
from bakery.model.errors import BakeryError
from bakery.model.sizes import shown_bytes
from bakery.web.views.forms import Form
from bakery.web.views.nodes import LeftoverRow, NodeDiskPage, NodeVolumeRow
from bakery.web.views.shell import Tab

_KINDS: Mapping[Kind, str] = {
    Kind.RELEASE: "Release",
    Kind.IMAGE: "Image",
    Kind.NAMELESS_IMAGES: "Images without a name",
    Kind.BUILD_CACHE: "Docker's build cache",
    Kind.TOOLS: "Tools' cache",
    Kind.SOURCE: "Fetched by Git",
    Kind.UPLOAD: "Upload",
    Kind.PROGRAM: "Program",
    Kind.CONTAINER: "Container",
    Kind.SITE: "Site",
    Kind.HOME: "Folder of an app",
    Kind.JOB: "Job",
}


def disk_page(
    node: str,
    prunable: Prunable | None,
    volumes: Sequence[NodeVolume],
    trouble: str,
    *,
    tabs: Sequence[Tab],
    delete: Form | None = None,
    refused: str = "",
    refusal: BakeryError | None = None,
) -> NodeDiskPage:
    rows = [_volume(one) for one in volumes]
    is_told = refused in {row.key for row in rows if not row.why_not_delete}  # beside what was typed
    problem = f"{refusal.message} {refusal.hint}".strip() if refusal and not is_told else ""
    if prunable is None:
        return NodeDiskPage(node, tabs, trouble=trouble, problem=problem)
    rooms = [room for room in (prunable.space.node, prunable.space.docker) if room]
    leftovers = [
        LeftoverRow(_KINDS[one.kind], one.name, shown_bytes(one.bytes) if one.bytes else "", one.why)
        for one in sorted(prunable.leftovers, key=lambda one: -one.bytes)
    ]
    return NodeDiskPage(
        node,
        tabs,
        free=[f"{shown_bytes(room.free)} free at {room.path}" for room in rooms],
        is_scarce=is_scarce(prunable.space),
        rows=leftovers,
        total=shown_bytes(prunable.bytes),
        notes=prunable.notes,
        volumes=rows,
        problem=problem,
        delete=delete or Form(),
        refused=refused,
    )


def _volume(one: NodeVolume) -> NodeVolumeRow:
    return NodeVolumeRow(
        key=f"{one.app}-{one.name}",
        app=one.app,
        name=one.name,
        size="" if one.bytes is None else shown_bytes(one.bytes),
        said="In use" if one.is_used else "Not named any more" if one.has_app else "Left by an app that was deleted",
        why_not_delete="Its app has it." if one.is_used else "",
    )
