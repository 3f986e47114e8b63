"""What is told of a branch that is somewhere else than what is live."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bakery.hooks.decide import Decision
from bakery.hooks.missed import Branch, why_not_live
from bakery.model.deployments import DeploymentState
from tests.hooks.pushes import A, B

SEEN = Branch(
    "https://github.com/acme/shop.git", "main", commit=B, at=datetime(2026, 3, 4, tzinfo=UTC), live=A, has_webhook=True,
    is_on=True,
)  # fmt: skip
GAP = "main is at bbbbbbb, and aaaaaaa is live."


@pytest.mark.parametrize(
    "known",
    [
        replace(SEEN, at=None),
        replace(SEEN, commit=A),
        replace(SEEN, live=None),
        replace(SEEN, is_deploying=True),
        replace(SEEN, commit=None, problem="github.com does not let us in."),
    ],
    ids=["not looked", "live", "nothing is live", "on its way", "its server did not say"],
)
def test_nothing_is_told_where_there_is_no_gap(known: Branch) -> None:
    assert why_not_live(known) == ""


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (replace(SEEN, deployment=4, state=DeploymentState.FAILED), "Deployment #4 of it failed."),
        (
            replace(SEEN, deployment=4, state=DeploymentState.SUCCEEDED),
            "Deployment #4 of it was live, and another release is now.",
        ),
        (
            replace(SEEN, decision=Decision.IGNORED, why="Its commit says [skip deploy]."),
            "Its push was ignored: Its commit says [skip deploy].",
        ),
        (
            replace(SEEN, decision=Decision.FAILED, why="It could not be deployed."),
            "Its push was not deployed: It could not be deployed.",
        ),
        (replace(SEEN, has_webhook=False, is_on=False), "There is no webhook, so nobody told Bakery."),
        (replace(SEEN, is_on=False), "Auto-deploy is off."),
        (
            SEEN,
            (
                "Its push never arrived. See what the server of the repository says of this webhook: its address, its "
                "secret, and whether it can reach Bakery."
            ),
        ),
    ],
)
def test_a_gap_is_told_with_its_reason(known: Branch, reason: str) -> None:
    assert why_not_live(known) == f"{GAP} {reason}"


def test_a_branch_that_is_gone_is_told() -> None:
    assert why_not_live(replace(SEEN, commit=None)) == "main is not there any more. What is live stays live."
