"""One comment at each pull request: where its preview is, and how it does. It is changed, and never said twice."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
import structlog
from gidgethub import BadRequest
from gidgethub.httpx import GitHubAPI

from bakery.github.asking import asking
from bakery.github.links import Account, note_account
from bakery.github.repositories import name_at
from bakery.github.ways import Author, Way, author_of, open_to_tell, wait_after
from bakery.hooks.previews import COLUMNS, ROWS, Preview
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError
from bakery.model.previews import PreviewState
from bakery.store.rows import typed
from bakery.store.store import Store

log = structlog.get_logger()

_AT_ONCE = 20
_A_PAGE = 200
_TRIES = 10
_LAST = "closed"  # what was said of one whose pull request is closed: nothing follows
_ISSUE = "/repos/{owner}/{name}/issues/{number}/comments"
_COMMENT = "/repos/{owner}/{name}/issues/comments/{comment}"
_DEPLOYED: Mapping[DeploymentState, str] = {
    DeploymentState.QUEUED: "Waits for its turn",
    DeploymentState.RUNNING: "Is being deployed",
    DeploymentState.SUCCEEDED: "Live",
    DeploymentState.FAILED: "Failed",
    DeploymentState.CANCELLED: "Was cancelled",
    DeploymentState.SUPERSEDED: "Gave way to a newer one",
    DeploymentState.ROLLED_BACK: "Was taken back: the release before is live",
}
_WAITS: Mapping[PreviewState, str] = {
    PreviewState.APPROVAL: "Comes from a fork: waits for somebody at Bakery to approve this commit",
    PreviewState.ROOM: "Waits for room: as many previews as are allowed are there",
    PreviewState.REFUSED: "Could not be made: Bakery says why",
}
_ENDED: Mapping[str, str] = {
    "person": "Was closed. The next push brings it back",
    "old": "Was closed, for nothing was pushed for days. The next push brings it back",
    "off": "Previews were turned off",
}


@dataclass(frozen=True, slots=True)
class _News(Preview):
    """With what is needed to tell of it."""

    id: int
    repository_url: str
    person: int | None
    installation: int | None
    repository: int | None
    comment: int | None
    is_comment_begun: bool
    comment_said: str
    comment_tries: int

    @property
    def way(self) -> Way:
        return Way(self.person, self.installation, self.repository)

    def key(self, body: str) -> str:
        return hashlib.sha256(body.encode()).hexdigest()[:32] if self.is_open else _LAST


class _App(msgspec.Struct):
    id: int


class _Writer(Account):
    type: str = ""


class _Comment(msgspec.Struct):
    id: int
    body: str | None = ""
    user: _Writer | None = None  # None: who wrote it left GitHub
    performed_via_github_app: _App | None = None

    def is_by(self, author: Author) -> bool:
        """By numbers, where they are told: a name may be another's by now. What a person does by an App is theirs, and
        not the App's."""
        if self.user is None:
            return False
        if author.app is not None and self.performed_via_github_app is not None:
            return self.performed_via_github_app.id == author.app and self.user.type == "Bot"
        if author.account.id is not None and self.user.id is not None:
            return self.user.id == author.account.id
        return self.user.login.lower() == author.account.login.lower()


_FOUND = f"""
SELECT {COLUMNS}, previews.id, git_sources.url AS repository_url, git_sources.github_person AS person,
       git_sources.github_installation AS installation, git_sources.github_repository AS repository, comment,
       is_comment_begun, comment_said, comment_tries
{ROWS}
JOIN preview_settings ON preview_settings.app_id = previews.app_id
JOIN git_sources ON git_sources.environment_id = preview_settings.environment_id
WHERE comment_at <= now() AND git_sources.url IS NOT NULL
    AND (git_sources.github_person IS NOT NULL OR git_sources.github_installation IS NOT NULL)
    AND (is_open OR ((comment IS NOT NULL OR is_comment_begun) AND comment_said <> '{_LAST}'))
    AND previews.id > %s
ORDER BY previews.id LIMIT %s
"""


