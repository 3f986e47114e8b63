"""Machines, and the work that is done on them."""

from datetime import timedelta

from bakery.store.logs import Line
from bakery.store.series import Band, Point, Series, Span
from bakery.web.presenters.charts import charts_view
from bakery.web.presenters.figures import spark
from bakery.web.presenters.log_pages import log_rows
from bakery.web.views.figures import Charts, Figure
from bakery.web.views.forms import Form
from bakery.web.views.jobs import JobPage, JobRow, JobView, NodeCommandsPage, NodeJobsPage, RunRow
from bakery.web.views.logs import LogViewer
from bakery.web.views.nodes import (
    CheckRow,
    DriftRow,
    Installer,
    Keys,
    LeftoverRow,
    Limit,
    NewNodePage,
    NodeCard,
    NodeDiskPage,
    NodeDriftPage,
    NodePage,
    NodeSettingsPage,
    NodesPage,
    NodeView,
    NodeVolumeRow,
)
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView, job_status, node_status
from tests.web.samples.frame import NOW, Pages, a_shell, ago, below

_LINE = (
    "(cd \"$(mktemp -d)\" && curl -fsSLo install-node.sh 'https://bakery.example.com/bootstrap/x/install-node.sh' && "
    "echo '0123  install-node.sh' | sha256sum -c - && bash install-node.sh)"
)
_GB = 1024**3
_KEY = "SHA256:Qm1fUz0mZ9kXbJ8vT2nR7wYc5sLd3hGaEoPiNuKtA4s"


def machine_pages() -> Pages:
    return {
        "nodes": ("nodes/index.html", _nodes(), a_shell("nodes", "Nodes")),
        "nodes-seen-by-others": (
            "nodes/index.html",
            NodesPage(
                [NodeCard("local", node_status("online"), "This machine")], "This machine is online.", "Admins can."
            ),
            a_shell("nodes", "Nodes"),
        ),
        "node-new": (
            "nodes/new.html",
            NewNodePage(Form(values={"port": "22", "user": "bakery-agent"}, errors={"host": "Use a host name."})),
            a_shell("nodes", "Nodes", "Add node"),
        ),
        "node": ("nodes/show.html", _node(), a_shell("nodes", "Nodes", "oven-1")),
        "node-day": (
            "nodes/show.html",
            NodePage(_view(), _tabs("Overview"), a_series(span=Span.DAY)),
            a_shell("nodes", "Nodes", "oven-1"),
        ),
        "node-table": (
            "nodes/show.html",
            NodePage(_view(), _tabs("Overview"), a_series(span=Span.DAY, as_table=True)),
            a_shell("nodes", "Nodes", "oven-1"),
        ),
        "node-waiting": ("nodes/show.html", _waiting(), a_shell("nodes", "Nodes", "oven-4")),
        "node-blocked": ("nodes/show.html", _blocked(), a_shell("nodes", "Nodes", "oven-1")),
        "node-settings": ("nodes/settings.html", _settings(), a_shell("nodes", "Nodes", "oven-1", "Settings")),
        "node-jobs": ("nodes/jobs.html", _jobs(), a_shell("nodes", "Nodes", "oven-1", "Jobs")),
        "node-jobs-none": (
            "nodes/jobs.html",
            NodeJobsPage("oven-1", _tabs("Jobs"), [], Form(errors={"command": "A quote is never closed."})),
            a_shell("nodes", "Nodes", "oven-1", "Jobs"),
        ),
        "node-job": ("nodes/job.html", _job(), a_shell("nodes", "Nodes", "oven-1", "Jobs", "Job 12")),
        "node-disk": ("nodes/disk.html", _disk(), a_shell("nodes", "Nodes", "oven-1", "Disk")),
        "node-disk-none": (
            "nodes/disk.html",
            NodeDiskPage("oven-1", _tabs("Disk"), ["112 GB free at /var/lib/bakery/node"]),
            a_shell("nodes", "Nodes", "oven-1", "Disk"),
        ),
        "node-disk-unreachable": (
            "nodes/disk.html",
            NodeDiskPage("oven-1", _tabs("Disk"), trouble="Could not reach oven-1. Is the machine on?"),
            a_shell("nodes", "Nodes", "oven-1", "Disk"),
        ),
        "node-drift": ("nodes/drift.html", _drift(), a_shell("nodes", "Nodes", "oven-1", "Drift")),
        "node-drift-none": (
            "nodes/drift.html",
            NodeDriftPage("oven-1", _tabs("Drift"), looked_at=24),
            a_shell("nodes", "Nodes", "oven-1", "Drift"),
        ),
        "node-drift-old": (
            "nodes/drift.html",
            NodeDriftPage("oven-1", _tabs("Drift"), trouble="Its helper is of an older Bakery."),
            a_shell("nodes", "Nodes", "oven-1", "Drift"),
        ),
        "node-commands": ("nodes/commands.html", _commands(), a_shell("nodes", "Nodes", "oven-1", "Commands")),
        "node-commands-none": (
            "nodes/commands.html",
            NodeCommandsPage("oven-1", _tabs("Commands"), [], "", below("/nodes/oven-1/commands")),
            a_shell("nodes", "Nodes", "oven-1", "Commands"),
        ),
    }


