"""Samples about apps and deployments."""

from dataclasses import replace

from markupsafe import Markup

from bakery.web.presenters.variables import changes
from bakery.web.views.apps import AppPage, AppRow, AppsPage, AppView, LiveRelease
from bakery.web.views.deliveries import BranchCard, DeliveriesPage, DeliveryRow
from bakery.web.views.deployments import (
    DeploymentPage,
    DeploymentRow,
    DeploymentsPage,
    DeploymentView,
    Failure,
    LogLine,
    StepLog,
    StepView,
    WayBackView,
)
from bakery.web.views.environments import EnvironmentRow, EnvironmentsPage
from bakery.web.views.forms import Form, Option
from bakery.web.views.previews import PreviewRow, PreviewsPage
from bakery.web.views.shell import Tab
from bakery.web.views.status import (
    StatusView,
    app_status,
    deployment_status,
    step_status,
)
from bakery.web.views.terminal import TerminalPage
from bakery.web.views.variables import NotLive
from tests.web.samples.frame import Pages, a_shell, ago, below
from tests.web.samples.new_app import new_app_pages
from tests.web.samples.processes import some_processes
from tests.web.samples.slots import some_slots


def deployments(app: str | None = None) -> list[DeploymentRow]:
    rows = [
        ("shop", 44, deployment_status("running").saying("Check"), "c81d02", "Round totals half to even", 0.5, "0:51"),
        ("api", 42, deployment_status("succeeded"), "9f3c1e", "Cache the price list for 5 minutes", 2, "2:10"),
        ("shop", 43, deployment_status("failed").saying("Failed in Test"), "4be7a0", "Show tax per line", 18, "1:12"),
        (
            "blog",
            7,
            deployment_status("succeeded"),
            "17d9aa",
            "Post: what we learned about caching, and what not",
            60,
            "0:48",
        ),
        ("gateway", 29, deployment_status("cancelled"), "e6610d", "Try HTTP/3", 1500, "0:22"),
    ]
    return [
        DeploymentRow(
            id=100 + index,
            app=app or name,
            number=number if app is None else 44 - index,
            status=status,
            sha=sha,
            change=change,
            started=ago(minutes=minutes),
            took=took,
            is_live=app is not None and index == 1,
            back_to=7 if app is not None and index == 3 else None,
        )
        for index, (name, number, status, sha, change, minutes, took) in enumerate(rows)
    ]


def _deliveries() -> DeliveriesPage:
    decided = (
        StatusView("ok", "s-ok", "Deployed"),
        StatusView("off", "s-skip", "Ignored"),
        StatusView("bad", "s-bad", "Refused"),
    )
    rows = [
        DeliveryRow(3, decided[0], "main@9f3c1e7", "Fix the cart", "9f3c1e7 was pushed to main.", "ann", ago(minutes=2),
                    deployment=44, redeliver=below("/apps/shop/deliveries/3/redeliver")),
        DeliveryRow(2, decided[1], "next@1111111", "Try", "It is of the branch next.", "ann", ago(hours=1)),
        DeliveryRow(1, decided[2], "Not signed", "", "It came without a signature.", "", ago(days=1), times=7),
    ]  # fmt: skip
    return DeliveriesPage(
        "shop",
        _tabs("deliveries"),
        rows,
        branch=BranchCard(
            "main of https://github.com/acme/shop.git is at 2222222.",
            gap="main is at 2222222, and 9f3c1e7 is live. Its push never arrived.",
            may_deploy=True,
            at=ago(minutes=4),
        ),
        addresses=[("For GitHub", "https://bakery.example.com/hooks/github/xyz")],
        is_heard=True,
        is_on=True,
        secret="a-secret-that-is-shown-once",
        form=Form(values={"paths": "packages/ui/**", "tags": "v*"}, errors={"tags": "Use the name of a tag."}),
        workflows=[("GitHub Actions", "name: Deploy\non: push")],
        badge="![shop](https://bakery.example.com/api/apps/shop/badge.svg?key=0)",
        older=below("/apps/shop/deliveries?after=1"),
    )


