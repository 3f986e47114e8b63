"""What becomes of a push, and why."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.hooks.decide import Decided, Decision, Followed, decide
from bakery.hooks.path_globs import matches, parse_globs
from bakery.hooks.payloads import Push, read_push
from bakery.hooks.signatures import Provider
from bakery.model.errors import BadInput
from bakery.model.sources import Ref
from tests.hooks.pushes import NONE, A, B, C, github, packed

SHOP = Followed(url="https://github.com/acme/shop.git", branch="main")
KNOWN = replace(SHOP, repository_id="github:35129377", head=A, head_at=datetime(2026, 3, 1, tzinfo=UTC))


def a_push(before: str = A, after: str = B, ref: str = "refs/heads/main", **changes: object) -> Push:
    return read_push(Provider.GITHUB, packed(github(before, after, ref=ref, **changes)))


def decided(push: Push, followed: Followed = SHOP, *, is_behind_head: bool = False) -> Decided:
    return decide(push, followed, is_behind_head=is_behind_head)


def test_a_push_to_the_branch_deploys_its_commit() -> None:
    assert decided(a_push()) == Decided(Decision.DEPLOYS, "bbbbbbb was pushed to main.", Ref(B), is_newest=True)


@pytest.mark.parametrize("url", ["git@github.com:Acme/shop.git", "ssh://git@ssh.github.com:443/acme/shop"])
def test_a_repository_is_the_same_however_it_is_reached(url: str) -> None:
    assert decided(a_push(), replace(SHOP, url=url)).ref == B


def test_another_repository_is_refused() -> None:
    said = decided(a_push(), replace(SHOP, url="https://github.com/acme/shop-2.git"))
    assert (said.decision, said.why) == (
        Decision.REFUSED,
        "It is of acme/shop, and the app follows https://github.com/acme/shop-2.git.",
    )


def test_one_that_was_made_anew_at_the_same_address_is_another() -> None:
    assert decided(a_push(), replace(KNOWN, repository_id="github:7")).decision is Decision.REFUSED


def test_what_a_server_sends_as_a_test_deploys_nothing() -> None:
    said = decided(a_push(before=B, after=B))
    assert (said.decision, said.why) == (
        Decision.IGNORED,
        "Nothing was pushed: its server tests whether we listen. We do.",
    )


def test_a_renamed_repository_goes_on_and_is_told() -> None:
    said = decided(a_push(), replace(KNOWN, url="https://github.com/acme/old.git"))
    assert said.why == (
        "bbbbbbb was pushed to main. The repository is called acme/shop now: change the address of the source."
    )


def test_what_is_of_no_interest_is_ignored_with_the_reason() -> None:
    assert [
        decided(push, followed).why
        for push, followed in (
            (a_push(ref="refs/heads/next"), SHOP),
            (a_push(A, NONE, deleted=True), SHOP),
            (a_push(ref="refs/tags/v1"), SHOP),
            (a_push(ref="refs/tags/v1"), replace(SHOP, tags="release-*")),
            (a_push(), replace(SHOP, is_on=False)),
            (a_push(head_commit={"message": "Words\n\n[Skip CI]"}), SHOP),
            (a_push(), replace(SHOP, base="api", paths=["packages/ui/**"])),
            (a_push(), Followed(None, None)),
        )
    ] == [
        "It is of the branch next, and the app follows main.",
        "The branch main was deleted. What is live stays live.",
        "Tags do not deploy, and this is the tag v1.",
        "The tag v1 is none of release-*.",
        "Auto-deploy is off.",
        "Its commit says [skip ci].",
        "It changes nothing in api, packages/ui/**.",
        "The app follows no repository.",
    ]


def test_a_tag_that_is_wanted_deploys_by_its_name() -> None:
    assert decided(a_push(ref="refs/tags/v1.2"), replace(SHOP, tags="v*")).ref == "refs/tags/v1.2"


def test_the_base_folder_and_the_own_globs_both_matter() -> None:
    assert decided(a_push(), replace(SHOP, base="web")).ref == B
    assert decided(a_push(), replace(SHOP, base="api", paths=["web/*.py"])).ref == B


def test_where_not_all_files_are_listed_it_is_deployed() -> None:
    said = decided(a_push(forced=True), replace(SHOP, base="api"))
    assert said.why == (
        "bbbbbbb was force-pushed to main. Its server does not list all files that changed, so it is deployed."
    )


def test_an_older_push_does_not_go_over_a_newer_one() -> None:
    late = a_push(B, C)
    assert decided(late, replace(KNOWN, head=NONE.replace("0", "d")), is_behind_head=True).why == (
        "It is older than ddddddd, whose push arrived before it."
    )
    newer = replace(KNOWN, head="d" * 40, head_at=datetime(2026, 3, 5, tzinfo=UTC))
    assert decided(late, newer).why == "It was pushed before ddddddd, whose push arrived before it."
    assert decided(a_push(C, A), KNOWN).why == "aaaaaaa came with an earlier push already."


def test_a_forced_push_back_to_an_older_commit_deploys_it() -> None:
    head = replace(KNOWN, head=B, head_at=datetime(2026, 3, 5, tzinfo=UTC))
    assert decided(a_push(B, A, forced=True), head, is_behind_head=True).ref == A


def test_pushes_that_never_arrived_are_told() -> None:
    assert decided(a_push(B, C), KNOWN).why == (
        "ccccccc was pushed to main. Pushes between this one and the last never arrived."
    )


@given(st.text("a/*?b", max_size=7), st.text("a/b", max_size=7))
def test_a_glob_means_what_its_regular_expression_would(glob: str, path: str) -> None:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", f"{glob}**" if glob.endswith("/") else glob)
    if "*" in glob or "?" in glob:
        expected = re.fullmatch("".join(parts.get(piece) or re.escape(piece) for piece in pieces), path) is not None
        assert matches(glob, path) == expected


def test_globs() -> None:
    assert matches("packages/ui", "packages/ui/a/b.css")
    assert not matches("packages/ui", "packages/uix")
    assert matches("**/*.sql", "a/b/c.sql")
    assert matches("**/*.sql", "c.sql")
    assert not matches("*.sql", "a/c.sql")
    assert matches("docs/", "docs/a.md")
    assert not matches("*a*a*a*a*a*b", "a" * 4000)  # which is told in time
    with pytest.raises(BadInput):
        parse_globs(["../secret"])
    with pytest.raises(BadInput):
        parse_globs(["*a*a*a*a*a*a*a"])
