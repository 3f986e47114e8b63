"""Samples of how an app runs."""

from collections.abc import Sequence

from bakery.model.terms import NOTHING, Said, TermShown, shown_terms, terms_of
from bakery.web.presenters.app_settings import STRATEGIES
from bakery.web.presenters.terms import term_groups
from bakery.web.views.app_settings import AppSettingsPage
from bakery.web.views.forms import Form
from bakery.web.views.shell import Shell, Tab
from tests.web.samples.frame import Pages, a_shell, below

_STORED = {
    "name": "The shop",
    "command": "python3 app.py",
    "health": "/health",
    "strategy": "blue-green",
    "memory": "512",
    "cpus": "1.5",
}
_FACTS = [
    ("Name", "The shop"),
    ("Start command", "python3 app.py"),
    ("Strategy", "Blue-green"),
    ("Memory limit", "512 MB, set here"),
    ("CPU limit", "no limit, usual"),
]


def app_settings_pages() -> Pages:
    refused = Form(values={**_STORED, "memory": "lots"}, errors={"memory": "This is no amount of memory."})
    return {
        "app-settings": ("apps/settings.html", _page(Form(values=_STORED)), _shell()),
        "app-settings-refused": ("apps/settings.html", _page(refused), _shell()),
        "app-settings-static": (
            "apps/settings.html",
            AppSettingsPage("shop", _tabs(), "Static files", runs=False, form=Form(values={"name": "Docs"})),
            _shell(),
        ),
        "app-settings-viewer": (
            "apps/settings.html",
            _page(Form(values=_STORED), why_not="Your role is Viewer."),
            _shell(),
        ),
    }


def _page(form: Form, *, why_not: str = "") -> AppSettingsPage:
    return AppSettingsPage(
        "shop", _tabs(), "Runs as a process", form=form, choices=STRATEGIES, groups=term_groups(some_terms()),
        facts=_FACTS, why_not_change=why_not,
    )  # fmt: skip


def some_terms() -> Sequence[TermShown]:
    said = Said(path="/health", memory_bytes=512 * 1024**2, cpu_percent=150)
    repository = Said(drain=60.0, grace=30.0)
    return shown_terms(said, terms_of(said, repository), terms_of(NOTHING, repository))


def _tabs() -> list[Tab]:
    places = ("Overview", "Variables", "Deployments", "Logs", "Source", "Settings")
    return [Tab(title, below(f"/apps/shop/{title.lower()}"), current=title == "Settings") for title in places]


def _shell() -> Shell:
    return a_shell("shop", "Apps", "shop", "Settings")