def _environments() -> EnvironmentsPage:
    rows = [
        EnvironmentRow(
            "production", below("/apps/shop"), app_status("healthy"), "https://shop.example.com", "main", "oven-1"
        ),
        EnvironmentRow(
            "staging",
            below("/apps/shop", env="staging"),
            app_status("never_deployed"),
            "",
            "next",
            "oven-2",
            is_current=True,
        ),
    ]
    return EnvironmentsPage("shop", _tabs("environments"), rows, like="staging", has_branch=True)


def _previews() -> PreviewsPage:
    page = below("/apps/shop", env="pr42")
    rows = [
        PreviewRow(
            44, "Try HTTP/3 for the pictures of the shop, and see what it does to old phones",
            "https://github.com/acme/shop/pull/44", "http3 by mallory, from a fork",
            StatusView("warn", "s-warn", "Waits for approval"), ["9f3c1e7 waits for a person's approval."],
            commit="9f3c1e7" + "0" * 33, approve=below("/apps/shop/previews/44/approve"),
            close=below("/apps/shop/previews/44/close"),
        ),
        PreviewRow(
            42, "Round the cart's total once", "https://github.com/acme/shop/pull/42", "carts by ann",
            app_status("healthy"), ["GitHub has no comment about it: GitHub is away."], page=page,
            address="https://shop.example.com", deployment=61, deployment_page=page, deployed="4be7a0c",
            at=ago(minutes=7), close=below("/apps/shop/previews/42/close"),
        ),
        PreviewRow(41, "Show tax per line", "", "tax by ben", StatusView("off", "s-skip", "Closed")),
    ]  # fmt: skip
    form = Form(
        values={"is_on": "on", "variables": "PAGE_SIZE", "most": "500", "days": "14", "forks": "approval"},
        errors={"most": "Use a number from 1 to 50."},
    )
    return PreviewsPage(
        "shop",
        _tabs("previews"),
        rows,
        is_on=True,
        warning="production has no webhook yet, so nothing tells of pull requests. Make one under Deliveries.",
        likes=[Option("production", "production"), Option("staging", "staging")],
        forks=[Option("never", "Never"), Option("approval", "After a person's approval of each commit")],
        form=form,
        older=below("/apps/shop/previews?after=41"),
    )


def _terminal(why_not: str = "") -> TerminalPage:
    return TerminalPage(
        "shop",
        "production",
        _tabs("terminal"),
        run=below("/api/apps/shop/run"),
        same="bakery run shop -- sh",
        release=42,
        node="oven-1",
        idle_seconds=1800,
        why_not=why_not,
    )


def _steps(*, failed: bool) -> list[StepView]:
    lines = [
        LogLine(number, Markup("<span class='a2'>✓</span> cart › case {}").format(number)) for number in range(1, 29)
    ]
    log = StepLog(stream="17", lines=lines, to=4096, raw=below("/apps/shop/deployments/44/log"))
    done = [
        ("queue", "Queue", "0 s"),
        ("fetch", "Fetch", "2.1 s"),
        ("detect", "Detect", "0.1 s"),
        ("install", "Install", "21.3 s"),
    ]
    rest = [("start", "Start"), ("check", "Health check"), ("switch", "Switch traffic"), ("clean", "Clean up")]
    now = StepView(
        key="test",
        name="Test",
        status=step_status("failed" if failed else "running"),
        detail="28 lines",
        took="0:38",
        usual="38 s",
        weight=4,
        is_open=True,
        log=log,
    )
    return [
        *(StepView(key, name, step_status("done"), "Done", took=took, usual=took) for key, name, took in done),
        now,
        *(StepView(key, name, step_status("waiting"), "Waiting", usual="4 s") for key, name in rest),
    ]


def a_deployment(*, failed: bool = False) -> DeploymentView:
    steps = _steps(failed=failed)
    return DeploymentView(
        id=100,
        app="shop",
        number=44,
        status=deployment_status("failed").saying("Failed in Test") if failed else deployment_status("running"),
        change="Round totals half to even",
        sha="main@c81d02",
        trigger="push by dev",
        place="oven-1, green",
        calm="#42 is still live on blue. Nothing changed for visitors."
        if failed
        else "#42 stays live on blue until traffic switches.",
        steps=steps,
        is_over=failed,
        took="0:51",
        usual="2:10",
        current=steps[4],
        position="step 5 of 9",
        retries_from="Test",
        failure=Failure(
            title="2 of 148 tests failed",
            where="npm test on oven-1 ended with exit 1 after 38 s.",
            output="cart.test.js:88   expected 42.00, got 41.99\ncart.test.js:104  expected 37.80, got 37.79",
            fix="Correct the test or the code and push: the next push to main deploys by itself.",
            error_id="E-7KQ2",
            at=ago(minutes=18),
            line="test-L12",
        )
        if failed
        else None,
        address="https://shop.example.com",
    )