def _tabs(current: str) -> list[Tab]:
    names = {
        "Overview": "",
        "Jobs": "/jobs",
        "Commands": "/commands",
        "Disk": "/disk",
        "Drift": "/drift",
        "Settings": "/settings",
    }
    return [Tab(name, below(f"/nodes/oven-1{path}"), current=name == current) for name, path in names.items()]


def figures() -> list[Figure]:
    busy = [30.0, 34.0, None, 28.0, 55.0, 41.0, 34.0]
    return [
        Figure("Processor", "34 %", "Load 1.2 on 4 cores", spark=spark(busy, "Processor, now 34 %", most=100)),
        Figure("Memory", "5.1 GB of 8.0 GB", "No swap", spark=spark(busy, "Memory, now 5.1 GB", most=100)),
        Figure("Disk", "182 GB of 200 GB", "18 GB free", percent=91, tone="warn"),
        Figure("Apps", "8", "Below oven-1.example.com"),
    ]


def _tools() -> list[StatusView]:
    return [StatusView("ok", "s-ok", "Docker 27.1"), StatusView("bad", "s-bad", "certbot")]


def _card(**other: object) -> NodeCard:
    card = {
        "name": "oven-1",
        "status": node_status("online"),
        "address": "bakery-agent@203.0.113.7:22",
        "href": below("/nodes/oven-1"),
        "figures": figures(),
        "tools": _tools(),
    }
    return NodeCard(**{**card, **other})  # type: ignore[arg-type]  # a sample, checked by what renders it


def _nodes() -> NodesPage:
    away = _card(
        name="oven-3",
        href=below("/nodes/oven-3"),
        status=node_status("unreachable"),
        trouble="Could not reach oven-3: ssh bakery-agent@198.51.100.20:22 said: Connection timed out. Since 2 h ago.",
        remedy="Is the machine on, and is port 22 open in the firewall?",
        figures=(),
        tools=(),
        is_draining=True,
    )
    return NodesPage([_card(), away], "1 of 2 are online.", "")


def _view(**other: object) -> NodeView:
    view = {
        "card": _card(),
        "slug": "oven-1",
        "is_local": False,
        "is_new": False,
        "handshake": "48 ms",
        "handshake_at": ago(seconds=12),
        "host_key": _KEY,
        "keys": None,
        "checks": [
            CheckRow(StatusView("ok", "s-ok", "SSH"), "Answered as bakery-agent, handshake in 48 ms.", ""),
            CheckRow(StatusView("bad", "s-bad", "certbot"), "certbot is missing.", "Run its repair line."),
        ],
        "checked": ago(minutes=3),
        "is_checking": False,
        "last_deployment": "shop #42, 2 h ago",
        "abilities": ["Runs processes under systemd, with limits."],
        "limits": [Limit("Apps answer on port 8080.", "An ordinary user may not open port 80.")],
    }
    return NodeView(**{**view, **other})  # type: ignore[arg-type]  # likewise


def a_series(*, span: Span = Span.HOUR, hears: bool = True, as_table: bool = False) -> Charts:
    """A gap in the middle; at the fullest, as many points as there can be."""
    step = timedelta(minutes=1 if span is Span.HOUR else 5)
    count = 60 if span is Span.HOUR else 288
    since = NOW.replace(second=0) - step * (count - 1)
    points = [
        Point(
            at=since + step * index,
            samples=6,
            cpu=Band(20.0 + index % 9, 34.0 + index * 7 % 23, 60.0 + index * 5 % 31),
            memory=Band(4.1 * _GB, 5.1 * _GB, 5.2 * _GB),
            memory_total=8 * _GB,
            disk=Band(181 * _GB, 182 * _GB, 182 * _GB),
            disk_total=200 * _GB,
            load=Band(0.4, 1.2 + index % 5 / 10, 2.9),
        )
        if hears and not count // 3 < index < count // 2
        else None
        for index in range(count)
    ]
    return charts_view(Series(since, step, tuple(points)), span, "/nodes/oven-1", url=below, as_table=as_table)


def _node() -> NodePage:
    return NodePage(_view(), _tabs("Overview"), a_series())


def _waiting() -> NodePage:
    card = _card(
        name="oven-4", status=node_status("new"), trouble="Permission denied (publickey).", figures=(), tools=()
    )
    view = _view(
        card=card, slug="oven-4", is_new=True, handshake_at=None, host_key="", checks=[], checked=None,
        last_deployment="", abilities=(), limits=(),
    )  # fmt: skip
    return NodePage(view, _tabs("Overview"), a_series(span=Span.WEEK, hears=False), Installer(_LINE, ago(hours=-1)))


