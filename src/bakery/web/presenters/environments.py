"""The environments of an app, as a page."""

from collections.abc import Sequence

from bakery.delivery.apps import AppDetail
from bakery.delivery.environments import AppEnvironment
from bakery.model.actor import Actor
from bakery.model.names import PRODUCTION
from bakery.model.permissions import Permission
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.environments import EnvironmentRow, EnvironmentsPage
from bakery.web.views.forms import Form
from bakery.web.views.status import app_status


def environments_page(
    app: AppDetail, found: Sequence[AppEnvironment], *, form: Form, actor: Actor, url: Url, plain: Url
) -> EnvironmentsPage:
    """`url` stays in the environment of `app`; `plain` does not."""
    return EnvironmentsPage(
        app=app.slug,
        tabs=app_tabs(app.slug, "environments", url),
        rows=[_row(one, app, plain) for one in found],
        like=app.environment,
        has_branch=any(one.branch for one in found if one.environment == app.environment),
        form=form,
        why_not_add=why_not(actor, Permission.CREATE_APP),
    )


def _row(one: AppEnvironment, shown: AppDetail, plain: Url) -> EnvironmentRow:
    return EnvironmentRow(
        name=one.environment,
        page=plain(f"/apps/{one.slug}", env=None if one.environment == PRODUCTION else one.environment),
        status=app_status(one.status),
        address=one.address or "",
        follows=one.branch or "",
        node=one.node,
        is_current=one.environment == shown.environment,
    )