def _tabs(here: str) -> list[Tab]:
    return [
        Tab("Overview", below("/apps/shop"), current=here == "overview"),
        Tab("Deployments", below("/apps/shop/deployments"), current=here == "deployments", count=44),
    ]


def not_live(*, can_apply: bool = True) -> NotLive:
    return NotLive(
        "3 variables are not live yet.",
        "No build is needed: #42 starts again with what changed, then traffic moves."
        if can_apply
        else "PUBLIC_URL is used while the app is built, so deploy it from its source.",
        changes(["CACHE_TTL"], ["STRIPE_KEY"], ["OLD_FLAG"]),
        can_apply,
    )


def an_app(*, stopped: bool = False, allowed: bool = True) -> AppView:
    return AppView(
        slug="shop",
        name="shop",
        status=app_status("stopped" if stopped else "healthy"),
        address="https://shop.example.com",
        source="npm start",
        follows="main of github.com/acme/shop",
        node="oven-1",
        interruption="It is unreachable for about 4 s.",
        live=LiveRelease(
            number=42,
            change="Fix cart total",
            version="main@9f3c1e",
            by="ops1",
            since=ago(hours=2),
            slot="green slot",
            address="127.0.0.1:20002",
            health="GET /health, 200 in 14 ms",
        ),
        deployments=deployments("shop"),
        back_to=41,
        is_stopped=stopped,
        not_live=None if stopped else not_live(can_apply=allowed),
        problem="Nobody can reach it until it is started." if stopped else "",
        why_not_act="" if allowed else "Developers can do this. Ask an Admin.",
    )


