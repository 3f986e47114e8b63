"""Where an app's code is kept, as a page."""

from datetime import datetime

from bakery.delivery.foreseeing import Foreseen
from bakery.delivery.foresight import Change
from bakery.delivery.sources import SourceDetail
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.web.moments import moment
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.deployments import short
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.forms import Form, Option, Options
from bakery.web.views.sources import DeployPage, PlanLineView, PlanPartView, PlanView, SourcePage


def source_page(
    slug: str,
    found: SourceDetail,
    runtime: Runtime,
    ways: Options,
    *,
    form: Form | None,
    image: Form | None,
    actor: Actor,
    url: Url,
    now: datetime,
) -> SourcePage:
    """`form` and `image` are such as were refused."""
    is_image = found.kind is SourceKind.IMAGE
    stored = {
        "url": found.url or "",
        "branch": found.branch or "",
        "base": found.base,
        "username": (found.username or "") if found.has_token and not is_image else "",
        "opens": ways[0].value if ways else "",
    }
    stored_image = {
        "image": found.image or "",
        "port": str(found.port or ""),
        "username": (found.username or "") if is_image else "",
    }
    if image is not None and runtime is not Runtime.DOCKER:  # of which no form is shown
        form = Form(values=stored, problem=image.problem or " ".join(image.errors.values()))
    return SourcePage(
        app=slug,
        tabs=app_tabs(slug, "source", url),
        form=form or Form(values=stored),
        follows=_follows(found),
        has_submodules=found.submodules,
        has_token=found.has_token,
        deploy_key=found.deploy_key or "",
        ways=ways,
        opened=opened_by(found),
        problem=found.problem,
        hint=found.hint,
        host_keys=found.host_keys,
        changed_by=found.changed_by,
        changed_at=moment(found.changed_at, now) if found.changed_at else None,
        why_not_change=why_not(actor, Permission.DEPLOY),
        is_image=is_image,
        image=(image or Form(values=stored_image)) if runtime is Runtime.DOCKER else None,
    )


def connections(found: SourceDetail, *, has_app: bool, login: str | None) -> Options:
    """What may open the repository, the one that does now first; empty where GitHub opens nothing here. `login` is the
    account that the reader linked."""
    app = [Option("app", "The GitHub App")] if has_app else []
    mine = [Option("mine", f"Your link to GitHub, as {login}")] if login else []
    other = [Option("other", "A token or a deploy key, or nothing")]
    if found.github_account is not None:
        return [*app, *mine, *other]
    if found.has_github_link:
        return [Option("kept", f"The link of {found.link_of} to GitHub"), *app, *mine, *other]
    return [*other, *app, *mine] if app or mine else ()


def opened_by(found: SourceDetail) -> str:
    """The connection that the app names."""
    if found.github_account is not None:
        return f"The GitHub App, installed at {found.github_account}"
    if found.has_github_link:
        return f"The link of {found.link_of} to GitHub"
    return ""


def deploy_page(slug: str, found: SourceDetail, form: Form, plan: Foreseen | None = None) -> DeployPage:
    is_image = found.kind is SourceKind.IMAGE
    return DeployPage(slug, form, _follows(found), _plan(plan) if plan else None, is_image=is_image)


_KINDS = {Change.SAME: ("same", "", ""), Change.ADDED: ("add", "+", "new"), Change.REMOVED: ("del", "-", "goes")}
_NOTES = {Change.SAME: "", Change.ADDED: "New", Change.REMOVED: "Goes"}


def _plan(found: Foreseen) -> PlanView:
    compared = "Nothing is live yet to compare it with."
    if found.compared_with is not None:
        differs = any(part.differs for part in found.parts)
        compared = f"Made as release #{found.compared_with} was, which is live."
        if differs:
            compared = f"Marked is what is other than with release #{found.compared_with}, which is live."
    return PlanView(
        short(found.commit),
        f"{found.title}, by {found.author}" if found.author else found.title,
        compared,
        [
            PlanPartView(
                part.title, _NOTES[part.change], [PlanLineView(line.text, *_KINDS[line.change]) for line in part.lines]
            )
            for part in found.parts
        ],
    )


def _follows(found: SourceDetail) -> str:
    return found.image or (f"{found.branch} of {found.url}" if found.url else "")
