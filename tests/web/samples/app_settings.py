"""Samples of how an app runs."""

from collections.abc import Sequence

from bakery.model.terms import NOTHING, Said, TermShown, shown_terms, terms_of
from bakery.web.presenters.app_settings import STRATEGIES
from bakery.web.presenters.terms import term_groups
from bakery.web.views.app_settings import AppSettingsPage, VolumeRow
from bakery.web.views.forms import Form
from bakery.web.views.shell import Shell, Tab
from tests.web.samples.frame import Pages, a_shell, below

_STORED = {
    "name": "The shop",
    "command": "python3 app.py",
    "health": "/health",
    "strategy": "",
    "volumes": "data:data\nuploads:public/uploads",
    "memory": "512",
    "cpus": "1.5",
}
_FACTS = [
    ("Name", "The shop"),
    ("Start command", "python3 app.py"),
    ("Strategy", "Recreate"),
    ("Volumes", "data:data uploads:public/uploads"),
    ("Memory limit", "512 MB, set here"),
    ("CPU limit", "no limit, usual"),
]

_VOLUMES = [
    VolumeRow("cache", "", "Not named any more. Its files are kept on the node."),
    VolumeRow("data", "data", "Named here."),
    VolumeRow("uploads", "public/uploads", "Named here. It is made with the next deployment."),
]
_WARNING = (
    "It has a volume and is deployed blue-green: while a new release starts, the old one and it have the same files "
    "open, and both may write to them."
)


def app_settings_pages() -> Pages:
    refused = Form(values={**_STORED, "memory": "lots"}, errors={"memory": "This is no amount of memory."})
    return {
        "app-settings": ("apps/settings.html", _page(Form(values=_STORED)), _shell()),
        "app-settings-refused": ("apps/settings.html", _page(refused), _shell()),
        "app-settings-shared": (
            "apps/settings.html",
            _page(Form(values={**_STORED, "strategy": "blue-green"}), warning=_WARNING),
            _shell(),
        ),
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


def _page(form: Form, *, why_not: str = "", warning: str = "") -> AppSettingsPage:
    return AppSettingsPage(
        "shop", _tabs(), "Runs as a process", form=form, choices=STRATEGIES, groups=term_groups(some_terms()),
        facts=_FACTS, why_not_change=why_not, volumes=_VOLUMES, warning=warning,
        volume_help="NAME:PATH, one a line, like data:data. The path is below the app.",
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
