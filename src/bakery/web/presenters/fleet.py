"""How the machines are doing, on the dashboard: all of them together, and those that need a look."""

from collections.abc import Sequence

from bakery.model.actor import Actor
from bakery.model.nodes import NodeState
from bakery.model.permissions import Permission
from bakery.nodes.overview import FleetFigures, Heard, NodeAtAGlance, Totals
from bakery.web.presenters.figures import cores, fullness, size, spark
from bakery.web.presenters.links import Url
from bakery.web.views.dashboard import Attention, FleetView, NodeLine
from bakery.web.views.figures import Figure, Spark
from bakery.web.views.status import StatusView, node_status


def fleet_view(fleet: FleetFigures, *, actor: Actor, url: Url) -> FleetView:
    """Everybody sees the figures of all together, and each name and state; what one is busy with, Admins."""
    is_admin = actor.may(Permission.MANAGE_NODES)
    more = fleet.total - len(fleet.worst)
    return FleetView(
        summary=_summary(fleet),
        figures=_figures(fleet),
        lines=[_line(node, url, is_admin=is_admin) for node in fleet.worst] if fleet.total > 1 else (),
        has_details=is_admin,
        more="" if more < 1 else "1 more node" if more == 1 else f"{more} more nodes",
    )


def nodes_in_need(fleet: FleetFigures, *, actor: Actor, url: Url) -> Sequence[Attention]:
    """Who cannot be reached, whose disk fills up, and who is not as Bakery wants it: the worst of them."""
    is_admin = actor.may(Permission.MANAGE_NODES)
    found = []
    for node in fleet.worst:
        href = url(f"/nodes/{node.slug}") if is_admin else url("/nodes")
        status = _status(node)
        if node.state is NodeState.BLOCKED:
            text = "Its host key has changed. Nothing is sent there until an Admin decides."
            found.append(Attention(status, f"{node.slug} is blocked", text, href, "Compare keys"))
        elif node.state is NodeState.UNREACHABLE:
            text = "Apps keep running there while it cannot be reached."
            found.append(Attention(status, f"{node.slug} cannot be reached", text, href, "Look"))
        elif is_admin and node.heard and (tone := fullness(100 * node.heard.disk)):
            status = StatusView(tone, "s-warn" if tone == "warn" else "s-bad", "Disk")
            title = f"The disk of {node.slug} is {100 * node.heard.disk:.0f} % full"
            free = size(node.heard.disk_total - node.heard.disk_used)
            found.append(Attention(status, title, f"{free} of {size(node.heard.disk_total)} are left.", href, "Look"))
        if is_admin and node.differs:
            status = StatusView("warn", "s-warn", "Drift")
            title = f"{node.slug} is not as Bakery wants it"
            things = "One thing differs" if node.differs == 1 else f"{node.differs} things differ"
            text = f"{things} there: changed by hand, or stopped. Nothing is repaired by itself."
            found.append(Attention(status, title, text, url(f"/nodes/{node.slug}/drift"), "Compare"))
    return found


def _summary(fleet: FleetFigures) -> str:
    if not fleet.total:
        return "No machine has reported yet. Bakery's worker makes this one a node when it starts."
    if fleet.total == 1:
        return f"{fleet.worst[0].slug} is {_status(fleet.worst[0]).word.lower()}."
    if fleet.online == fleet.total:
        return f"All {fleet.total} are online."
    return f"{fleet.online} of {fleet.total} are online."


def _figures(fleet: FleetFigures) -> Sequence[Figure]:
    totals = fleet.totals
    if totals is None:
        return ()
    where = "Last hour" if fleet.total == 1 else f"{totals.nodes} of {fleet.total} nodes heard"
    return (
        Figure(
            "Processor",
            f"{100 * totals.cpu:.0f} %",
            where,
            spark=_spark([point.cpu if point else None for point in fleet.hour], "Processor", 100 * totals.cpu),
        ),
        _memory(fleet, totals),
        *_disk(fleet),
        Figure("Load", f"{totals.load:.1f}", f"On {cores(totals.cpus)}"),
    )


def _memory(fleet: FleetFigures, totals: Totals) -> Figure:
    share = 100 * totals.memory_used / totals.memory_total if totals.memory_total else 0.0
    value = f"{size(totals.memory_used)} of {size(totals.memory_total)}"
    return Figure(
        "Memory",
        value,
        f"{share:.0f} % used",
        spark=_spark([point.memory if point else None for point in fleet.hour], "Memory", share),
    )


def _disk(fleet: FleetFigures) -> Sequence[Figure]:
    node = fleet.fullest
    if node is None or node.heard is None:
        return ()
    percent = round(100 * node.heard.disk)
    value = f"{size(node.heard.disk_used)} of {size(node.heard.disk_total)}"
    label, note = ("Disk", "") if fleet.total == 1 else ("Fullest disk", f"Of {node.slug}")
    return [Figure(label, value, note, percent=percent, tone=fullness(percent))]


def _spark(values: Sequence[float | None], label: str, now: float) -> Spark | None:
    return spark(
        [None if value is None else 100 * value for value in values],
        f"{label} in the last hour, now {now:.0f} %",
        most=100,
    )


def _line(node: NodeAtAGlance, url: Url, *, is_admin: bool) -> NodeLine:
    href = url(f"/nodes/{node.slug}") if is_admin else ""
    if not is_admin or node.heard is None:
        return NodeLine(node.slug, _status(node), href, node.is_draining)
    heard = node.heard
    return NodeLine(
        name=node.slug,
        status=_status(node),
        href=href,
        is_draining=node.is_draining,
        cpu=f"{100 * heard.cpu:.0f} %",
        memory=f"{100 * heard.memory:.0f} %",
        disk=_disk_of(heard),
        load=f"{heard.load:.1f}",
    )


def _disk_of(heard: Heard) -> StatusView | str:
    words = f"{100 * heard.disk:.0f} %"
    tone = fullness(100 * heard.disk)
    return StatusView(tone, "s-warn" if tone == "warn" else "s-bad", words) if tone else words


def _status(node: NodeAtAGlance) -> StatusView:
    """A machine that nobody looks after right now may be anything."""
    return node_status("offline" if node.state is NodeState.ONLINE and not node.is_watched else node.state)
