"""New app: its sections, empty, filled and refused."""

from dataclasses import replace
from datetime import timedelta

from bakery.delivery.drafts import Draft
from bakery.delivery.findings import Asked, Finding
from bakery.delivery.recipe import Recipe
from bakery.delivery.sources import DeployKey
from bakery.github.links import LinkDetail
from bakery.model.github import PUBLIC
from bakery.model.nodes import NodeState
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.model.variables import VariableName
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.nodes.catalogue import MachineFacts, NodeSummary
from bakery.stacks.plan import Alternative, ProposedVariable, ToolVersion
from bakery.web.presenters.new_app import Offers, new_app_page
from bakery.web.presenters.new_app_seen import Seen
from bakery.web.views.forms import Form
from tests.web.samples.frame import NOW, Pages, a_shell

URL = "https://github.com/acme/shop.git"
_GB = 1024**3


def a_node(
    slug: str = "oven-2", *, name: str = "", free: int = 46, apps: int = 3, has_docker: bool = True
) -> NodeSummary:
    facts = MachineFacts(
        "bakery-agent", False, has_docker, "/usr/sbin/nginx", "3.11.2", free * _GB, 4 * _GB, 2,  # noqa: FBT003 - its own order
        UnitKeeper.SYSTEMD, IngressKind.SYSTEM_NGINX,
    )  # fmt: skip
    return NodeSummary(
        id=2, slug=slug, name=name or slug, kind="ssh", state=NodeState.ONLINE, state_since=NOW, trouble="",
        trouble_hint="", is_draining=False, host="192.0.2.7", port=22, login="bakery-agent", bastion=None,
        public_address=None, public_ipv6=None, apps_domain="apps.example.com", site_port=80, facts=facts, looked_at=NOW,
        handshake_at=NOW, handshake_seconds=0.1, key_public=None, host_key=None, bastion_host_key=None,
        other_host_key=None, other_is_bastions=False, checks=(), checked_at=NOW, is_checking=False, is_rotating=False,
        is_watched=True, apps=apps,
    )  # fmt: skip


NODES = (a_node("oven-1", free=18, apps=9), a_node())


def a_finding() -> Finding:
    recipe = Recipe(
        "node", ("package.json: an app of Node.",), install=("npm", "ci"), build=("npm", "run", "build"),
        test=("npm", "test"), start=("node", "server.js"), dockerfile_text="FROM node:22\n", port=3000,
    )  # fmt: skip
    return Finding(
        Asked(URL, "", ""), "oven-2", "main", "9f3c1e" + "0" * 34, "Fix the cart total", "Ann Baker", stack="node",
        runtime=Runtime.DOCKER, why=("package.json: an app of Node.", "“node” comes before what else was found here."),
        versions=(ToolVersion("Node", "22", "package.json"),), recipe=recipe, writes_dockerfile=True,
        variables=(
            ProposedVariable(VariableName("DATABASE_URL"), "package.json needs pg, a client of PostgreSQL."),
            ProposedVariable(VariableName("STRIPE_KEY"), ".env.example names it."),
        ),
    )  # fmt: skip


def several_apps() -> Finding:
    return replace(
        a_finding(), stack="", runtime=None, recipe=None, versions=(), variables=(), why=(),
        problem="There are several apps in this repository.", hint="Choose a base folder: apps/web, apps/api.",
        alternatives=(
            Alternative("node", Runtime.DOCKER, RepositoryPath("apps/web"), "apps/web/package.json: an app of Node."),
            Alternative("python", Runtime.DOCKER, RepositoryPath("apps/api"), "apps/api/pyproject.toml: Python."),
        ),
    )  # fmt: skip


def a_draft(reached: int, **more: str) -> Draft:
    fields = {"kind": "git", "url": URL, "slug": "shop", "reached": str(reached), **more}
    kept = {VariableName("STRIPE_KEY"): Secret("sk-canary")} if reached > 3 else {}
    return Draft(fields, a_finding(), variables=kept, saved_at=NOW - timedelta(seconds=10))


def new_app_pages() -> Pages:
    def page(draft: Draft, at: str, form: Form | None = None) -> object:
        offers = Offers(
            LinkDetail(PUBLIC, "ann" if draft.text("github") else None, NOW), has_app=bool(draft.text("by"))
        )
        return new_app_page(Seen(draft, NODES, at, name_is_free=at == "address"), form, offers, now=NOW)

    no_image = "There is no registry.example.com/hub:1, or it does not show itself to us."
    of_image = {"kind": "image", "slug": "hub", "image": "registry.example.com/hub:1", "reached": "1"}
    pages = {
        "app-new": page(Draft(), "source"),
        "new-of-github": page(Draft({"kind": "git", "url": URL, "github": URL, "branch": "main"}), "source"),
        "new-ssh": page(
            Draft(
                {"kind": "git", "url": "git@github.com:acme/shop.git"},
                key=DeployKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN bakery", Secret("canary")),
                saved_at=NOW,
            ),
            "source",
            Form(errors={"url": "Add the deploy key below to the repository, to read only, and continue again."}),
        ),
        "new-image": page(Draft(of_image, saved_at=NOW), "source", Form(errors={"image": no_image})),
        "new-folder": page(Draft({"kind": "folder", "reached": "1", "slug": "site"}, saved_at=NOW), "build"),
        "new-build": page(a_draft(1), "build"),
        "new-several": page(
            replace(a_draft(1), finding=several_apps()),
            "build",
            Form(errors={"base": "There are several apps in this repository."}),
        ),
        "new-address": page(a_draft(2), "address"),
        "new-name-taken": page(
            a_draft(2), "address", Form(errors={"slug": "There is already an app with the name shop."})
        ),
        "new-variables": page(replace(a_draft(4), saved_at=NOW), "variables"),
        "new-review": page(a_draft(4), "review"),
    }
    return {name: ("apps/new.html", shown, a_shell("apps", "Apps", "New app")) for name, shown in pages.items()}
