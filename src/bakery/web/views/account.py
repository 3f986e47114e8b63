"""The pages of one's own account."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Options


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """account/profile.html. Fields: name."""

    form: Form
    email: str
    role: str
    apps: str  # which apps the person sees, in words
    since: Moment


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor about to be turned on. `qr` is the picture as inline SVG, `secret` the same as text."""

    form: Form
    qr: Markup
    secret: str


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """account/security.html. Fields: current_password, password; code (enrolment); password, code (turning off).

    `recovery_codes` are shown once, right after they were made.
    """

    password: Form
    turn_off: Form
    has_second_factor: bool
    password_changed: Moment
    enrolment: Enrolment | None = None
    recovery_left: int = 0
    recovery_codes: Sequence[str] = ()
    password_change_due: bool = False  # somebody else knows the password


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: int
    browser: str
    address: str
    started: Moment
    seen: Moment
    current: bool = False


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """account/sessions.html. `topic` changes when they do."""

    sessions: Sequence[SessionRow]
    topic: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    id: int
    name: str
    scope: str
    prefix: str
    created: Moment
    expires: Moment | None
    used: Moment | None
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: the only time that its text is shown."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class TokensPage:
    """account/tokens.html. Fields: name, scope, app, expires, and code where a second factor is on.

    `topic` changes when the tokens do.
    """

    tokens: Sequence[TokenRow]
    topic: str
    form: Form
    scopes: Options
    apps: Options
    expiries: Options
    created: NewToken | None = None
    needs_code: bool = False


@dataclass(frozen=True, slots=True)
class PreferencesPage:
    """account/preferences.html. Fields: theme (light, dark, system), shortcuts (on or absent)."""

    form: Form
