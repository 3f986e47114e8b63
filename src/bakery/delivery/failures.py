"""What a person can do about a deployment that failed. Who raises a failure knows best, and says it as its hint; where
nobody did, the step in which it failed says it from here, so that none ends without."""

from collections.abc import Mapping

from bakery.delivery.planned import StepKey
from bakery.model.errors import BakeryError

_LOG = "The log of this step says why."
FIXES: Mapping[StepKey, str] = {
    StepKey.FETCH: f"{_LOG} Look under Source whether its address, branch and token are right, and deploy again.",
    StepKey.UNPACK: f"{_LOG} Upload the folder again, and deploy it.",
    StepKey.COPY: "Deploy the version that you want anew: the files of the earlier release are not as they were.",
    StepKey.PULL: f"{_LOG} Look under Source whether the image, its tag and what opens it are right, and deploy again.",
    StepKey.DETECT: "Say in bakery.toml how it is built and started, and deploy again.",
    StepKey.INSTALL: f"{_LOG} Mend it, and deploy again.",
    StepKey.BUILD: f"{_LOG} Mend it, and deploy again.",
    StepKey.TEST: "Mend what its tests found, or deploy without them.",
    StepKey.RELEASE: f"{_LOG} The old release is live; mend it, and deploy again.",
    StepKey.BEFORE: f"{_LOG} The old release is live; mend it, and deploy again.",
    StepKey.START: f"{_LOG} Look whether the start command is right, under Settings, and deploy again.",
    StepKey.CHECK: f"{_LOG} Look whether the health check asks for the right thing, under Settings, and deploy again.",
    StepKey.SWITCH: f"{_LOG} Visitors still get the old release. Mend what nginx says, and deploy again.",
    StepKey.RETIRE: "The new release is live. Bakery tries again to end the old one.",
    StepKey.AFTER: f"{_LOG} The new release is live; do by hand what this was to do.",
}
BEFORE_ANY_STEP = "Deploy again. If it fails once more, Bakery's own log has the details."
ABANDONED = BakeryError(
    "Bakery stopped working on this deployment because of a mistake of its own.",
    hint="Deploy again. Bakery's own log has the details.",
)


def with_fix(failure: BakeryError, step: StepKey | None) -> BakeryError:
    """`step` None: none had begun."""
    if failure.hint:
        return failure
    return BakeryError(failure.message, hint=BEFORE_ANY_STEP if step is None else FIXES[step])
