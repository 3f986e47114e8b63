"""Machines: how they are reached, what each can do, what was found there, and what is limited."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bakery.model.actor import Actor
from bakery.model.nodes import NodeState, node_counts
from bakery.model.permissions import Permission
from bakery.nodes.bootstrap import Bootstrap
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.nodes.catalogue import LastDeployment, MachineFacts, NodeSummary
from bakery.nodes.login import fingerprint
from bakery.nodes.vitals import Vitals, read_vitals
from bakery.store.metrics import Latest
from bakery.store.series import Series
from bakery.web.moments import moment
from bakery.web.presenters.figures import Tone, cores, fullness, size, spark
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.figures import Figure
from bakery.web.views.nodes import (
    CheckRow,
    Installer,
    Keys,
    Limit,
    NodeCard,
    NodesPage,
    NodeView,
)
from bakery.web.views.shell import Crumb, Tab
from bakery.web.views.status import StatusView, check_status, node_status

_LITTLE_DISK = 2 * 1024**3
_TOO_LITTLE_DISK = 512 * 1024**2
_FRESH = timedelta(seconds=60)
_INGRESS = {
    IngressKind.SYSTEM_NGINX: "Switches traffic through the machine's nginx, without losing a request.",
    IngressKind.DAEMON_NGINX: "Switches traffic through an nginx that Bakery started, without losing a request.",
    IngressKind.OWN_NGINX: "Switches traffic through an nginx of its own, without losing a request.",
}
_UNITS = {
    UnitKeeper.SYSTEMD: "Runs processes under systemd, with limits, and starts them again when they end.",
    UnitKeeper.SUPERVISOR: "Runs processes and starts them again when they end, also while Bakery is away.",
}


def nodes_page(
    nodes: Sequence[NodeSummary], newest: Mapping[int, Latest], *, actor: Actor, url: Url, now: datetime
) -> NodesPage:
    """Everybody sees name and state; what a machine is, Admins."""
    is_admin = actor.may(Permission.MANAGE_NODES)
    cards = [
        _card(node, newest.get(node.id), None, url=url, now=now)
        if is_admin
        else NodeCard(node.slug, _status(node), node.name)
        for node in nodes
    ]
    if not nodes:
        summary = "No machine has reported yet. Bakery's worker makes this one a node when it starts."
    else:
        states = [_seen_state(node) for node in nodes]
        apart = " Apps keep running while a node cannot be reached." if set(states) - {NodeState.ONLINE} else ""
        summary = node_counts(states) + apart
    return NodesPage(nodes=cards, summary=summary, why_not_add=why_not(actor, Permission.MANAGE_NODES))


def node_view(
    node: NodeSummary,
    newest: Latest | None,
    hour: Series,
    last: LastDeployment | None,
    *,
    url: Url,
    now: datetime,
) -> NodeView:
    seconds = node.handshake_seconds
    facts = node.facts
    can = [] if facts is None else [_UNITS[facts.units], *_switches(facts.ingress)]
    return NodeView(
        card=_card(node, newest, hour, url=url, now=now),
        slug=node.slug,
        is_local=node.is_local,
        is_new=node.state is NodeState.NEW,
        handshake=f"{seconds * 1000:.0f} ms" if seconds is not None else "",
        handshake_at=moment(node.handshake_at, now) if node.handshake_at else None,
        host_key=fingerprint(node.host_key) if node.host_key else "",
        keys=_keys(node),
        checks=[
            CheckRow(check_status(check.name, is_well=check.is_well), check.said, check.fix) for check in node.checks
        ],
        checked=moment(node.checked_at, now) if node.checked_at else None,
        is_checking=node.is_checking,
        last_deployment=f"{last.app} #{last.number}, {moment(last.at, now).relative}" if last else "",
        abilities=can if node.is_local else (),
        limits=[_limit(sentence) for sentence in (*facts.notes, *facts.limits)] if facts else (),
    )


def node_tabs(slug: str, current: str, url: Url) -> Sequence[Tab]:
    here = f"/nodes/{slug}"
    return [
        Tab("Overview", url(here), current=current == "overview"),
        Tab("Jobs", url(f"{here}/jobs"), current=current == "jobs"),
        Tab("Commands", url(f"{here}/commands"), current=current == "commands"),
        Tab("Disk", url(f"{here}/disk"), current=current == "disk"),
        Tab("Drift", url(f"{here}/drift"), current=current == "drift"),
        Tab("Settings", url(f"{here}/settings"), current=current == "settings"),
    ]


def node_crumbs(slug: str, url: Url) -> Sequence[Crumb]:
    return [Crumb("Nodes", url("/nodes")), Crumb(slug, url(f"/nodes/{slug}"))]


def installer_view(made: Bootstrap, now: datetime) -> Installer:
    return Installer(made.line, moment(made.until, now))


def _card(node: NodeSummary, newest: Latest | None, hour: Series | None, *, url: Url, now: datetime) -> NodeCard:
    vitals = read_vitals(newest.line) if newest and now - newest.at < _FRESH else None
    trouble, remedy = _trouble(node, now)
    return NodeCard(
        name=node.slug,
        status=_status(node),
        address=_address(node),
        href=url(f"/nodes/{node.slug}"),
        trouble=trouble,
        remedy=remedy,
        is_draining=node.is_draining,
        figures=_figures(node, vitals, hour, now),
        tools=[
            check_status(f"{check.name} {_version(check.said)}".strip(), is_well=check.is_well) for check in node.checks
        ]
        or (_tools(node.facts) if node.facts else ()),
    )


def _address(node: NodeSummary) -> str:
    if node.is_local:
        return ", ".join(part for part in (node.name, node.public_address) if part)
    host = f"[{node.host}]" if ":" in (node.host or "") else node.host
    way = f" through {node.bastion}" if node.bastion else ""
    return f"{node.login}@{host}:{node.port}{way}"


def _trouble(node: NodeSummary, now: datetime) -> tuple[str, str]:
    if node.is_local or node.state is NodeState.ONLINE:
        return "", ""
    since = moment(node.state_since, now).relative
    match node.state:
        case NodeState.NEW:
            return node.trouble or "Bakery knocks every few seconds.", node.trouble_hint
        case NodeState.BLOCKED:
            return f"{node.trouble} Nothing is sent there since {since}.", node.trouble_hint
        case _:
            return f"{node.trouble} Since {since}; the apps there may still be serving.", node.trouble_hint


def _figures(node: NodeSummary, vitals: Vitals | None, hour: Series | None, now: datetime) -> Sequence[Figure]:
    points = hour.points if hour else ()
    if vitals is None:
        return _known_figures(node, now)
    cpu = spark(
        [p.cpu.mean if p else None for p in points], f"Processor in the last hour, now {vitals.cpu:.0f} %", most=100
    )
    memory = spark(
        [float(p.memory.mean) if p else None for p in points],
        f"Memory in the last hour, now {size(vitals.memory_used)}",
        most=float(vitals.memory_total),
    )
    disk = vitals.disks[0]
    percent = round(100 * disk.used / disk.total) if disk.total else 0
    return (
        Figure("Processor", f"{vitals.cpu:.0f} %", f"Load {vitals.load1:.1f} on {cores(vitals.cpus)}", spark=cpu),
        Figure("Memory", f"{size(vitals.memory_used)} of {size(vitals.memory_total)}", _swap(vitals), spark=memory),
        Figure(
            "Disk",
            f"{size(disk.used)} of {size(disk.total)}",
            f"{size(disk.free)} free",
            percent=percent,
            tone=fullness(percent),
        ),
        Figure("Apps", str(node.apps), note=f"Below {node.apps_domain}"),
    )


def _known_figures(node: NodeSummary, now: datetime) -> Sequence[Figure]:
    """What was seen when the machine was last looked at."""
    facts = node.facts
    if facts is None:
        return ()
    free = facts.disk_free_bytes
    tone: Tone = "bad" if free < _TOO_LITTLE_DISK else "warn" if free < _LITTLE_DISK else ""
    return (
        Figure("Processor", cores(facts.cpus)),
        Figure("Memory", size(facts.memory_bytes)),
        Figure("Disk", f"{size(free)} free", note=f"Seen {moment(node.looked_at, now).relative}", tone=tone),
        Figure("Apps", str(node.apps), note=f"Below {node.apps_domain}"),
    )


def _swap(vitals: Vitals) -> str:
    return f"Swap {size(vitals.swap_used)} of {size(vitals.swap_total)}" if vitals.swap_total else "No swap"


def _seen_state(node: NodeSummary) -> NodeState:
    """A machine that nobody looks after right now may be anything."""
    if node.state is NodeState.ONLINE and not node.is_watched:
        return NodeState.UNREACHABLE
    return node.state


def _status(node: NodeSummary) -> StatusView:
    if node.state is NodeState.ONLINE and not node.is_watched:
        return node_status("offline")
    return node_status("verifying" if node.is_checking and node.state is NodeState.ONLINE else node.state)


def _keys(node: NodeSummary) -> Keys | None:
    if node.other_host_key is None:
        return None
    pinned = node.pinned_before_other
    whose = f"the bastion of {node.slug}" if node.other_is_bastions else node.slug
    return Keys(fingerprint(pinned) if pinned else "none", fingerprint(node.other_host_key), whose)


def _switches(ingress: IngressKind) -> Sequence[str]:
    return [_INGRESS[ingress]] if ingress in _INGRESS else []


def _tools(facts: MachineFacts) -> Sequence[StatusView]:
    found = [("Python " + facts.python, True), ("systemd", facts.units is UnitKeeper.SYSTEMD)]
    found += [("nginx", facts.nginx is not None), ("Docker", facts.has_docker)]
    return [check_status(tool if is_there else f"no {tool}", is_well=is_there) for tool, is_there in found]


def _version(said: str) -> str:
    """A tool's line says its version and nothing else."""
    return said if said[:1].isdigit() and " " not in said else ""


def _limit(sentence: str) -> Limit:
    """“What: why.”"""
    what, colon, why = sentence.partition(": ")
    return Limit(what=f"{what}.", remedy=f"{why[:1].upper()}{why[1:]}") if colon else Limit(sentence, "")
