"""The frame around a page: navigation, where you are, who you are; and the smaller frame before sign-in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bakery.web.views.status import StatusView, Tone

Theme = Literal["light", "dark", "system"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. `role` is its title; `initial` stands in the avatar."""

    email: str
    name: str
    initial: str
    role: str


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation. Keys with a place of their own: dashboard, apps, nodes, new, activity."""

    key: str
    title: str
    href: str
    icon: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class SideApp:
    slug: str
    name: str
    status: StatusView
    current: bool = False


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way to this page; the last one has no address."""

    title: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Toast:
    """A short message. `ok` leaves by itself, `bad` stays until it is closed."""

    kind: Literal["ok", "bad"]
    text: str
    href: str | None = None
    link: str = "Open"


@dataclass(frozen=True, slots=True)
class Tab:
    """With `parts`, one of them is the page, and they have a line of their own below."""

    title: str
    href: str
    current: bool = False
    count: int | None = None
    parts: Sequence["Tab"] = ()


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything that a page inside the shell shows around its content.

    `topics` are what the page listens to; `position` is the event id at which it was rendered, so that nothing is
    missed between rendering and listening. `keys` lead to addresses, beside the keys of what is on the page.
    """

    person: Person
    nav: Sequence[NavItem]
    apps: Sequence[SideApp]
    apps_total: int
    crumbs: Sequence[Crumb]
    csrf: str
    theme: Theme
    shortcuts: bool
    version: str
    topics: Sequence[str] = ()
    position: str = ""
    insecure: bool = False
    toasts: Sequence[Toast] = ()
    may_create: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    """The frame of the pages before sign-in. `host` is where the person believes to be."""

    host: str
    csrf: str
    version: str
    theme: Theme = "system"
    insecure: bool = False
    toasts: Sequence[Toast] = ()
    shortcuts: bool = False


@dataclass(frozen=True, slots=True)
class PaletteItem:
    """One result of the palette. `icon` is a symbol of the sprite; with a `tone` it is a status shape."""

    title: str
    href: str
    icon: str
    note: str = ""
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class PaletteGroup:
    title: str
    items: Sequence[PaletteItem]
