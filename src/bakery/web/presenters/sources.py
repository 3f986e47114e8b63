"""Where an app's code is kept, as a page."""

from datetime import datetime

from bakery.delivery.sources import SourceDetail
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.moments import moment
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.forms import Form
from bakery.web.views.sources import DeployPage, SourcePage


def source_page(
    slug: str, found: SourceDetail, *, form: Form | None, actor: Actor, url: Url, now: datetime
) -> SourcePage:
    """`form` is one that was refused."""
    stored = {
        "url": found.url or "",
        "branch": found.branch or "",
        "base": found.base,
        "username": (found.username or "") if found.has_token else "",
    }
    return SourcePage(
        app=slug,
        tabs=app_tabs(slug, "source", url),
        form=form or Form(values=stored),
        follows=_follows(found),
        has_submodules=found.submodules,
        has_token=found.has_token,
        deploy_key=found.deploy_key or "",
        host_keys=found.host_keys,
        changed_by=found.changed_by,
        changed_at=moment(found.changed_at, now) if found.changed_at else None,
        why_not_change=why_not(actor, Permission.DEPLOY),
    )


def deploy_page(slug: str, found: SourceDetail, form: Form) -> DeployPage:
    return DeployPage(slug, form, _follows(found))


def _follows(found: SourceDetail) -> str:
    return f"{found.branch} of {found.url}" if found.url else ""
