"""What becomes of a pull request, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bakery.hooks.decide import Decision, Followed
from bakery.hooks.payloads import envelope_of
from bakery.hooks.preview_decisions import Known, Standing, Step, decide_request, next_step
from bakery.hooks.pull_requests import PullRequest, is_pull_request, read_pull_request
from bakery.hooks.signatures import Provider
from bakery.model.errors import BadInput
from bakery.model.previews import Forks, PreviewSettings
from tests.hooks.pull_requests import FORK, a_repository, github, pushed
from tests.hooks.pushes import A, B, C, packed

SHOP = Followed(url="https://github.com/acme/shop.git", branch="main")
ON = PreviewSettings(is_on=True)
AT_A = Known(is_open=True, head=A, told_at=datetime(2026, 3, 4, 5, 6, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 5, tzinfo=UTC)
OPEN = Standing(is_open=True, is_fork=False, head=A, turn=1, pushed_at=NOW - timedelta(hours=1))


def a_request(told: dict[str, Any]) -> PullRequest:
    return read_pull_request(Provider.GITHUB, packed(told))


def decided(
    told: dict[str, Any], known: Known | None = None, settings: PreviewSettings = ON, *, is_behind: bool = False
) -> tuple[Decision, str]:
    found = decide_request(a_request(told), SHOP, settings, known, is_behind_head=is_behind)
    assert found.ref is None  # nothing of it is deployed where the webhook is
    return found.decision, found.why


def test_what_is_read_is_what_was_told() -> None:
    assert a_request(pushed(A, B, at=7)) == PullRequest(
        action="synchronize", number=42, is_closed=False, is_fork=False, commit=B, before=A,
        at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), title="Round the cart's total once", branch="carts", base="main",
        author="ann", url="https://github.com/acme/shop/pull/42", repository_id="github:35129377",
        repository="acme/shop",
        urls=[
            "https://github.com/acme/shop.git", "git@github.com:acme/shop.git", "https://github.com/acme/shop",
            "git://github.com/acme/shop.git",
        ],
    )  # fmt: skip


def test_gitea_tells_alike() -> None:
    headers = {"x-gitea-event": "pull_request", "x-gitea-delivery": "1"}
    assert is_pull_request(envelope_of(Provider.GITEA, headers))
    told = github("synchronized", B)
    assert read_pull_request(Provider.GITEA, packed(told)).action == "synchronize"


@pytest.mark.parametrize(
    ("change", "is_fork"),
    [({}, False), ({"head": FORK}, True), ({"head": {"id": None}}, True)],
)
def test_what_cannot_be_told_from_a_fork_is_one(change: dict[str, object], *, is_fork: bool) -> None:
    assert a_request(github(**change)).is_fork is is_fork  # type: ignore[arg-type]  # fields by name


def test_one_whose_fork_was_deleted_is_of_a_fork() -> None:
    told = github()
    told["pull_request"]["head"]["repo"] = None
    assert a_request(told).is_fork


@pytest.mark.parametrize(
    "told",
    [
        {}, [], github(commit="main"), github(number=0), github(number=10**15), github(pull_request=None),
        github(repository=a_repository(9)), github(repository={}),
        github() | {"pull_request": github()["pull_request"] | {"updated_at": "today"}},
    ],
)  # fmt: skip
def test_what_is_no_pull_request_is_refused(told: object) -> None:
    with pytest.raises(BadInput):
        read_pull_request(Provider.GITHUB, packed(told))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.example/\nfoo", "https://x.example/" + "a" * 600])
def test_only_a_page_becomes_a_link(url: str) -> None:
    told = github()
    told["pull_request"]["html_url"] = url
    assert a_request(told).url == ""


def test_it_gets_a_preview_of_its_head() -> None:
    assert decided(github()) == (Decision.PREVIEWS, "Pull request #42 is at aaaaaaa.")
    assert decided(pushed(A, B, at=2), AT_A) == (Decision.PREVIEWS, "Pull request #42 is at bbbbbbb.")


@pytest.mark.parametrize(
    ("told", "settings", "why"),
    [
        (github(), PreviewSettings(), "Previews are off."),
        (github("closed"), PreviewSettings(), "Previews are off."),
        (github("review_requested"), ON, "That it was review requested changes nothing here."),
    ],
)
def test_what_is_of_no_interest_is_ignored(told: dict[str, Any], settings: PreviewSettings, why: str) -> None:
    assert decided(told, None, settings) == (Decision.IGNORED, why)


def test_another_repository_is_refused() -> None:
    elsewhere = replace(SHOP, url="https://github.com/acme/other.git")
    found = decide_request(a_request(github()), elsewhere, ON, None, is_behind_head=False)
    assert found.decision is Decision.REFUSED


def test_a_fork_has_none_unless_a_person_may_approve_it() -> None:
    assert decided(github(head=FORK)) == (
        Decision.REFUSED, "Pull request #42 comes from a fork, and forks have no previews here.",
    )  # fmt: skip
    assert decided(github(head=FORK), None, replace(ON, forks=Forks.APPROVAL)) == (
        Decision.PREVIEWS, "Pull request #42 comes from a fork: aaaaaaa is built when a person has approved it.",
    )  # fmt: skip


def test_its_end_is_kept_whether_previews_are_on_or_not() -> None:
    ended = (Decision.PREVIEWS, "Pull request #42 was closed: its preview goes.")
    assert decided(github("closed", at=2), AT_A, PreviewSettings()) == ended
    assert decided(github("closed", at=1), AT_A) == ended
    assert decided(github("closed", at=1, head=FORK), AT_A) == ended
    assert decided(github("closed", at=1), None) == ended


@pytest.mark.parametrize(
    ("told", "is_behind"),
    [
        (pushed(C, B, at=0), False),  # by the clock
        (pushed(A, B, at=0), False),  # also where a forced push brought its parent back
        (pushed(C, B, at=1), True),  # by the heads that were told of
        (github("opened", C, at=1), False),
        (github("opened", A, at=1), False),
        (github("closed", at=0), False),  # before it was opened anew
    ],
)
def test_what_is_older_changes_nothing(told: dict[str, Any], *, is_behind: bool) -> None:
    assert decided(told, AT_A, is_behind=is_behind)[0] is Decision.IGNORED


def test_a_push_in_the_same_second_is_newer_than_what_it_was_pushed_on() -> None:
    assert decided(pushed(A, B, at=1), AT_A)[0] is Decision.PREVIEWS


def test_a_closed_one_comes_back_when_it_is_opened_anew_and_not_before() -> None:
    closed = replace(AT_A, is_open=False)
    for told in (github("opened", at=0), github("opened", at=1), pushed(A, B, at=1), github("closed", at=1)):
        assert decided(told, closed)[0] is Decision.IGNORED
    assert decided(github("reopened", at=0), closed)[0] is Decision.IGNORED
    for second in (1, 2):  # also in the second in which it was closed
        assert decided(github("reopened", at=second), closed)[0] is Decision.PREVIEWS


def test_a_later_end_counts_though_what_was_between_arrives_after_it() -> None:
    closed = replace(AT_A, is_open=False)
    again = (Decision.PREVIEWS, "Pull request #42 was closed again: it has no preview.")
    assert decided(github("closed", at=5), closed) == again
    labelled = github("labeled", at=6)
    labelled["pull_request"]["state"] = "closed"
    assert decided(labelled, closed)[0] is Decision.IGNORED
    later = replace(closed, told_at=a_request(github(at=5)).at)
    assert decided(github("reopened", at=3), later)[0] is Decision.IGNORED


@pytest.mark.parametrize(
    ("one", "step"),
    [
        (OPEN, Step.DEPLOY),
        (replace(OPEN, others=5), Step.WAIT_FOR_ROOM),
        (replace(OPEN, others=5, has_environment=True), Step.DEPLOY),
        (replace(OPEN, is_going=True), Step.WAIT_FOR_NODE),
        (replace(OPEN, has_environment=True, deployed_turn=1), Step.REST),
        (replace(OPEN, deployed_turn=1), Step.WAS_REMOVED),
        (replace(OPEN, pushed_at=NOW - timedelta(days=14)), Step.GROW_OLD),
        (replace(OPEN, is_open=False, has_environment=True), Step.REMOVE),
        (replace(OPEN, is_open=False), Step.REST),
        (replace(OPEN, ended="person", has_environment=True), Step.REMOVE),
        (replace(OPEN, ended="old"), Step.REST),
    ],
)
def test_the_next_step_follows_from_what_there_is(one: Standing, step: Step) -> None:
    assert next_step(one, ON, now=NOW) is step


def test_nothing_is_made_with_previews_off_and_what_there_is_goes() -> None:
    off = replace(ON, is_on=False)
    assert next_step(OPEN, off, now=NOW) is Step.REST
    assert next_step(replace(OPEN, has_environment=True, deployed_turn=1), off, now=NOW) is Step.REMOVE


def test_of_a_fork_only_the_commit_that_was_approved_is_deployed() -> None:
    fork, approval = replace(OPEN, is_fork=True), replace(ON, forks=Forks.APPROVAL)
    for approved, step in (("", Step.WAIT_FOR_APPROVAL), (B, Step.WAIT_FOR_APPROVAL), (A, Step.DEPLOY)):
        for has_environment in (False, True):
            one = replace(fork, approved=approved, has_environment=has_environment, made_for_fork=True)
            assert next_step(one, approval, now=NOW) is step
    assert next_step(replace(fork, approved=A, has_environment=True), approval, now=NOW) is Step.REMOVE
    assert next_step(replace(fork, approved=A), ON, now=NOW) is Step.REST
    assert next_step(replace(fork, approved=A, has_environment=True), ON, now=NOW) is Step.REMOVE