def app_pages() -> Pages:
    """Apps and deployments."""
    return {
        "apps": (
            "apps/index.html",
            AppsPage(_app_rows(), Form(), 12, is_filtered=False, next=below("/apps")),
            a_shell("apps", "Apps"),
        ),
        "apps-none": ("apps/index.html", AppsPage([], Form(), 0, is_filtered=False), a_shell("apps", "Apps")),
        "apps-no-match": (
            "apps/index.html",
            AppsPage([], Form(values={"q": "<b>"}), 0, is_filtered=True),
            a_shell("apps", "Apps"),
        ),
        **new_app_pages(),
        "app-of-image": (
            "apps/show.html",
            AppPage(
                replace(an_app(), follows="registry.example.com/team/shop:1.2", is_image=True),
                _tabs("overview"),
                some_slots(),
                some_processes(),
            ),
            a_shell("shop", "Apps", "shop"),
        ),
        "app": (
            "apps/show.html",
            AppPage(
                an_app(),
                _tabs("overview"),
                some_slots(),
                some_processes(),
                kept=(
                    "the volume data, for an app of this name, unless you choose otherwise",
                    "what was done to it, in Activity",
                ),
                volumes=("data",),
            ),
            a_shell("shop", "Apps", "shop"),
        ),
        "app-staging": (
            "apps/show.html",
            AppPage(
                replace(an_app(), environment="staging"),
                _tabs("overview"),
                some_slots(),
                some_processes(),
                kept=("what was done to it, in Activity",),
            ),
            a_shell("shop", "Apps", "shop in staging"),
        ),
        "terminal": (
            "apps/terminal.html",
            _terminal(),
            a_shell("shop", "Apps", "shop", "Terminal"),
        ),
        "terminal-viewer": (
            "apps/terminal.html",
            _terminal(why_not="Your role may not deploy."),
            a_shell("shop", "Apps", "shop", "Terminal"),
        ),
        "deliveries": ("apps/deliveries.html", _deliveries(), a_shell("shop", "Apps", "shop", "Deliveries")),
        "deliveries-by-app": (
            "apps/deliveries.html",
            replace(_deliveries(), by_app=True, addresses=(), secret=""),
            a_shell("shop", "Apps", "shop", "Deliveries"),
        ),
        "deliveries-by-link": (
            "apps/deliveries.html",
            replace(
                _deliveries(),
                has_github_link=True,
                repaired=ago(hours=2),
                repair_problem="It is missing there, and could not be put back. GitHub lets this link add none.",
                left=[
                    "Its webhook in acme/shop is of no use any more, and is there still. It is tried again by itself."
                ],
                untold="How deployment #44 does was not told: GitHub refused this: No commit found.",
            ),
            a_shell("shop", "Apps", "shop", "Deliveries"),
        ),
        "deliveries-none": (
            "apps/deliveries.html",
            DeliveriesPage(
                "shop",
                _tabs("deliveries"),
                branch=BranchCard("", problem="git.example.com does not answer.", hint="Try again.", at=ago(hours=1)),
                why_not_change="Your role may not change this.",
            ),
            a_shell("shop", "Apps", "shop", "Deliveries"),
        ),
        "previews": ("apps/previews.html", _previews(), a_shell("shop", "Apps", "shop", "Previews")),
        "previews-none": (
            "apps/previews.html",
            PreviewsPage("shop", _tabs("previews"), why_not_change="Developers can do this."),
            a_shell("shop", "Apps", "shop", "Previews"),
        ),
        "environments": (
            "apps/environments.html",
            _environments(),
            a_shell("shop", "Apps", "shop", "Environments"),
        ),
        "environments-refused": (
            "apps/environments.html",
            replace(
                _environments(),
                form=Form(values={"name": "blue"}, errors={"name": "Use up to 16 lower-case letters and digits."}),
            ),
            a_shell("shop", "Apps", "shop", "Environments"),
        ),
        "environments-viewer": (
            "apps/environments.html",
            replace(_environments(), why_not_add="Your role may not add environments."),
            a_shell("shop", "Apps", "shop", "Environments"),
        ),
        "app-stopped": (
            "apps/show.html",
            AppPage(an_app(stopped=True), _tabs("overview"), some_slots(troubled=True), some_processes(stopped=True)),
            a_shell("shop", "Apps", "shop"),
        ),
        "app-viewer": (
            "apps/show.html",
            AppPage(an_app(allowed=False), _tabs("overview"), some_slots(), some_processes(allowed=False)),
            a_shell("shop", "Apps", "shop"),
        ),
        "deployments": (
            "deployments/index.html",
            DeploymentsPage("shop", _tabs("deployments"), deployments("shop"), next=below("/")),
            a_shell("shop", "Apps", "shop", "Deployments"),
        ),
        "deployment": (
            "deployments/show.html",
            DeploymentPage(a_deployment()),
            a_shell("shop", "Apps", "shop", "Deployments", "#44"),
        ),
        "deployment-back": (
            "deployments/show.html",
            DeploymentPage(
                replace(
                    a_deployment(),
                    number=41,
                    status=deployment_status("succeeded"),
                    is_over=True,
                    current=None,
                    back_to=41,
                ),
                WayBackView(
                    number=41,
                    change="“Show tax per line” (4be7a0)",
                    was_live=ago(hours=26),
                    instead="#42, “Fix cart total”",
                    effect="Visitors notice nothing.",
                    variables=(
                        Option("then", "As they were with #41", "Since then CACHE_TTL was added, STRIPE_KEY changed."),
                        Option("today", "Today's", "#41 starts with them as a new release."),
                    ),
                ),
            ),
            a_shell("shop", "Apps", "shop", "Deployments", "#41"),
        ),
        "deployment-failed": (
            "deployments/show.html",
            DeploymentPage(a_deployment(failed=True)),
            a_shell("shop", "Apps", "shop", "Deployments", "#44"),
        ),
    }


def _app_rows() -> list[AppRow]:
    return [
        AppRow(
            "shop", "shop", app_status("deploying"), "https://shop.example.com", "oven-1", "main@9f3c1e", ago(hours=2)
        ),
        AppRow("landing", "landing", app_status("never_deployed"), "", "oven-1", "", None),
    ]
