"""Machines: what each can do, and what is limited."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from bakery.delivery.nodes import MachineFacts, NodeSummary
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.web.moments import moment
from bakery.web.views.nodes import Figure, Limit, NodeCard, NodesPage
from bakery.web.views.status import StatusView, node_status

_LITTLE_DISK = 2 * 1024**3
_TOO_LITTLE_DISK = 512 * 1024**2
_INGRESS = {
    IngressKind.SYSTEM_NGINX: "Switches traffic through the machine's nginx, without losing a request.",
    IngressKind.DAEMON_NGINX: "Switches traffic through an nginx that Bakery started, without losing a request.",
    IngressKind.OWN_NGINX: "Switches traffic through an nginx of its own, without losing a request.",
}
_UNITS = {
    UnitKeeper.SYSTEMD: "Runs processes under systemd, with limits, and starts them again when they end.",
    UnitKeeper.SUPERVISOR: "Runs processes and starts them again when they end, also while Bakery is away.",
}


def nodes_page(nodes: Sequence[NodeSummary], *, actor: Actor, now: datetime) -> NodesPage:
    """Everybody sees name and state; what a machine is, Admins."""
    card = _card if actor.may(Permission.MANAGE_NODES) else _short_card
    away = sum(1 for node in nodes if not node.is_watched)
    if not nodes:
        summary = "No machine has reported yet. Bakery's worker makes this one a node when it starts."
    elif away:
        summary = f"{len(nodes) - away} online, {away} offline. Apps go on running; only Bakery's worker is away."
    else:
        summary = "This machine is online." if len(nodes) == 1 else f"All {len(nodes)} are online."
    return NodesPage(nodes=[card(node, now) for node in nodes], summary=summary)


def _short_card(node: NodeSummary, _: datetime) -> NodeCard:
    return NodeCard(node.slug, _status(node), node.name, figures=(), tools=(), abilities=(), limits=())


def _card(node: NodeSummary, now: datetime) -> NodeCard:
    facts = node.facts
    return NodeCard(
        name=node.slug,
        status=_status(node),
        address=", ".join(part for part in (node.name, node.public_address) if part),
        figures=(
            Figure("Processor", "1 core" if facts.cpus == 1 else f"{facts.cpus} cores"),
            Figure("Memory", _size(facts.memory_bytes)),
            _disk(facts, seen=moment(node.looked_at, now).relative),
            Figure("Apps", str(node.apps), note=f"Below {node.apps_domain}"),
        ),
        tools=_tools(facts),
        abilities=[_UNITS[facts.units], *([_INGRESS[facts.ingress]] if facts.ingress in _INGRESS else [])],
        limits=[_limit(sentence) for sentence in (*facts.notes, *facts.limits)],
    )


def _status(node: NodeSummary) -> StatusView:
    return node_status("online" if node.is_watched else "offline")


def _disk(facts: MachineFacts, *, seen: str) -> Figure:
    free = facts.disk_free_bytes
    tone: Literal["", "warn", "bad"] = "bad" if free < _TOO_LITTLE_DISK else "warn" if free < _LITTLE_DISK else ""
    return Figure("Disk", f"{_size(free)} free", note=f"Seen {seen}", tone=tone)


def _tools(facts: MachineFacts) -> Sequence[StatusView]:
    found = [("Python " + facts.python, True), ("systemd", facts.units is UnitKeeper.SYSTEMD)]
    found += [("nginx", facts.nginx is not None), ("Docker", facts.has_docker)]
    return [
        StatusView("ok", "s-ok", tool) if is_there else StatusView("off", "s-off", f"no {tool}")
        for tool, is_there in found
    ]


def _limit(sentence: str) -> Limit:
    """“What: why.”"""
    what, colon, why = sentence.partition(": ")
    return Limit(what=f"{what}.", remedy=f"{why[:1].upper()}{why[1:]}") if colon else Limit(sentence, "")


def _size(count: int) -> str:
    gigabytes = count / 1024**3
    return f"{gigabytes:.0f} GB" if gigabytes >= 10 else f"{gigabytes:.1f} GB"
