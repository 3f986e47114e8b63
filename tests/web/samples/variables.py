"""Samples about the variables of an app."""

from bakery.web.presenters.variables import SCOPES, changes
from bakery.web.views.forms import Clash, Difference, Form
from bakery.web.views.shell import Shell, Tab
from bakery.web.views.variables import (
    BulkPage,
    VariableForm,
    VariableRow,
    VariablesPage,
    VersionRow,
    VersionsPage,
)
from tests.web.samples.apps import not_live
from tests.web.samples.frame import Pages, a_shell, ago, below

_CLASH = Clash(
    "Someone else saved while you were editing.",
    [Difference("STRIPE_KEY", "changed by dev@example.com", "as you typed it")],
    "dev@example.com",
    ago(minutes=1),
)
_TEXT = "CACHE_TTL=300\nSTRIPE_KEY=••••\nTITLE='The shop'\n"


def variable_pages() -> Pages:
    return {
        "variables": ("apps/variables.html", _page(), _shell("Variables")),
        "variables-none": (
            "apps/variables.html",
            VariablesPage("shop", _tabs(), [], 0, Form(), SCOPES),
            _shell("Variables"),
        ),
        "variables-no-match": (
            "apps/variables.html",
            VariablesPage("shop", _tabs(), [], 14, Form(values={"q": "<b>"}), SCOPES),
            _shell("Variables"),
        ),
        "variables-viewer": ("apps/variables.html", _page(allowed=False), _shell("Variables")),
        "variables-new": (
            "apps/variables.html",
            _page(VariableForm(Form(values={"scope": "run"}, errors={"name": "Bakery sets PORT itself."}), 3)),
            _shell("Variables"),
        ),
        "variables-edit": (
            "apps/variables.html",
            _page(VariableForm(Form(values={"scope": "both"}), 3, "STRIPE_KEY", clash=_CLASH)),
            _shell("Variables"),
        ),
        "variables-text": (
            "apps/variables_bulk.html",
            BulkPage("shop", _tabs(), 3, Form(values={"text": _TEXT})),
            _shell("Variables", "All as text"),
        ),
        "variables-text-wrong": (
            "apps/variables_bulk.html",
            BulkPage(
                "shop",
                _tabs(),
                3,
                Form(values={"text": _TEXT}, errors={"text": "Line 3: a quote is never closed."}),
                _CLASH,
            ),
            _shell("Variables", "All as text"),
        ),
        "variables-history": (
            "apps/variables_history.html",
            VersionsPage(
                "shop",
                _tabs(),
                [
                    VersionRow(
                        3, changes(["OLD_FLAG"], [], []), "ops1@example.com", ago(minutes=4), is_newest=True, restores=1
                    ),
                    VersionRow(
                        2, changes(["CACHE_TTL"], ["STRIPE_KEY"], ["OLD_FLAG"]), "dev", ago(hours=4), is_newest=False
                    ),
                    VersionRow(1, changes(["OLD_FLAG", "STRIPE_KEY"], [], []), "ops1", ago(days=40), is_newest=False),
                ],
                3,
                next=below("/"),
            ),
            _shell("Variables", "History"),
        ),
        "variables-history-none": (
            "apps/variables_history.html",
            VersionsPage("shop", _tabs(), [], 0),
            _shell("Variables", "History"),
        ),
    }


def _page(edit: VariableForm | None = None, *, allowed: bool = True) -> VariablesPage:
    why_not = "" if allowed else "Developers can do this. Ask an Admin."
    rows = [
        ("CACHE_TTL", "300", "run", "ops1", 0, False),
        ("IMAGES_BUCKET", "shop-images", "run", "dev", 90_000, True),
        ("NODE_OPTIONS", "--max-old-space-size=384", "build, run", "dev", 4_000, True),
        ("PUBLIC_URL", "https://shop.example.com", "build, run", "dev", 4_000, True),
        ("SESSION_SECRET", None, "run", "ops1", 17_000, True),
        ("STRIPE_KEY", None, "run", "ops1", 5, False),
        ("STRIPE_WEBHOOK_SECRET", "whsec_d0c5…example\nsecond line", "run", "ops1", 17_000, True),
        ("TZ", "Europe/Berlin", "run", "dev", 90_000, True),
    ]
    return VariablesPage(
        app="shop",
        tabs=_tabs(),
        rows=[
            VariableRow(
                name,
                value if allowed else None,
                used_in,
                by,
                ago(minutes=minutes),
                is_live,
                allowed and name == "STRIPE_WEBHOOK_SECRET",
            )
            for name, value, used_in, by, minutes, is_live in rows
        ],
        total=8,
        filters=Form(),
        scopes=SCOPES,
        not_live=not_live(can_apply=allowed),
        edit=edit,
        why_not_change=why_not,
        why_not_see=why_not,
    )


def _tabs() -> list[Tab]:
    return [
        Tab("Overview", below("/apps/shop")),
        Tab("Variables", below("/apps/shop/variables"), current=True),
        Tab("Deployments", below("/apps/shop/deployments")),
    ]


def _shell(*crumbs: str) -> Shell:
    return a_shell("shop", "Apps", "shop", *crumbs)
