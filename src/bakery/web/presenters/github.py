"""The GitHub App, and repositories and branches of GitHub to choose from."""

from collections.abc import Sequence
from datetime import datetime

from bakery.github.installations import AppDetail, Installation
from bakery.github.left_hooks import LeftHook
from bakery.github.repositories import MOST, Branches, Limits, Repositories
from bakery.model.errors import BakeryError
from bakery.model.names import PRODUCTION
from bakery.web.moments import moment
from bakery.web.views.forms import Option
from bakery.web.views.github import Choices, GitHubAppView, InstallationRow, LeftHookRow, PickPage, RepositoryRow
from bakery.web.views.status import StatusView


def pick_page(
    repositories: Repositories | None,
    branches: Branches | None,
    choices: Choices,
    *,
    q: str,
    error: BakeryError | None = None,
    now: datetime,
) -> PickPage:
    found = branches or repositories
    limits = found.limits if found else None
    return PickPage(
        q=q,
        choices=choices,
        repositories=[RepositoryRow(one.full_name, one.private, one.default_branch) for one in repositories.items[:50]]
        if repositories
        else [],
        more=max(len(repositories.items) - 50, 0) if repositories else 0,
        repository=branches.repository.full_name if branches else "",
        branches=branches.items if branches else [],
        cut=f"Only the first {MOST} are looked through." if found and found.is_cut else "",
        limits=_limits(limits, choices) if limits else "",
        renews=moment(limits.renews_at, now) if limits else None,
        problem=f"{error.message} {error.hint}".strip() if error else "",
    )


def app_view(found: AppDetail, apps: Sequence[str], now: datetime) -> GitHubAppView:
    """`apps` are those that it opens."""
    app = found.app
    return GitHubAppView(
        name=app.name,
        owner=app.owner,
        server=app.url,
        page=app.page,
        install_page=app.install_page,
        installations=[_installation(one, found.names[one.number]) for one in found.installations],
        apps=apps,
        made_by=app.made_by,
        made=moment(app.made_at, now),
        looked=moment(app.looked_at, now) if app.looked_at else None,
        problem=app.problem,
        hint=app.hint,
    )


def left_hook_row(one: LeftHook, now: datetime) -> LeftHookRow:
    return LeftHookRow(
        id=one.id,
        repository=one.repository,
        of=one.app if one.environment == PRODUCTION else f"{one.app}, {one.environment}",
        page=one.page,
        problem=one.problem,
        since=moment(one.since, now),
        next=None if one.given_up_at else moment(one.next_at, now),
    )


def _installation(one: Installation, names: Sequence[str]) -> InstallationRow:
    status = StatusView("ok", "s-ok", "Installed")
    if one.gone_at is not None:
        status = StatusView("bad", "s-bad", "Uninstalled")
    elif one.suspended_at is not None:
        status = StatusView("warn", "s-warn", "Suspended")
    count = f"{len(names)} {'repository' if len(names) == 1 else 'repositories'}"
    told = f"All of its repositories, {len(names)} now" if one.has_all else count
    return InstallationRow(one.account, told, names[:20], one.settings_url, status, one.problem[0])


def choices_of(accounts: Sequence[str], login: str, of: str) -> Choices:
    """`of` is the account whose repositories are shown by the App; empty: the person's own link shows them."""
    items = [Option("", f"Your link, as {login}")] if login else []
    return Choices(of, [*items, *(Option(name, f"{name}, by the GitHub App") for name in accounts)])


def _limits(limits: Limits, choices: Choices) -> str:
    asks = "of the GitHub App" if choices.of else "of your link"
    return f"GitHub answers {limits.remaining:,} of {limits.limit:,} questions {asks} until it counts anew"
