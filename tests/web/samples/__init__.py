"""Every page with something in it: what the template tests render, and what the pictures show."""

from tests.web.samples.app_settings import app_settings_pages
from tests.web.samples.apps import a_deployment, an_app, app_pages
from tests.web.samples.domains import domain_pages
from tests.web.samples.frame import TEMPLATES, Pages, a_gate, environment
from tests.web.samples.gates import gate_pages
from tests.web.samples.logs import log_pages
from tests.web.samples.machines import machine_pages
from tests.web.samples.people import account_pages, team_pages
from tests.web.samples.places import palette, place_pages
from tests.web.samples.site import site_pages
from tests.web.samples.sources import source_pages
from tests.web.samples.variables import variable_pages

__all__ = ["TEMPLATES", "a_deployment", "a_gate", "an_app", "environment", "gate_pages", "palette", "shell_pages"]


def shell_pages() -> Pages:
    """By a name of the sample: the template, its page, and the frame."""
    return {
        **place_pages(),
        **machine_pages(),
        **log_pages(),
        **app_pages(),
        **variable_pages(),
        **source_pages(),
        **app_settings_pages(),
        **domain_pages(),
        **site_pages(),
        **team_pages(),
        **account_pages(),
    }
