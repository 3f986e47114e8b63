"""The dashboard, the lists of everything, and what is left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from bakery.delivery.under_way import UnderWay
from bakery.github.repositories import Branches, Limits, Repositories, Repository
from bakery.ingress.dns_providers import DnsProvider
from bakery.ingress.own_site import OwnSite
from bakery.model.errors import Unavailable
from bakery.model.names import HostName
from bakery.model.terms import OF_INSTALLATION
from bakery.store.installation import General
from bakery.web.assets import FOLDER
from bakery.web.manual import chapter
from bakery.web.pages.dns_providers import dns_providers_page
from bakery.web.pages.own_site import own_site_page
from bakery.web.presenters.github import choices_of, pick_page
from bakery.web.presenters.help import help_parts
from bakery.web.presenters.tasks import tasks_page
from bakery.web.presenters.terms import term_groups
from bakery.web.views.activity import ActivityPage, ActivityRow, Transcript
from bakery.web.views.dashboard import Attention, DashboardPage, FleetView, NodeLine, SetupStep
from bakery.web.views.errors import ErrorPage
from bakery.web.views.forms import Clash, Difference, Form, Option
from bakery.web.views.github import (
    GitHubAppView,
    GitHubSettingsPage,
    InstallationRow,
    LeftHookRow,
    NewGitHubAppPage,
    PickPage,
)
from bakery.web.views.help import ChapterPage, HelpPage
from bakery.web.views.jobs import JobRow
from bakery.web.views.settings import AppDefaultsPage, GeneralPage
from bakery.web.views.shell import PaletteGroup, PaletteItem, Toast
from bakery.web.views.status import StatusView, app_status, deployment_status, job_status, node_status
from bakery.web.views.styleguide import styleguide_page
from bakery.web.views.tasks import CommandRow, TaskGroup, TaskRow, TasksPage
from tests.support.people import SYSTEM
from tests.web.samples.app_settings import some_terms
from tests.web.samples.apps import deployments
from tests.web.samples.frame import NOW, Pages, a_shell, ago, below
from tests.web.samples.machines import figures
from tests.web.samples.people import APPS

_NGINX_SAYS = 'nginx refused the site 01-bakery: unknown directive "lsten" in /etc/nginx/conf.d/shop.conf:2'
_CHAPTERS = below("/help/") + "{}"
IDLE = UnderWay((), (), (), (), (), more=False)
ANY = Option("", "All")
NO_FLEET = FleetView("No machine has reported yet.", (), (), has_details=True)


def _picks() -> dict[str, PickPage]:
    limits = Limits(4990, 5000, NOW + timedelta(minutes=31))
    shop = Repository("acme/shop", private=True, clone_url="https://github.com/acme/shop.git", default_branch="main")
    blog = Repository("ann/blog", private=False, clone_url="https://github.com/ann/blog.git", default_branch="trunk")
    own, by_app = choices_of([], "ann", ""), choices_of(["acme"], "ann", "acme")
    away = Unavailable("https://github.com did not answer within 10 seconds.", hint="Try again in a moment.")
    return {
        "": pick_page(Repositories([shop, blog], is_cut=True, limits=limits), None, own, q="", now=NOW),
        "-by-app": pick_page(Repositories([shop], is_cut=False, limits=limits), None, by_app, q="", now=NOW),
        "-none": pick_page(Repositories([], is_cut=False, limits=limits), None, own, q="chekout", now=NOW),
        "-branches": pick_page(None, Branches(shop, ["main", "next"], is_cut=False, limits=limits), own, q="", now=NOW),
        "-away": pick_page(None, None, own, q="", error=away, now=NOW),
    }


_BIND = {"server": "192.0.2.53", "port": "53", "key_name": "bakery-key", "algorithm": "HMAC-SHA256"}
_NO_NAME = {"server": "certbot takes the address of the name server, not its name."}


def _providers() -> list[DnsProvider]:
    when = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
    zones = (HostName("example.com"), HostName("shop.example"))
    return [
        DnsProvider("at-home", "ovh", {"endpoint": "ovh-eu"}, b"", 120, "ann", when, zones[1:], ()),
        DnsProvider("our-bind", "rfc2136", _BIND, b"", 60, "ann@example.com", when, zones[:1], ("blog", "shop")),
    ]  # fmt: skip


_REVOKED = "GitHub does not take the App's key any more: it was revoked, or the App was deleted."
_MAKE_ANOTHER = "Forget the App under Settings → GitHub, and make another. What is live stays live."


def _app_view() -> GitHubAppView:
    where = "https://github.com/organizations/acme/settings/installations/1"
    return GitHubAppView(
        name="Bakery of Acme",
        owner="acme",
        server="https://github.com",
        page="https://github.com/apps/bakery-of-acme",
        install_page="https://github.com/apps/bakery-of-acme/installations/new",
        installations=[
            InstallationRow(
                "acme",
                "3 repositories",
                ["acme/shop", "acme/blog", "acme/billing-with-a-long-name"],
                where,
                StatusView("ok", "s-ok", "Installed"),
            ),
            InstallationRow(
                "example-labs",
                "0 repositories",
                [],
                where,
                StatusView("warn", "s-warn", "Suspended"),
                "example-labs suspended the GitHub App. An owner of example-labs ends that.",
            ),
        ],
        apps=["blog", "shop"],
        made_by="ada@example.com",
        made=ago(days=3),
        looked=ago(minutes=4),
    )


def _github(form: Form, *, is_known: bool = False) -> GitHubSettingsPage:
    return GitHubSettingsPage(
        form=form,
        callback="https://bakery.example.com/account/github/back",
        homepage="https://bakery.example.com",
        register="https://github.com/settings/applications/new",
        is_known=is_known,
        links=3 if is_known else 0,
        changed_by="ops1@example.com" if is_known else "",
        changed=ago(days=2) if is_known else None,
    )


def place_pages() -> Pages:
    """What is not about one app or one person."""
    filters = Form(values={"app": "shop"})
    tokens = (FOLDER / "tokens.css").read_text()
    return {
        "dashboard": (
            "dashboard.html",
            _dashboard(),
            a_shell(toasts=(Toast("ok", "Deployment #44 queued, 1st in line.", below("/"), "Watch"),)),
        ),
        "dashboard-first": (
            "dashboard.html",
            DashboardPage("Nothing runs yet", "This machine is ready.", [], _checklist(), NO_FLEET, [], activity()),
            a_shell(insecure=True),
        ),
        "dashboard-seen-by-others": (
            "dashboard.html",
            DashboardPage("All is well", "All 2 apps are healthy.", [], [], a_fleet(has_details=False), [], activity()),
            a_shell(),
        ),
        "help": ("help/index.html", HelpPage(help_parts(_CHAPTERS), "0.1.0", "Bakery 0.1.0"), a_shell("help", "Help")),
        "help-chapter": ("help/chapter.html", _a_chapter(), a_shell("help", "Help", "How a deployment goes")),
        "tasks": ("tasks.html", _tasks(), a_shell("tasks", "Tasks")),
        "tasks-none": ("tasks.html", tasks_page(IDLE, actor=SYSTEM, url=below, now=NOW), a_shell("tasks", "Tasks")),
        "activity": (
            "activity.html",
            ActivityPage(
                activity(),
                filters,
                [ANY, *APPS],
                [ANY],
                [ANY],
                is_filtered=True,
                export=below("/activity.csv"),
                here=below("/activity"),
                next=below("/activity"),
            ),
            a_shell("activity", "Activity"),
        ),
        "activity-none": (
            "activity.html",
            ActivityPage([], filters, APPS, [ANY], [ANY], is_filtered=True, export=below("/activity.csv")),
            a_shell("activity", "Activity"),
        ),
        "settings": (
            "settings/general.html",
            GeneralPage(
                Form(values={"base_url": "https://bakery.example.com"}), {"base_url": "Set by BAKERY_BASE_URL."}, "0"
            ),
            a_shell("settings", "Settings"),
        ),
        "settings-clash": (
            "settings/general.html",
            GeneralPage(Form(values={"apps_domain": "mine.example.com"}), {}, "0", a_clash()),
            a_shell("settings", "Settings"),
        ),
        **{
            f"settings-address{state}": (
                "settings/address.html",
                own_site_page(site, General(base_url, None, "localhost")),
                a_shell("settings", "Settings", "Own address"),
            )
            for state, site, base_url in (
                ("", OwnSite(), "http://bakery.example.com"),
                ("-nameless", OwnSite(), None),
                ("-on", OwnSite(is_wanted=True, host="bakery.example.com"), "http://bakery.example.com"),
                ("-changing", OwnSite(is_wanted=True), "http://bakery.example.com"),
                ("-trouble", OwnSite(is_wanted=True, trouble=_NGINX_SAYS), "http://bakery.example.com"),
            )
        },
        **{
            f"new-github{state}": ("apps/new_github.html", page, a_shell("apps", "Apps", "New app", "GitHub"))
            for state, page in _picks().items()
        },
        "settings-github": ("settings/github.html", _github(Form()), a_shell("settings", "Settings")),
        "settings-github-known": (
            "settings/github.html",
            _github(
                Form(values={"url": "https://github.example.com", "client_id": "Iv1.8a61f9b3a7aba766"}), is_known=True
            ),
            a_shell("settings", "Settings"),
        ),
        **{
            f"settings-dns{state}": (
                "settings/dns.html",
                dns_providers_page(found, changing=changing),
                a_shell("settings", "Settings"),
            )
            for state, found, changing in (
                ("-none", [], ("", Form())),
                ("", _providers(), ("", Form())),
                ("-refused", _providers(), ("our-bind", Form(values={"server": "ns.example.com"}, errors=_NO_NAME))),
            )
        },
        "settings-github-app": (
            "settings/github.html",
            replace(_github(Form()), app=_app_view()),
            a_shell("settings", "Settings"),
        ),
        "settings-github-app-trouble": (
            "settings/github.html",
            replace(_github(Form()), app=replace(_app_view(), installations=(), problem=_REVOKED, hint=_MAKE_ANOTHER)),
            a_shell("settings", "Settings"),
        ),
        "settings-github-left": (
            "settings/github.html",
            replace(
                _github(Form(), is_known=True),
                left=[
                    LeftHookRow(
                        2,
                        "acme/shop",
                        "shop, staging",
                        "https://github.com/acme/shop/settings/hooks/7",
                        "https://github.com has a fault of its own: it answered 502.",
                        ago(minutes=4),
                        ago(minutes=-4),
                    ),
                    LeftHookRow(
                        1,
                        "acme/blog",
                        "blog",
                        "https://github.com/acme/blog/settings/hooks/6",
                        "Whose link added it has no link any more. An admin of the repository takes it away.",
                        ago(days=9),
                        None,
                    ),
                ],
            ),
            a_shell("settings", "Settings"),
        ),
        "settings-github-app-new": (
            "settings/github_app.html",
            NewGitHubAppPage(
                Form(values={"owner": "acme"}), "https://github.com/organizations/acme/settings/apps/new?state=x", "{}"
            ),
            a_shell("settings", "Settings"),
        ),
        "settings-github-app-not": (
            "settings/github_app.html",
            NewGitHubAppPage(Form(problem="GitHub needs an address to deliver to. Set the base URL.")),
            a_shell("settings", "Settings"),
        ),
        "settings-apps": (
            "settings/apps.html",
            AppDefaultsPage(
                Form(values={"memory": "512", "drain": "soon"}, errors={"drain": "This is no duration."}),
                term_groups([term for term in some_terms() if term.key in OF_INSTALLATION]),
            ),
            a_shell("settings", "Settings"),
        ),
        "error": (
            "error.html",
            ErrorPage(
                HTTPStatus.NOT_FOUND,
                "This shelf is empty",
                "There is no such page, or you may not see it.",
                "Check the address.",
                "E-7KQ2",
                "404 This shelf is empty",
            ),
            a_shell("", "Not found"),
        ),
        "styleguide": ("styleguide.html", styleguide_page(tokens, NOW), a_shell("", "Style guide")),
    }


def a_fleet(*, has_details: bool = True) -> FleetView:
    full = StatusView("warn", "s-warn", "91 %")
    lines = [
        NodeLine("oven-3", node_status("unreachable"), below("/nodes/oven-3"), is_draining=True),
        NodeLine(
            "oven-1", node_status("online"), below("/nodes/oven-1"), cpu="34 %", memory="64 %", disk=full, load="1.2"
        ),
        NodeLine(
            "oven-2", node_status("online"), below("/nodes/oven-2"), cpu="9 %", memory="20 %", disk="40 %", load="0.1"
        ),
    ]
    if not has_details:
        lines = [NodeLine(line.name, line.status, "") for line in lines]
    return FleetView("197 of 200 are online.", figures()[:3], lines, has_details=has_details, more="197 more nodes")


def _a_chapter() -> ChapterPage:
    found = chapter("delivery", _CHAPTERS)
    assert found
    return ChapterPage(found, help_parts(_CHAPTERS, current="delivery"))


def _tasks() -> TasksPage:
    rows = [
        TaskRow(
            101, "shop", 44, below("/apps/shop/deployments/44"), "production on oven-1",
            deployment_status("running"), "Round totals half to even", "", ago(minutes=1), "ops1",
            cancel=below("/apps/shop/deployments/44/cancel"),
        ),
        TaskRow(
            102, "shop", 45, below("/apps/shop/deployments/45"), "production on oven-1", deployment_status("queued"),
            "Show tax per line", "1st in line. Begins when #44 of shop is over: one at a time.", ago(minutes=0.2),
            "dev", cancel=below("/apps/shop/deployments/45/cancel"),
        ),
        TaskRow(
            99, "blog", 7, below("/apps/blog/deployments/7"), "staging on oven-2", deployment_status("failed"),
            "Read posts from a folder", "GET /health answered 502.", ago(minutes=90), "dev",
            retry=below("/apps/blog/deployments/7/retry"),
        ),
    ]  # fmt: skip
    job = JobRow(
        7, "apt-get update", job_status("running"), "ops1", ago(minutes=2), "1:58", below("/nodes/oven-1/jobs/7")
    )
    groups = [
        TaskGroup("running", "Running", "Started", rows[:1], ""),
        TaskGroup("queued", "Waiting", "Asked", rows[1:2], ""),
        TaskGroup("scheduled", "Scheduled", "Begins", [], "Nothing is planned for later."),
        TaskGroup("failed", "Failed, last 24 hours", "Ended", rows[2:], ""),
    ]
    return TasksPage("Deployments: 1 runs, 1 waits.", groups, [CommandRow("oven-1", job)], more=True)


def activity() -> list[ActivityRow]:
    rows = [
        ("git-commit-horizontal", "A push to main", "started", "shop #44", 0.2),
        ("rocket", "ops1", "deployed", "api #42", 2),
        ("key-round", "dev", "changed the role of", "viewer@example.com", 5),
        ("user-plus", "ops1", "invited", "new@example.com", 62),
        ("shield-check", "dev", "turned on the second factor of", "dev@example.com", 300),
    ]
    return [
        ActivityRow(
            id=index,
            icon=icon,
            actor=who,
            did=did,
            target=what,
            at=ago(minutes=minutes),
            href=below("/"),
            origin="browser, 203.0.113.9",
            transcripts=[Transcript("oven-1", below("/nodes/oven-1/commands", request_id="0a1b2c"))]
            if index == 2
            else (),
        )
        for index, (icon, who, did, what, minutes) in enumerate(rows)
    ]


def a_clash() -> Clash:
    return Clash(
        "Someone else saved while you were editing.",
        [
            Difference("Base URL", "https://bakery.example.com", "not set"),
            Difference("Apps domain", "theirs.example.com", "mine.example.com"),
        ],
        "Ben Okafor",
        ago(minutes=1),
    )


def palette() -> list[PaletteGroup]:
    return [
        PaletteGroup("Apps", [PaletteItem("shop", below("/apps/shop"), "s-ok", "Healthy", "ok")]),
        PaletteGroup(
            "Pages",
            [
                PaletteItem("Activity", below("/activity"), "history"),
                PaletteItem("oven-1", below("/nodes"), "server", "Node"),
            ],
        ),
    ]


def _dashboard() -> DashboardPage:
    down = Attention(
        app_status("down"),
        "newsletter is down",
        "Health check failed 3 times: GET /health answered 502. Last good release #18, 2 h ago.",
        below("/apps/newsletter"),
        "Look",
    )
    summary = "Of 12 apps, 9 are healthy, 1 is deploying and 1 is stopped."
    return DashboardPage("1 app is down", summary, [down], [], a_fleet(), deployments(), activity())


def _checklist() -> list[SetupStep]:
    return [
        SetupStep("Create the first Admin", "That is you.", below("/"), "Done", done=True),
        SetupStep(
            "Turn on your second factor",
            "A stolen password is then not enough.",
            below("/account/security"),
            "Turn on",
            done=False,
        ),
    ]
