"""Every failure of a deployment ends with what to do."""

import pytest

from bakery.delivery.failures import ABANDONED, BEFORE_ANY_STEP, FIXES, with_fix
from bakery.delivery.planned import StepKey
from bakery.model.errors import BakeryError


@pytest.mark.parametrize("step", StepKey)
def test_each_step_has_a_fix_for_whoever_names_none(step: StepKey) -> None:
    assert with_fix(BakeryError("It failed."), step).hint == FIXES[step]
    assert FIXES[step].endswith(".")
    assert with_fix(BakeryError("It failed.", hint="Do this."), step).hint == "Do this."


def test_what_fails_before_its_first_step_has_one_too() -> None:
    assert with_fix(BakeryError("It failed."), None).hint == BEFORE_ANY_STEP
    assert ABANDONED.hint