def _blocked() -> NodePage:
    card = _card(status=node_status("blocked"), trouble="The host key of oven-1 has changed.")
    return NodePage(_view(card=card, keys=Keys(_KEY, _KEY[::-1], "oven-1")), _tabs("Overview"), a_series())


def _settings() -> NodeSettingsPage:
    values = {"name": "Oven 1", "host": "203.0.113.7", "port": "22", "user": "bakery-agent"}
    return NodeSettingsPage("oven-1", _tabs("Settings"), Form(values=values), is_draining=False, is_rotating=False,
                            why_not_remove="")  # fmt: skip


def _jobs() -> NodeJobsPage:
    rows = [
        JobRow(12, "df -h", job_status("succeeded"), "ops1", ago(minutes=2), "0.4 s", below("/nodes/oven-1/jobs/12")),
        JobRow(11, "sleep 60", job_status("lost"), "ops1", ago(hours=2), "31 s", below("/nodes/oven-1/jobs/11")),
    ]
    return NodeJobsPage("oven-1", _tabs("Jobs"), rows, Form(), next=below("/nodes/oven-1/jobs"))


def _job() -> JobPage:
    here = "/nodes/oven-1/jobs/12"
    lines = [Line(number, f"line {number}".encode(), is_cut=False) for number in range(1, 30)]
    log = LogViewer(
        stream="7",
        name="job 12 on oven-1",
        topic="job:12",
        is_growing=True,
        lines=29,
        to=300,
        first=1,
        last=log_rows(lines, below(f"{here}/log.txt")),
        lines_url=below(f"{here}/log/lines"),
        times_url=below(f"{here}/log/times"),
        search_url=below(f"{here}/log/search"),
        raw_url=below(f"{here}/log.txt"),
        file_name="oven-1-job-12.log",
    )
    job = JobView(12, "oven-1", "df -h", job_status("running"), "ops1", ago(minutes=2), "0.4 s", "", is_over=False,
                  is_cancelling=False)  # fmt: skip
    return JobPage(job, log)


def _disk() -> NodeDiskPage:
    rows = [
        LeftoverRow(
            "Docker's build cache", "build cache", "6.1 GB", "Docker keeps it to build faster, and makes it anew."
        ),
        LeftoverRow("Image", "bakery/shop:41", "412 MB", "No release that is kept needs it."),
        LeftoverRow("Program", "bakery-shop-production-blue", "", "The blue slot is free."),
    ]
    free = ["1.2 GB free at /var/lib/bakery/node", "1.2 GB free at /var/lib/docker"]
    volumes = [
        NodeVolumeRow("docs-data", "docs", "data", "12 MB", "Left by an app that was deleted"),
        NodeVolumeRow("shop-data", "shop", "data", "1.4 GB", "In use", "Its app has it."),
    ]
    return NodeDiskPage("oven-1", _tabs("Disk"), free, is_scarce=True, rows=rows, total="6.5 GB", volumes=volumes)


def _drift() -> NodeDriftPage:
    diff = [
        "--- as Bakery writes it", "+++ as it is here", "@@ -8,6 +8,7 @@", "     gzip on;", "+    server_tokens on;",
    ]  # fmt: skip
    sites = "/etc/nginx/bakery.d"
    anew = "Bakery writes it anew, and nginx reads it. Visitors notice nothing."
    rows = [
        DriftRow("site:shop-production", "Site", "shop-production", "shop", f"{sites}/shop-production.conf",
                 "Its file is not as Bakery writes it: somebody changed it, or an older Bakery wrote it.", anew,
                 is_repairable=True, diff=diff),
        DriftRow("unit:bakery-docs-production-blue", "Program", "bakery-docs-production-blue", "docs",
                 "/etc/systemd/system/bakery-docs-production-blue.service",
                 "It is changed by /etc/systemd/system/bakery-docs-production-blue.service.d/override.conf.",
                 "Bakery leaves that file alone: remove it, then run systemctl daemon-reload.", is_repairable=False),
    ]  # fmt: skip
    notes = [f"{sites}/mine.conf is not Bakery's, and is left alone.", "blog is left out: a deployment runs."]
    return NodeDriftPage("oven-1", _tabs("Drift"), rows, looked_at=24, at_once=1, notes=notes)


def _commands() -> NodeCommandsPage:
    rows = [
        RunRow(2, ago(minutes=1), "docker --version", StatusView("ok", "s-ok", "done"), "0.1 s", "Docker version 27"),
        RunRow(1, ago(minutes=1), "echo bakery-ready", StatusView("bad", "s-bad", "status 1"), "0.0 s", ""),
    ]
    here = below("/nodes/oven-1/commands")
    return NodeCommandsPage("oven-1", _tabs("Commands"), rows, "0a1b2c", here, next=here)
