import pytest

from bakery.delivery.planned import StepKey
from bakery.model.errors import BadInput, NodeUnreachable
from bakery.model.faults import Fault, FaultKind, Moment, Point, arm, fault_at_step, fault_point, parse_fault

STEPS = frozenset(StepKey)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("switch.begun:kill", Fault("switch.begun", FaultKind.KILL)),
        ("undo.begun:cut", Fault(Point.UNDO_BEGUN, FaultKind.CUT)),
        ("check.done:slow:5", Fault("check.done", FaultKind.SLOW, 5.0)),
    ],
)
def test_a_fault_is_a_place_and_what_happens_there(text: str, expected: Fault) -> None:
    assert parse_fault(text, steps=STEPS) == expected


@pytest.mark.parametrize(
    "text",
    ["", "switch", "swich.begun:kill", "switch.middle:kill", "switch.begun:", "switch.begun:die",
     "switch.begun:slow", "switch.begun:slow:", "switch.begun:slow:-1", "switch.begun:slow:9999",
     "switch.begun:kill:5"],
)  # fmt: skip
def test_what_is_misspelt_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_fault(text, steps=STEPS)


async def test_a_fault_happens_once_and_where_it_was_said() -> None:
    arm(Fault("switch.begun", FaultKind.CUT))
    await fault_point(Point.UNDO_BEGUN)
    await fault_at_step(StepKey.SWITCH, Moment.DONE)
    with pytest.raises(NodeUnreachable, match="cut on purpose"):
        await fault_at_step(StepKey.SWITCH, Moment.BEGUN)
    await fault_at_step(StepKey.SWITCH, Moment.BEGUN)
