"""What deliveries say, in the words of three servers."""

import json
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.hooks.payloads import Push, envelope_of, is_ping, is_push, read_push
from bakery.hooks.signatures import Provider
from bakery.model.errors import BadInput
from tests.hooks.pushes import NONE, A, B, gitea, github, gitlab, packed

# All that GitHub sends to who takes everything, beside pushes.
OTHERS = (
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "code_scanning_alert",
    "commit_comment",
    "create",
    "delete",
    "dependabot_alert",
    "deploy_key",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "installation",
    "issue_comment",
    "issues",
    "label",
    "member",
    "membership",
    "merge_group",
    "meta",
    "milestone",
    "organization",
    "package",
    "page_build",
    "project_card",
    "public",
    "pull_request_review",
    "pull_request_review_comment",
    "registry_package",
    "release",
    "repository",
    "repository_dispatch",
    "repository_vulnerability_alert",
    "secret_scanning_alert",
    "security_advisory",
    "sponsorship",
    "star",
    "status",
    "team",
    "team_add",
    "watch",
    "workflow_dispatch",
    "workflow_job",
    "workflow_run",
)


def test_a_push_of_github() -> None:
    push = read_push(Provider.GITHUB, packed(github(A, B)))
    assert (push.ref, push.before, push.commit, push.title) == ("refs/heads/main", A, B, "Fix the cart total")
    assert (push.pusher, push.paths, push.repository_id) == ("ann", ["web/cart.py"], "github:35129377")
    assert push.at is not None
    assert push.at.isoformat() == "2026-03-04T05:06:07+00:00"
    assert "git@github.com:acme/shop.git" in push.urls


def test_a_push_of_gitlab_lists_twenty_commits_and_counts_all() -> None:
    push = read_push(Provider.GITLAB, packed(gitlab(A, B)))
    assert (push.repository, push.repository_id, push.pusher, push.paths) == ("acme/shop", "gitlab:15", "ann", None)


def test_a_push_of_gitea_says_null_for_no_files() -> None:
    push = read_push(Provider.GITEA, packed(gitea(A, B)))
    assert (push.paths, push.repository_id, push.title) == (["app.py"], "gitea:140", "Fix")


def test_the_newest_commit_is_known_from_whichever_end_they_are_listed() -> None:
    newest, older = {"id": B, "message": "Fix"}, {"id": A, "message": "[skip deploy]"}
    for commits in ([newest, older], [older, newest]):
        told = {**gitlab(A, B), "commits": commits}
        assert read_push(Provider.GITLAB, packed(told)).title == "Fix"


@pytest.mark.parametrize(("kind", "ref"), [("push", "refs/heads/main"), ("tag_push", "refs/tags/v1")])
def test_what_gitlab_tells_of_a_branch_or_tag_that_was_deleted_has_no_commit(kind: str, ref: str) -> None:
    gone = gitlab(A, NONE, object_kind=kind, ref=ref, checkout_sha=None, commits=[], total_commits_count=0)
    push = read_push(Provider.GITLAB, packed(gone))
    assert (push.ref, push.is_gone) == (ref, True)


@pytest.mark.parametrize("event", ["Push Hook", "Tag Push Hook"])
def test_gitlab_names_pushes_of_branches_and_of_tags_apart(event: str) -> None:
    assert is_push(envelope_of(Provider.GITLAB, {"x-gitlab-event": event}))


@pytest.mark.parametrize("event", ["Merge Request Hook", "System Hook", "Note Hook", "Pipeline Hook"])
def test_no_other_event_of_gitlab_is_a_push(event: str) -> None:
    assert not is_push(envelope_of(Provider.GITLAB, {"x-gitlab-event": event}))


def test_the_id_that_gitlab_signs_goes_before_others() -> None:
    headers = {"x-gitlab-event": "Push Hook", "idempotency-key": "of anybody", "webhook-id": "signed"}
    assert envelope_of(Provider.GITLAB, headers).delivery == "signed"


def test_a_deleted_branch_has_no_commit() -> None:
    told = {**github(A, NONE), "deleted": True, "head_commit": None, "commits": []}
    assert read_push(Provider.GITHUB, packed(told)).is_gone


def test_after_a_forced_push_nobody_knows_which_files_changed() -> None:
    assert read_push(Provider.GITHUB, packed(github(A, B, forced=True))).paths is None


def test_github_may_send_a_form() -> None:
    body = urlencode({"payload": json.dumps(github(A, B))}).encode()
    assert read_push(Provider.GITHUB, body, is_form=True).commit == B


@pytest.mark.parametrize("event", OTHERS)
def test_no_other_event_is_a_push(event: str) -> None:
    envelope = envelope_of(Provider.GITHUB, {"x-github-event": event, "x-github-delivery": "1"})
    assert not is_push(envelope)
    assert not is_ping(envelope)


@given(st.binary(max_size=200))
def test_odd_bytes_are_refused_in_a_sentence(body: bytes) -> None:
    for provider in Provider:
        for is_form in (False, True):
            with pytest.raises(BadInput):
                read_push(provider, body, is_form=is_form)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(github(A, B))), _JSON)
def test_a_push_with_an_odd_value_is_read_or_refused(name: str, value: object) -> None:
    try:
        assert isinstance(read_push(Provider.GITHUB, packed({**github(A, B), name: value})), Push)
    except BadInput:
        return


def test_no_text_has_what_the_database_does_not_take() -> None:
    told = github(A, B)
    told["head_commit"] = {**told["head_commit"], "message": "Fix\0 it"}
    told["commits"] = [{**told["commits"][0], "modified": ["a\0b.py"]}]
    told["repository"] = {**told["repository"], "clone_url": "https://x\0.example/shop.git"}
    assert "\\u0000" not in msgspec.json.encode(read_push(Provider.GITHUB, packed(told))).decode()


def test_a_body_of_braces_is_refused() -> None:
    with pytest.raises(BadInput):
        read_push(Provider.GITHUB, b'{"ref":' + b"[" * 100_000)
