"""What the comment at a pull request says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bakery.hooks.preview_comments import comment_on
from bakery.hooks.previews import Preview
from bakery.model.deployments import DeploymentState, Health
from bakery.model.names import AppName, EnvironmentName
from bakery.model.previews import PreviewState
from tests.hooks.pushes import A, B

BASE = "https://bakery.example.com"
LIVE = Preview(
    app=AppName("shop"), number=42, title="<b>", branch="x", author="<i>", url="", is_fork=False, is_open=True, head=A,
    state=PreviewState.PLACED, ended="", problem="The node oven-1 is drained.", approved="", approved_by="",
    pushed_at=datetime(2026, 3, 4, tzinfo=UTC), environment=EnvironmentName("pr42"), deployment=7,
    deployment_state=DeploymentState.SUCCEEDED, deployed=A, deployed_at=None, comment_problem="", is_live=True,
    is_stopped=False, is_deploying=False, has_failed=False, health=Health.HEALTHY, apps_domain="apps.example.com",
    site_port=80, port=20002,
)  # fmt: skip
LOG = f"| Log | [Deployment #7]({BASE}/apps/shop/deployments/7?env=pr42) |"


def rows_of(one: Preview) -> list[str]:
    return comment_on(one, BASE).splitlines()[5:]


def test_a_live_one_has_its_address() -> None:
    assert rows_of(LIVE) == ["| State | Live |", f"| Commit | {A} |", f"| Address | {LIVE.address} |", LOG]
    assert LIVE.address is not None
    assert LIVE.address.endswith(".apps.example.com")


def test_a_later_commit_of_a_fork_waits_beside_what_runs() -> None:
    fork = replace(LIVE, is_fork=True, approved=A, head=B)
    assert rows_of(fork)[-1] == f"| Waits for approval | {B} |"


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (replace(LIVE, is_open=False, environment=None), "Closed"),
        (replace(LIVE, ended="off", environment=None), "Previews were turned off"),
        (replace(LIVE, environment=None, state=PreviewState.REFUSED), "Could not be made: Bakery says why"),
    ],
)
def test_one_without_a_place_says_why_and_shows_no_address(one: Preview, state: str) -> None:
    assert rows_of(one) == [f"| State | {state} |", f"| Commit | {A} |"]


def test_there_is_nothing_to_say_of_one_that_just_arrived() -> None:
    assert comment_on(replace(LIVE, environment=None, state=PreviewState.NEW), BASE) == ""
