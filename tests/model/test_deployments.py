import itertools

import pytest

from bakery.model.deployments import NEXT_STATES, DeploymentState, require_move
from bakery.model.errors import Conflict

ALLOWED = {
    ("scheduled", "queued"),
    ("scheduled", "cancelled"),
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "superseded"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("succeeded", "rolled_back"),
}


@pytest.mark.parametrize(("now", "then"), list(itertools.product(DeploymentState, DeploymentState)))
def test_a_deployment_moves_only_as_the_table_says(now: DeploymentState, then: DeploymentState) -> None:
    if (now.value, then.value) in ALLOWED:
        require_move(NEXT_STATES, "Deployment #4 of shop", now, then)
    else:
        with pytest.raises(Conflict, match=f"^Deployment #4 of shop is {now} and cannot become {then}.$"):
            require_move(NEXT_STATES, "Deployment #4 of shop", now, then)


def test_what_has_ended_is_over() -> None:
    over = ["succeeded", "failed", "cancelled", "superseded", "rolled_back"]
    assert [state for state in DeploymentState if state.is_over] == over
