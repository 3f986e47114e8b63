"""Samples about where an app's code is kept."""

from dataclasses import replace

from bakery.web.views.forms import Form, Option
from bakery.web.views.shell import Shell, Tab
from bakery.web.views.sources import DeployPage, PlanLineView, PlanPartView, PlanView, SourcePage
from tests.web.samples.frame import Pages, a_shell, ago, below

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH7kQm1sVQ0wB7tJwzq0vL0n1mUq0Vd6dGx7h3tYk9pQ bakery-shop"
_HOST_KEY = "git.example.com SHA256:uNiVztksCsDhcc0u9e8BrYXZ7Y5v2Xl4bq2dX1nQ3kM"


def source_pages() -> Pages:
    stored = Form(values={"url": "https://github.com/acme/shop.git", "branch": "main", "base": "apps/web"})
    over_ssh = Form(values={"url": "git@git.example.com:acme/shop.git", "branch": "main"})
    refused = Form(
        values={"url": "https://github.com/acme/shpo", "branch": "main"},
        errors={"url": "There is no repository at https://github.com/acme/shpo, or it does not show itself to us."},
    )
    follows = "main of https://github.com/acme/shop.git"
    return {
        "source": ("apps/source.html", _page(stored, follows, has_token=True), _shell()),
        "source-none": ("apps/source.html", SourcePage("shop", _tabs()), _shell()),
        "source-ssh": (
            "apps/source.html",
            SourcePage(
                "shop",
                _tabs(),
                over_ssh,
                "main of git@git.example.com:acme/shop.git",
                deploy_key=_KEY,
                host_keys=[_HOST_KEY],
                changed_by="ada@example.com",
                changed_at=ago(days=2),
            ),
            _shell(),
        ),
        "source-by-app": (
            "apps/source.html",
            replace(
                _page(Form(values={**stored.values, "opens": "app"}), follows),
                ways=[Option("app", "The GitHub App"), Option("mine", "Your link to GitHub, as ann")],
                opened="The GitHub App, installed at acme",
                problem="acme suspended the GitHub App.",
                hint="An owner of acme ends that.",
            ),
            _shell(),
        ),
        "deploy": ("apps/deploy.html", DeployPage("shop", follows=follows), _shell("Deploy")),
        "deploy-plan": ("apps/deploy.html", DeployPage("shop", follows=follows, plan=_plan()), _shell("Deploy")),
        "deploy-refused": (
            "apps/deploy.html",
            DeployPage("shop", Form(values={"ref": "mian", "skip_tests": "on"}, errors={"ref": "Mian."}), follows),
            _shell("Deploy"),
        ),
        "deploy-folder": ("apps/deploy.html", DeployPage("shop"), _shell("Deploy")),
        "source-image": (
            "apps/source.html",
            SourcePage(
                "shop",
                _tabs(),
                follows="registry.example.com/team/shop:1.2",
                has_token=True,
                changed_by="ada@example.com",
                changed_at=ago(hours=3),
                is_image=True,
                image=Form(values={"image": "registry.example.com/team/shop:1.2", "port": "8080", "username": "ci"}),
            ),
            _shell(),
        ),
        "source-docker": ("apps/source.html", replace(_page(stored, follows), image=Form()), _shell()),
        "deploy-image": (
            "apps/deploy.html",
            DeployPage("shop", follows="registry.example.com/team/shop:1.2", is_image=True, plan=_plan_of_image()),
            _shell("Deploy"),
        ),
        "source-refused": ("apps/source.html", _page(refused, ""), _shell()),
        "source-viewer": ("apps/source.html", _page(stored, follows, why_not="Your role is Viewer."), _shell()),
    }


def _page(form: Form, follows: str, *, has_token: bool = False, why_not: str = "") -> SourcePage:
    return SourcePage(
        "shop",
        _tabs(),
        form,
        follows,
        has_token=has_token,
        changed_by="ada@example.com" if follows else "",
        changed_at=ago(hours=3) if follows else None,
        why_not_change=why_not,
    )


def _plan() -> PlanView:
    def line(text: str, kind: str = "same") -> PlanLineView:
        mark, word = {"same": ("", ""), "add": ("+", "new"), "del": ("-", "goes")}[kind]
        return PlanLineView(text, kind, mark, word)

    return PlanView(
        "9f3c1e04",
        "Fix the cart total, by Ann",
        "Marked is what is other than with release #41, which is live.",
        [
            PlanPartView("Fetch the commit", "", []),
            PlanPartView("Install what it needs", "", [line("$ npm ci")]),
            PlanPartView("Build it", "", [line("$ npm run build", "del"), line("$ npm run build -- --minify", "add")]),
            PlanPartView("Run its command after the switch", "New", [line("$ ./warm-up", "add")]),
            PlanPartView("Variables", "", [line("While it runs: DATABASE_URL, STRIPE_KEY")]),
        ],
    )


def _plan_of_image() -> PlanView:
    pull = "$ docker pull registry.example.com/team/shop@sha256:" + "0a1b" * 16
    parts = [
        PlanPartView("Pull the image", "", [PlanLineView(pull, "add", "+", "new")]),
        PlanPartView(
            "Start the release on green",
            "",
            [
                PlanLineView("With the command of its image.", "same", "", ""),
                PlanLineView("Listens on 0.0.0.0, the port that the image exposes, in its container.", "same", "", ""),
            ],
        ),
    ]
    compared = "Marked is what is other than with release #41, which is live."
    return PlanView("0a1b0a1", "registry.example.com/team/shop:1.2", compared, parts)


def _tabs() -> list[Tab]:
    places = {"Overview": "", "Variables": "/variables", "Deployments": "/deployments", "Source": "/source"}
    return [Tab(title, below(f"/apps/shop{path}"), current=title == "Source") for title, path in places.items()]


def _shell(title: str = "Source") -> Shell:
    return a_shell("shop", "Apps", "shop", title)
