"""What becomes of what is told of a pull request, and what its preview needs next: decided from facts alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bakery.hooks.decide import Decided, Decision, Followed, refusal_of_repository
from bakery.hooks.pull_requests import MOVES, PullRequest
from bakery.model.previews import Forks, PreviewSettings


@dataclass(frozen=True, slots=True)
class Known:
    """A pull request, as what was told last says."""

    is_open: bool
    head: str
    told_at: datetime


def decide_request(
    request: PullRequest, followed: Followed, settings: PreviewSettings, known: Known | None, *, is_behind_head: bool
) -> Decided:
    """Only what is decided as PREVIEWS is known from then on. `is_behind_head`: heads that were told of lead from its
    commit to the one that is known."""
    refused = refusal_of_repository(request, followed)
    if refused is not None:
        return refused
    if request.is_closed:
        return _of_end(request, settings, known)
    if request.action not in MOVES:
        return _ignored(f"That it was {request.action.replace('_', ' ')} changes nothing here.")
    if not settings.is_on:
        return _ignored("Previews are off.")
    return (
        (_of_order(request, known, is_behind_head=is_behind_head) if known else None)
        or (_of_fork(request, settings) if request.is_fork else None)
        or Decided(Decision.PREVIEWS, f"{_named(request)} is at {request.commit[:7]}.")
    )


def _of_end(request: PullRequest, settings: PreviewSettings, known: Known | None) -> Decided:
    if known is None and not settings.is_on:
        return _ignored("Previews are off.")
    if known is not None and request.at < known.told_at:
        return _ignored(f"It is older than what is known of {_named(request, begins=False)}.")
    if known is not None and not known.is_open:
        if request.at == known.told_at or request.action != "closed":
            return _ignored(f"{_named(request)} was closed already.")
        # It was opened in between: what tells of that may still arrive, and brings nothing back then.
        return Decided(Decision.PREVIEWS, f"{_named(request)} was closed again: it has no preview.")
    return Decided(Decision.PREVIEWS, f"{_named(request)} was closed: its preview goes.")


def _of_order(request: PullRequest, known: Known, *, is_behind_head: bool) -> Decided | None:
    """A server's clock counts seconds. In the same one a closed pull request is brought back only by its opening anew,
    and of two heads the one that was pushed on the other is the newer."""
    named, head = _named(request, begins=False), known.head[:7]
    if request.at < known.told_at:
        return _ignored(f"It is older than what is known of {named}, which arrived before it.")
    if not known.is_open:
        is_older = request.at == known.told_at and request.action != "reopened"
        return _ignored(f"It is no newer than the end of {named}.") if is_older else None
    if request.commit == known.head:
        return _ignored(f"{head} is known already.")
    if request.before == known.head:
        return None
    is_first = request.action == "opened" and request.at == known.told_at
    return _ignored(f"It is older than {head}, which arrived before it.") if is_behind_head or is_first else None


def _of_fork(request: PullRequest, settings: PreviewSettings) -> Decided | None:
    if settings.forks is Forks.NEVER:
        return Decided(Decision.REFUSED, f"{_named(request)} comes from a fork, and forks have no previews here.")
    return Decided(
        Decision.PREVIEWS,
        f"{_named(request)} comes from a fork: {request.commit[:7]} is built when a person has approved it.",
    )


def _named(request: PullRequest, *, begins: bool = True) -> str:
    return f"{'Pull' if begins else 'pull'} request #{request.number}"


def _ignored(why: str) -> Decided:
    return Decided(Decision.IGNORED, why)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a preview has, and what it is to have. `turn` counts heads; `others` are those of its app that have an
    environment. `ended`: somebody or its age ended it until the next push."""

    is_open: bool
    is_fork: bool
    head: str
    turn: int
    pushed_at: datetime
    ended: str = ""
    approved: str = ""
    deployed_turn: int = 0
    has_environment: bool = False
    made_for_fork: bool = False  # the environment
    is_going: bool = False
    others: int = 0

    @property
    def waits_for_approval(self) -> bool:
        return self.is_fork and self.approved != self.head


class Step(StrEnum):
    REST = "rest"
    WAIT_FOR_APPROVAL = "wait for approval"
    WAIT_FOR_ROOM = "wait for room"
    WAIT_FOR_NODE = "wait for node"  # that still takes the one before away
    DEPLOY = "deploy"
    REMOVE = "remove"
    GROW_OLD = "grow old"
    WAS_REMOVED = "was removed"  # by somebody, as an environment is deleted


def next_step(one: Standing, settings: PreviewSettings, *, now: datetime) -> Step:
    is_allowed = settings.is_on and not (one.is_fork and settings.forks is Forks.NEVER)
    if not one.is_open or one.ended or not is_allowed:
        return Step.REMOVE if one.has_environment else Step.REST
    if one.has_environment and one.is_fork and not one.made_for_fork:  # the app follows another repository by now
        return Step.REMOVE
    if one.pushed_at + timedelta(days=settings.days) <= now:
        return Step.GROW_OLD
    if one.deployed_turn == one.turn:
        return Step.REST if one.has_environment else Step.WAS_REMOVED
    if one.waits_for_approval:
        return Step.WAIT_FOR_APPROVAL
    return Step.DEPLOY if one.has_environment else _before_it_has_one(one, settings)


def _before_it_has_one(one: Standing, settings: PreviewSettings) -> Step:
    if one.is_going:
        return Step.WAIT_FOR_NODE
    return Step.DEPLOY if one.others < settings.most else Step.WAIT_FOR_ROOM
