"""The frames around the samples, and the templates' environment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import jinja2

from bakery.web.addresses import below as further
from bakery.web.addresses import query_of
from bakery.web.assets import FOLDER, read_assets
from bakery.web.moments import Moment, moment
from bakery.web.views.shell import Crumb, Gate, NavItem, Person, Shell, SideApp, Toast
from bakery.web.views.status import (
    app_status,
)

NOW = datetime(2026, 11, 21, 14, 2, 51, tzinfo=UTC)
TEMPLATES = FOLDER.parent / "templates"
ASSETS = read_assets()
PREFIX = "/bakery"
Pages = Mapping[str, tuple[str, object, Shell]]


def environment() -> jinja2.Environment:
    """As strict as the real one, below a path prefix."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["below"] = further
    made.filters["query"] = query_of
    made.globals.update(url=below, static=static)
    return made


def below(path: str, **query: str | int | None) -> str:
    given = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return f"{PREFIX}{path}" + (f"?{given}" if given else "")


def static(name: str) -> str:
    assert name in ASSETS, f"no file static/{name}"
    return f"{PREFIX}/static/{name}?v=0"


def ago(**since: float) -> Moment:
    return moment(NOW - timedelta(**since), NOW)


def a_shell(here: str = "dashboard", *crumbs: str, toasts: tuple[Toast, ...] = (), insecure: bool = False) -> Shell:
    places = [
        ("dashboard", "Dashboard", "/", "house", None),
        ("apps", "Apps", "/apps", "layout-list", 12),
        ("nodes", "Nodes", "/nodes", "server", 1),
        ("tasks", "Tasks", "/tasks", "circle-play", None),
        ("activity", "Activity", "/activity", "history", None),
        ("team", "Team", "/team", "users", None),
        ("settings", "Settings", "/settings/general", "settings-2", None),
        ("help", "Help", "/help", "file-text", None),
    ]
    states = ["down", "deploying", "healthy", "healthy", "healthy", "stopped", "never_deployed"]
    names = ["newsletter", "shop", "api", "blog", "docs", "old-shop", "landing"]
    return Shell(
        person=Person(email="ops1@example.com", name="ops1", initial="o", role="Admin"),
        nav=[NavItem(key, title, below(path), icon, count, key == here) for key, title, path, icon, count in places],
        apps=[SideApp(name, name, app_status(state), here == name) for name, state in zip(names, states, strict=True)],
        apps_total=12,
        crumbs=[Crumb(title, below("/")) for title in crumbs[:-1]]
        + [Crumb(title) for title in crumbs[-1:] or ("Dashboard",)],
        csrf="a-token",
        theme="system",
        shortcuts=True,
        version="0.1.0",
        topics=("apps",),
        position="e=120",
        keys={"d": below("/apps/shop/deploy"), "l": below("/apps/shop/logs")},
        insecure=insecure,
        toasts=toasts,
    )


def a_gate(*, insecure: bool = False) -> Gate:
    return Gate(host="bakery.example.com", csrf="a-token", version="0.1.0", insecure=insecure)