async def tell_previews(store: Store, base: str, *, after: int = 0) -> int:
    """Some comments, of some previews: those `after` the one that was looked at last. Gives where to go on, so that
    each has its turn however many there are. `base` is Bakery's own address."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_News)) as cursor:
        await cursor.execute(_FOUND.encode(), (after, _A_PAGE))
        found = await cursor.fetchall()
    told = 0
    for news in found:
        body = comment_on(news, base)
        if body and news.key(body) != news.comment_said:
            await _tell(store, news, body, base)
            told += 1
        if told == _AT_ONCE:
            return news.id
    return found[-1].id if len(found) == _A_PAGE else 0


def comment_on(one: Preview, base: str) -> str:
    """In GitHub's Markdown. Nothing of what strangers wrote is in it, and nothing that only Bakery's people may see.
    Empty: there is nothing to say yet."""
    state = _state_of(one)
    if not state:
        return ""
    suffix = f"?env={one.environment}" if one.environment else ""
    rows = [("State", state), ("Commit", one.deployed or one.head)]
    if one.is_live and one.address and one.is_open and not one.ended:
        rows.append(("Address", one.address))
    if one.environment and one.deployment:
        page = f"{base}/apps/{one.app}/deployments/{one.deployment}{suffix}"
        rows.append(("Log", f"[Deployment #{one.deployment}]({page})"))
    if one.environment and one.waits_for_approval:
        rows.append(("Waits for approval", one.head))
    table = "\n".join(f"| {title} | {text} |" for title, text in rows)
    link = f"[{one.app}]({base}/apps/{one.app}/previews)"
    return f"{_marker(one.app, base)}\n**Preview of {link}**\n\n| | |\n| --- | --- |\n{table}\n"


def _state_of(one: Preview) -> str:
    if not one.is_open:
        return "Closed"
    if one.ended:
        return _ENDED[one.ended]
    last = one.deployment_state if one.environment else None
    if last is not None and last in _DEPLOYED:
        return _DEPLOYED[last]
    return _WAITS.get(one.state, "")


def _marker(app: str, base: str) -> str:
    """By which ours is known again, where a kill or a slow answer kept its number from us."""
    return f"<!-- bakery preview of {app} at {base} -->"


async def _tell(store: Store, news: _News, body: str, base: str) -> None:
    try:
        comment = await _say(store, news, body, base)
    except BakeryError as error:
        log.warning("preview_not_told", app=news.app, number=news.number, error=error.message)
        wait = await wait_after(store, news.way, error)
        gives_up = wait is None or news.comment_tries + 1 >= _TRIES
        problem = f"{error.message} {error.hint}".strip()
        await _note(store, news, news.key(body) if gives_up else None, problem=problem, wait=wait or 0)
    else:
        await _note(store, news, news.key(body), comment=comment)


async def _say(store: Store, news: _News, body: str, base: str) -> int | None:
    """The number of the comment. None: there is none, and there is nothing to begin one for."""
    place = {**name_at(news.repository_url), "number": str(news.number)}
    way = news.way
    opened = await open_to_tell(store, way)
    comment = news.comment
    async with asking(opened) as github:
        if comment is None and news.is_comment_begun:
            author = await author_of(store, way)
            comment = await _find(github, place, _marker(news.app, base), author) if author else None
        if comment is not None and await _change(github, place, comment, body):
            return comment
        if not news.is_open or news.ended:
            return None
        await _begin(store, news)
        made = msgspec.convert(await github.post(_ISSUE, place, data={"body": body}), _Comment)
    if way.person is not None and made.user is not None:
        await note_account(store, way.person, made.user)
    return made.id


async def _find(github: GitHubAPI, place: Mapping[str, str], marker: str, author: Author) -> int | None:
    """Everybody may write the marker. What a stranger wrote is never changed: it would be theirs to change again."""
    async for row in github.getiter(f"{_ISSUE}?per_page=100", place):
        found = msgspec.convert(row, _Comment)
        if found.is_by(author) and (found.body or "").startswith(marker):
            return found.id
    return None


async def _change(github: GitHubAPI, place: Mapping[str, str], comment: int, body: str) -> bool:
    """Whether it is there still."""
    try:
        await github.patch(_COMMENT, {**place, "comment": str(comment)}, data={"body": body})
    except BadRequest as error:
        if error.status_code is HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


async def _begin(store: Store, news: _News) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE previews SET is_comment_begun = true, comment = NULL WHERE id = %s", (news.id,)
        )


async def _note(
    store: Store, news: _News, said: str | None, *, comment: int | None = None, problem: str = "", wait: int = 0
) -> None:
    """`said` None: GitHub does not know it yet, and is told again."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE previews SET comment = coalesce(%(comment)s::bigint, comment),
                comment_said = coalesce(%(said)s::text, comment_said), comment_problem = %(problem)s,
                comment_tries = CASE WHEN %(said)s::text IS NULL THEN comment_tries + 1 ELSE 0 END,
                comment_at = now() + make_interval(secs => %(wait)s)
            WHERE id = %(id)s
            """,
            {"id": news.id, "said": said, "comment": comment, "problem": problem, "wait": wait},
        )
        if problem != news.comment_problem:
            tx.publish(f"app:{news.app}")
