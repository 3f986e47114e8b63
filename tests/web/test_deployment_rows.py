"""Which steps of a deployment fold into one line, so that the log starts high."""

from dataclasses import replace

from bakery.web.views.deployments import DeploymentView, StepFold, StepView
from bakery.web.views.status import step_status
from tests.web.samples import a_deployment


def _with(*states: str) -> DeploymentView:
    steps = [StepView(f"s{at}", f"Step {at}", step_status(state), "") for at, state in enumerate(states)]
    return replace(a_deployment(), steps=steps)


def _titles(deployment: DeploymentView) -> list[str]:
    return [row.title if isinstance(row, StepFold) else row.name for row in deployment.rows]


def test_what_is_done_and_most_of_what_is_to_come_fold() -> None:
    assert _titles(_with("done", "done", "running", "waiting", "waiting", "waiting")) == [
        "2 steps done",
        "Step 2",
        "Step 3",
        "2 more steps",
    ]


def test_a_single_step_is_not_folded() -> None:
    assert _titles(_with("done", "failed", "waiting", "waiting")) == ["Step 0", "Step 1", "Step 2", "Step 3"]


def test_a_deployment_that_succeeded_shows_every_step() -> None:
    assert _titles(_with("done", "done", "done")) == ["Step 0", "Step 1", "Step 2"]


def test_a_deployment_that_waits_shows_what_comes_first() -> None:
    assert _titles(_with("waiting", "waiting", "waiting")) == ["Step 0", "2 more steps"]
