"""Telling GitHub what became of a commit: its status, and a deployment there, each with a way to the log here."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import structlog

from bakery.github.asking import asking
from bakery.github.repositories import name_at
from bakery.github.ways import Way, open_to_tell, wait_after
from bakery.hooks.preview_comments import tell_previews
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError
from bakery.store import leases
from bakery.store.rows import typed
from bakery.store.store import Connection, Store

log = structlog.get_logger()

_PAUSE = 2.0
_AT_ONCE = 20
_TRIES = 10
_LEASE = "github:telling"

# As a commit's status, as a deployment's, and in words.
_TOLD: Mapping[DeploymentState, tuple[str, str, str]] = {
    DeploymentState.QUEUED: ("pending", "queued", "waits for its turn."),
    DeploymentState.RUNNING: ("pending", "in_progress", "is running."),
    DeploymentState.SUCCEEDED: ("success", "success", "is live."),
    DeploymentState.FAILED: ("failure", "failure", "failed."),
    DeploymentState.CANCELLED: ("error", "inactive", "was cancelled."),
    DeploymentState.SUPERSEDED: ("error", "inactive", "gave way to a newer one."),
    DeploymentState.ROLLED_BACK: ("failure", "failure", "was taken back: the release before is live."),
}


@dataclass(frozen=True, slots=True)
class _News:
    deployment_id: int
    app: str
    environment: str
    number: int
    state: DeploymentState
    commit: str
    url: str
    person: int | None
    installation: int | None
    repository: int | None
    github_deployment: int | None
    tries: int

    @property
    def way(self) -> Way:
        return Way(self.person, self.installation, self.repository)


class _Made(msgspec.Struct):
    id: int


async def keep_telling(store: Store, base: Callable[[], str | None]) -> None:
    """What the worker runs, one process at a time. `base` is Bakery's own address; without one there is no way to the
    log."""

    async def tell_on() -> None:
        last = 0
        while True:
            address = base()
            if address:
                await tell_news(store, address)
                last = await tell_previews(store, address, after=last)
            await asyncio.sleep(_PAUSE)

    await leases.whenever_held(store, _LEASE, tell_on)


async def tell_news(store: Store, base: str) -> None:
    """Some deployments at a time. GitHub may take long, and nothing is held in the database meanwhile."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_News)) as cursor:
        await cursor.execute(_NEWS, {"states": list(_TOLD), "most": _AT_ONCE})
        found = await cursor.fetchall()
    for news in found:
        await _tell(store, news, base)


@dataclass(frozen=True, slots=True)
class Untold:
    """A deployment of which GitHub does not know how it does, and why. `is_tried`: it is told later."""

    number: int
    problem: str
    is_tried: bool


async def read_untold(connection: Connection, environment_id: int) -> Untold | None:
    """The newest deployment that GitHub was to be told of, if that went wrong."""
    async with connection.cursor(row_factory=typed(Untold)) as cursor:
        await cursor.execute(
            """
            SELECT number, problem, github_reports.state <> deployments.state AS is_tried FROM github_reports
            JOIN deployments ON deployments.id = deployment_id WHERE environment_id = %s
            ORDER BY deployment_id DESC LIMIT 1
            """,
            (environment_id,),
        )
        found = await cursor.fetchone()
    return found if found and found.problem else None


async def _tell(store: Store, news: _News, base: str) -> None:
    known = news.github_deployment
    try:
        known = await _ask(store, news, base)
    except BakeryError as error:
        log.warning("github_not_told", app=news.app, number=news.number, error=error.message)
        wait = await wait_after(store, news.way, error)
        gives_up = wait is None or news.tries + 1 >= _TRIES
        await _note(store, news, known, state=news.state if gives_up else None, problem=error.message, wait=wait or 0)
    else:
        await _note(store, news, known, state=news.state)


async def _ask(store: Store, news: _News, base: str) -> int:
    place = name_at(news.url)
    opened = await open_to_tell(store, news.way)
    status, deployed, words = _TOLD[news.state]
    suffix = "" if news.environment == "production" else f"?env={news.environment}"
    where = f"{base}/apps/{news.app}/deployments/{news.number}{suffix}"
    said = f"Deployment #{news.number} of {news.app} {words}"
    repository = "/repos/{owner}/{name}"
    async with asking(opened) as github:
        number = news.github_deployment
        if number is None:
            wanted = {
                "ref": news.commit, "environment": f"{news.app} {news.environment}", "auto_merge": False,
                "required_contexts": [], "description": said, "production_environment": not suffix,
            }  # fmt: skip
            made = await github.post(f"{repository}/deployments", place, data=wanted)
            number = msgspec.convert(made, _Made).id
            await _note(store, news, number)
        await github.post(
            f"{repository}/deployments/{{number}}/statuses",
            {**place, "number": str(number)},
            data={"state": deployed, "log_url": where, "description": said},
        )
        await github.post(
            f"{repository}/statuses/{{commit}}",
            {**place, "commit": news.commit},
            data={
                "state": status, "target_url": where, "description": said,
                "context": f"bakery/{news.app}/{news.environment}",
            },
        )  # fmt: skip
    return number


async def _note(
    store: Store, news: _News, number: int | None, *, state: str | None = None, problem: str = "", wait: int = 0
) -> None:
    """`state` None: GitHub does not know it yet."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO github_reports (deployment_id, state, github_deployment, problem, tries, next_at)
            SELECT id, coalesce(%(state)s::text, ''), %(number)s, %(problem)s, %(tried)s,
                   now() + make_interval(secs => %(wait)s)
            FROM deployments WHERE id = %(id)s
            ON CONFLICT (deployment_id) DO UPDATE SET state = coalesce(%(state)s::text, github_reports.state),
                github_deployment = coalesce(excluded.github_deployment, github_reports.github_deployment),
                problem = excluded.problem, next_at = excluded.next_at,
                tries = CASE WHEN %(state)s::text IS NULL THEN github_reports.tries + excluded.tries ELSE 0 END
            """,
            {
                "id": news.deployment_id,
                "state": state,
                "number": number,
                "problem": problem,
                "tried": int(bool(problem)),
                "wait": wait,
            },
        )


_NEWS = """
SELECT deployments.id AS deployment_id, apps.slug AS app, environments.name AS environment, deployments.number,
       deployments.state, builds.version AS commit, git_sources.url, git_sources.github_person AS person,
       git_sources.github_installation AS installation, git_sources.github_repository AS repository,
       github_reports.github_deployment, coalesce(github_reports.tries, 0) AS tries
FROM deployments
JOIN releases ON releases.id = deployments.release_id JOIN builds ON builds.id = releases.build_id
JOIN environments ON environments.id = deployments.environment_id JOIN apps ON apps.id = deployments.app_id
JOIN git_sources ON git_sources.environment_id = deployments.environment_id
LEFT JOIN github_reports ON deployment_id = deployments.id
WHERE deployments.created_at > now() - interval '1 day' AND builds.source = 'git'
    AND (git_sources.github_person IS NOT NULL OR git_sources.github_installation IS NOT NULL)
    AND git_sources.url IS NOT NULL AND builds.version ~ '^[0-9a-f]{40}$' AND deployments.state = ANY(%(states)s)
    AND deployments.state IS DISTINCT FROM github_reports.state AND coalesce(next_at, now()) <= now()
ORDER BY deployments.id LIMIT %(most)s
"""
