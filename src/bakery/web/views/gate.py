"""The pages before sign-in, and the one that confirms a sign-in of the command line."""

from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Form


@dataclass(frozen=True, slots=True)
class LoginPage:
    """login.html. Fields: email, password, stay (on or absent). `next` is the local path to go on to."""

    form: Form
    next: str = ""


@dataclass(frozen=True, slots=True)
class SetupPage:
    """setup.html: the first Admin. Fields: code, email, password."""

    form: Form


@dataclass(frozen=True, slots=True)
class SecondFactorPage:
    """second_factor.html. Fields: code, or recovery_code."""

    form: Form
    email: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class ForgotPage:
    """forgot.html: who can help. `command` is what resets a password on the server."""

    command: str


@dataclass(frozen=True, slots=True)
class ResetPage:
    """reset.html. Fields: password. `resets_second_factor`: the link also turns it off."""

    form: Form
    action: str
    email: str
    resets_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class InvitePage:
    """invite.html. Fields: name, password. The address and the role are the invitation's."""

    form: Form
    action: str
    email: str
    role: str
    invited_by: str
    expires: Moment


@dataclass(frozen=True, slots=True)
class CliRequest:
    """A command line that waits to be let in."""

    code: str
    machine: str
    address: str
    asked: Moment


@dataclass(frozen=True, slots=True)
class CliConfirmPage:
    """cli_confirm.html. Without a `request` it asks for the code; with one, whether to let it in."""

    form: Form
    email: str
    request: CliRequest | None = None
    needs_code: bool = False  # of the second factor
