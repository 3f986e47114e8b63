"""Room on a node, in words."""

from collections.abc import Mapping, Sequence

from bakery.delivery.leftovers import Kind
from bakery.delivery.pruning import Prunable, is_scarce
from bakery.model.sizes import shown_bytes
from bakery.web.views.nodes import LeftoverRow, NodeDiskPage
from bakery.web.views.shell import Tab

_KINDS: Mapping[Kind, str] = {
    Kind.RELEASE: "Release",
    Kind.IMAGE: "Image",
    Kind.NAMELESS_IMAGES: "Images without a name",
    Kind.BUILD_CACHE: "Docker's build cache",
    Kind.TOOLS: "Tools' cache",
    Kind.UPLOAD: "Upload",
    Kind.PROGRAM: "Program",
    Kind.CONTAINER: "Container",
    Kind.SITE: "Site",
    Kind.HOME: "Folder of an app",
    Kind.JOB: "Job",
}


def disk_page(node: str, prunable: Prunable | None, trouble: str, *, tabs: Sequence[Tab]) -> NodeDiskPage:
    if prunable is None:
        return NodeDiskPage(node, tabs, trouble=trouble)
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
    )
