"""Machines: how they are reached, what each can do, what was found there, and what is limited."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from bakery.model.actor import Actor
from bakery.model.nodes import NodeState, node_counts
from bakery.model.permissions import Permission
from bakery.nodes.bootstrap import Bootstrap
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.nodes.catalogue import LastDeployment, MachineFacts, NodeSummary
from bakery.nodes.login import fingerprint
from bakery.nodes.transcript import Run
from bakery.nodes.vitals import Vitals, read_vitals
from bakery.nodes.work import JobSummary
from bakery.store.metrics import Latest
from bakery.store.series import Series
from bakery.web.moments import moment
from bakery.web.presenters.durations import duration
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.nodes import (
    CheckRow,
    Figure,
    Installer,
    JobRow,
    JobView,
    Keys,
    Limit,
    NodeCard,
    NodesPage,
    NodeView,
    RunRow,
    Spark,
)
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView, job_status, node_status

Tone = Literal["", "warn", "bad"]

_LITTLE_DISK = 2 * 1024**3
_TOO_LITTLE_DISK = 512 * 1024**2
_FULL, _NEARLY_FULL = 95, 85  # percent
_FRESH = timedelta(seconds=60)
_WIDTH, _HEIGHT, _LOWEST = 96.0, 24.0, 21.0
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
        checks=[CheckRow(_check(check.name, is_well=check.is_well), check.said, check.fix) for check in node.checks],
        checked=moment(node.checked_at, now) if node.checked_at else None,
        is_checking=node.is_checking,
        last_deployment=f"{last.app} #{last.number}, {moment(last.at, now).relative}" if last else "",
        abilities=can if node.is_local else (),
        limits=[_limit(sentence) for sentence in (*facts.notes, *facts.limits)] if facts else (),
    )


def node_tabs(slug: str, current: str, url: Url, *, is_local: bool) -> Sequence[Tab]:
    here = f"/nodes/{slug}"
    tabs = [
        Tab("Overview", url(here), current=current == "overview"),
        Tab("Jobs", url(f"{here}/jobs"), current=current == "jobs"),
        Tab("Commands", url(f"{here}/commands"), current=current == "commands"),
    ]
    return tabs if is_local else [*tabs, Tab("Settings", url(f"{here}/settings"), current=current == "settings")]


def installer_view(made: Bootstrap, now: datetime) -> Installer:
    return Installer(made.line, moment(made.until, now))


def job_row(job: JobSummary, *, url: Url, now: datetime) -> JobRow:
    return JobRow(
        id=job.id,
        title=job.title,
        status=_job_status(job),
        by=job.asked_by,
        asked=moment(job.created_at, now),
        took=_took(job, now),
        href=url(f"/nodes/{job.node}/jobs/{job.id}"),
    )


def job_view(job: JobSummary, now: datetime) -> JobView:
    return JobView(
        id=job.id,
        node=job.node,
        title=job.title,
        status=_job_status(job),
        by=job.asked_by,
        asked=moment(job.created_at, now),
        took=_took(job, now),
        outcome=_outcome(job),
        is_over=job.ended_at is not None,
        is_cancelling=job.is_cancelling,
    )


def run_row(run: Run, now: datetime) -> RunRow:
    return RunRow(
        id=run.id,
        at=moment(run.at, now),
        command=run.command,
        status=_ended(run.exit_status),
        took=duration(timedelta(seconds=run.seconds)),
        output=run.output,
    )


def spark(values: Sequence[float | None], label: str, *, most: float) -> Spark | None:
    """Paths over the last hour. A gap is a gap."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or most <= 0:
        return None
    step = _WIDTH / (len(values) - 1)
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((index * step, _HEIGHT - min(value / most, 1) * _LOWEST - 1))
    drawn = [piece for piece in pieces if len(piece) > 1]
    line = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in drawn)
    area = "".join(
        f"M{piece[0][0]:.1f} {_HEIGHT:.0f}L"
        + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece)
        + f"L{piece[-1][0]:.1f} {_HEIGHT:.0f}Z"
        for piece in drawn
    )
    return Spark(line, area, label)


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
        tools=[_check(f"{check.name} {_version(check.said)}".strip(), is_well=check.is_well) for check in node.checks]
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
        f"Memory in the last hour, now {_size(vitals.memory_used)}",
        most=float(vitals.memory_total),
    )
    disk = vitals.disks[0]
    percent = round(100 * disk.used / disk.total) if disk.total else 0
    return (
        Figure("Processor", f"{vitals.cpu:.0f} %", f"Load {vitals.load1:.1f} on {_cores(vitals.cpus)}", spark=cpu),
        Figure("Memory", f"{_size(vitals.memory_used)} of {_size(vitals.memory_total)}", _swap(vitals), spark=memory),
        Figure(
            "Disk",
            f"{_size(disk.used)} of {_size(disk.total)}",
            f"{_size(disk.free)} free",
            percent=percent,
            tone=_disk_tone(percent),
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
        Figure("Processor", _cores(facts.cpus)),
        Figure("Memory", _size(facts.memory_bytes)),
        Figure("Disk", f"{_size(free)} free", note=f"Seen {moment(node.looked_at, now).relative}", tone=tone),
        Figure("Apps", str(node.apps), note=f"Below {node.apps_domain}"),
    )


def _swap(vitals: Vitals) -> str:
    return f"Swap {_size(vitals.swap_used)} of {_size(vitals.swap_total)}" if vitals.swap_total else "No swap"


def _disk_tone(percent: int) -> Tone:
    return "bad" if percent >= _FULL else "warn" if percent >= _NEARLY_FULL else ""


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
    return [_check(tool if is_there else f"no {tool}", is_well=is_there) for tool, is_there in found]


def _check(word: str, *, is_well: bool) -> StatusView:
    return StatusView("ok", "s-ok", word) if is_well else StatusView("bad", "s-bad", word)


def _version(said: str) -> str:
    """A tool's line says its version and nothing else."""
    return said if said[:1].isdigit() and " " not in said else ""


def _limit(sentence: str) -> Limit:
    """“What: why.”"""
    what, colon, why = sentence.partition(": ")
    return Limit(what=f"{what}.", remedy=f"{why[:1].upper()}{why[1:]}") if colon else Limit(sentence, "")


def _job_status(job: JobSummary) -> StatusView:
    return job_status("interrupted" if job.is_interrupted else job.state)


def _took(job: JobSummary, now: datetime) -> str:
    return duration((job.ended_at or now) - job.started_at) if job.started_at else ""


def _outcome(job: JobSummary) -> str:
    if job.ended_at is None:
        return ""
    if job.exit_status is None:
        return job.reason
    how = f"signal {-job.exit_status}" if job.exit_status < 0 else f"status {job.exit_status}"
    return f"It ended with {how}." + (f" {job.reason}" if job.reason else "")


def _ended(exit_status: int | None) -> StatusView:
    if exit_status is None:
        return StatusView("off", "s-unk", "no status")
    return _check("done" if exit_status == 0 else f"status {exit_status}", is_well=exit_status == 0)


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


def _size(count: int) -> str:
    gigabytes = count / 1024**3
    return f"{gigabytes:.0f} GB" if gigabytes >= 10 else f"{gigabytes:.1f} GB"
