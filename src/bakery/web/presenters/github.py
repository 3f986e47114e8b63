"""Repositories and branches of GitHub, to choose from."""

from datetime import datetime

from bakery.github.repositories import MOST, Branches, Limits, Repositories
from bakery.model.errors import BakeryError
from bakery.web.moments import moment
from bakery.web.views.github import PickPage, RepositoryRow


def pick_page(
    repositories: Repositories | None,
    branches: Branches | None,
    *,
    q: str,
    error: BakeryError | None = None,
    now: datetime,
) -> PickPage:
    found = branches or repositories
    limits = found.limits if found else None
    return PickPage(
        q=q,
        repositories=[RepositoryRow(one.full_name, one.private, one.default_branch) for one in repositories.items[:50]]
        if repositories
        else [],
        more=max(len(repositories.items) - 50, 0) if repositories else 0,
        repository=branches.repository.full_name if branches else "",
        branches=branches.items if branches else [],
        cut=f"Only the first {MOST} are looked through." if found and found.is_cut else "",
        limits=_limits(limits) if limits else "",
        renews=moment(limits.renews_at, now) if limits else None,
        problem=f"{error.message} {error.hint}".strip() if error else "",
    )


def _limits(limits: Limits) -> str:
    return f"GitHub answers {limits.remaining:,} of {limits.limit:,} questions of your link until it counts anew"
