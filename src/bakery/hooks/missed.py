"""Is what is live what the branch is at, and if not, why? Decided from facts alone, as a sentence for people."""

from dataclasses import dataclass
from datetime import datetime

from bakery.hooks.decide import Decision
from bakery.model.deployments import DeploymentState


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that an environment follows, as its server showed it last, and what is known of the commit that it was
    at. `live` is the commit of what visitors get; None: nothing does, or no commit. `at`: None while nobody looked."""

    url: str
    branch: str
    commit: str | None = None
    at: datetime | None = None
    problem: str = ""
    hint: str = ""
    live: str | None = None
    is_deploying: bool = False
    has_webhook: bool = False
    is_on: bool = False
    decision: Decision | None = None  # about the push that brought it
    why: str = ""
    deployment: int | None = None  # the last one of it
    state: DeploymentState | None = None


def why_not_live(found: Branch) -> str:
    """Empty: it is, or is on its way, or nothing can be said."""
    if found.at is None or found.problem or found.live is None or found.is_deploying or found.commit == found.live:
        return ""
    if found.commit is None:
        return f"{found.branch} is not there any more. What is live stays live."
    return f"{found.branch} is at {found.commit[:7]}, and {found.live[:7]} is live. {_reason(found)}"


def _reason(found: Branch) -> str:
    if found.deployment is not None and found.state in _ENDED:
        return f"Deployment #{found.deployment} of it {_ENDED[found.state]}."
    if found.decision in {Decision.IGNORED, Decision.REFUSED, Decision.FAILED}:
        return f"Its push was {'not deployed' if found.decision is Decision.FAILED else found.decision}: {found.why}"
    if not found.has_webhook:
        return "There is no webhook, so nobody told Bakery."
    if not found.is_on:
        return "Auto-deploy is off."
    return (
        "Its push never arrived. See what the server of the repository says of this webhook: its address, its secret, "
        "and whether it can reach Bakery."
    )


_ENDED = {
    DeploymentState.SUCCEEDED: "was live, and another release is now",
    DeploymentState.FAILED: "failed",
    DeploymentState.CANCELLED: "was cancelled",
    DeploymentState.SUPERSEDED: "gave way to a newer one",
    DeploymentState.ROLLED_BACK: "did worse than the one before, and was taken back",
}
