"""What systemd shows of a unit, read."""

import pytest

from bakery.helper.systemd import state_of

IDLE = {"is_running": False, "process_id": None, "restarts": 0, "last_exit": ""}


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ("active 7 2 0 0", {**IDLE, "is_running": True, "process_id": 7, "restarts": 2}),
        ("activating 0 5 1 3", {**IDLE, "restarts": 5, "last_exit": "ended with status 3"}),
        ("failed 0 0 2 9", {**IDLE, "last_exit": "ended by SIGKILL"}),
        ("failed 0 0 3 40", {**IDLE, "last_exit": "ended by signal 40"}),
        ("inactive 0 0 0 0", IDLE),
        ("activating 0 3 2 9 oom-kill", {**IDLE, "restarts": 3, "last_exit": "ended by SIGKILL, out of memory"}),
        ("active 7 3 0 0 oom-kill", {**IDLE, "is_running": True, "process_id": 7, "restarts": 3}),
    ],
)
def test_a_state_is_what_systemd_shows(shown: str, state: dict[str, object]) -> None:
    names = ("ActiveState", "MainPID", "NRestarts", "ExecMainCode", "ExecMainStatus", "Result")
    assert state_of(dict(zip(names, shown.split(), strict=False))) == state
