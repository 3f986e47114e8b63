"""The pages before sign-in."""

from collections.abc import Mapping
from datetime import timedelta

from bakery.web.moments import moment
from bakery.web.views.errors import ErrorPage
from bakery.web.views.forms import Form
from bakery.web.views.gate import (
    CliConfirmPage,
    CliRequest,
    ForgotPage,
    InvitePage,
    LoginPage,
    ResetPage,
    SecondFactorPage,
    SetupPage,
)
from tests.web.samples.frame import NOW, ago, below
from tests.web.samples.people import WRONG


def gate_pages() -> Mapping[str, tuple[str, object]]:
    """By a name of the sample: the template, and its page."""
    invite = InvitePage(
        Form(), below("/invite/abc"), "new@example.com", "Developer", "ops1", moment(NOW + timedelta(days=3), NOW)
    )
    request = CliRequest("KDJF-2X7Q", "laptop of dev", "203.0.113.9", ago(seconds=40))
    return {
        "login": ("login.html", LoginPage(Form())),
        "login-wrong": (
            "login.html",
            LoginPage(
                Form(values={"email": "dev@example.com"}, problem="The e-mail or the password is wrong."), "/apps"
            ),
        ),
        "setup": ("setup.html", SetupPage(Form())),
        "setup-wrong": ("setup.html", SetupPage(WRONG)),
        "second-factor": ("second_factor.html", SecondFactorPage(Form(), "ops1@example.com")),
        "forgot": ("forgot.html", ForgotPage("bakery admin reset you@example.com")),
        "reset": ("reset.html", ResetPage(Form(), below("/reset/abc"), "dev@example.com", resets_second_factor=True)),
        "invite": ("invite.html", invite),
        "cli": ("cli_confirm.html", CliConfirmPage(Form(), "ops1@example.com")),
        "cli-confirm": ("cli_confirm.html", CliConfirmPage(Form(), "ops1@example.com", request, needs_code=True)),
        "error-gate": (
            "error.html",
            ErrorPage(
                503,
                "Bakery is waiting for its database",
                "Your apps keep running.",
                "Try again in a moment.",
                retry=True,
            ),
        ),
    }
