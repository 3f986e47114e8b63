"""Which faults are tried in which phase, and by which tests. What no test tries is not run, and the page says so."""

from collections.abc import Mapping

PHASES = ("Queued, fetch", "Build", "Start, check", "Switch", "Retire", "Afterwards")

_KILL = "delivery/test_kill.py::test_a_deployment_goes_on_after_a_kill"
_CUT = "delivery/test_cuts.py::test_a_deployment_goes_on_after_a_cut"
_UNDO_KILLED = "delivery/test_kill.py::test_what_a_failed_deployment_left_goes_although_bakery_is_killed_meanwhile"
_UNDO_LONG = "delivery/test_cuts.py::test_an_undoing_that_takes_long_does_not_look_interrupted_and_goes_on_after_a_cut"
_DATABASE = "faults/test_database_away.py::test_a_deployment_goes_on_when_its_database_was_killed"
_CANCEL_LATE = "delivery/test_kill.py::test_a_deployment_that_switches_traffic_is_not_cancelled_any_more"
_CANCELLED_AWAY = (
    "delivery/test_kill.py::test_a_deployment_that_was_cancelled_while_bakery_was_away_leaves_only_what_a_retry_takes"
)

CELLS: Mapping[str, Mapping[str, str]] = {
    "Bakery is killed (SIGKILL)": {
        "Queued, fetch": _KILL,
        "Start, check": _KILL,
        "Switch": _KILL,
        "Retire": _KILL,
        "Afterwards": "faults/test_kill.py::test_people_sessions_and_a_running_deployment_outlive_it",
    },
    "Bakery is killed while it undoes": {"Start, check": _UNDO_KILLED},
    "The way to the node breaks": {
        "Start, check": _CUT,
        "Switch": _CUT,
        "Retire": _CUT,
    },
    "The way breaks while it undoes": {"Start, check": _UNDO_LONG},
    "The database is killed": {
        "Start, check": _DATABASE,
        "Afterwards": "faults/test_database_away.py::test_an_embedded_server_that_is_killed_is_started_again",
    },
    "Cancelled": {"Queued, fetch": _CANCELLED_AWAY, "Start, check": _CANCELLED_AWAY, "Switch": _CANCEL_LATE},
    "Taken up by another process": {
        "Start, check": "delivery/test_troubles.py::test_who_was_taken_for_dead_has_nothing_to_say_when_it_wakes_up",
    },
    "Cancelled in the moment of the switch": {
        "Switch": "delivery/test_troubles.py::test_who_cancels_while_the_switch_begins_comes_too_late",
    },
    "The node is rebooted": {},
    "Docker is restarted": {},
    "The node's disk is full": {},
    "nginx refuses another site's file": {},
    "A build without end, or of too much memory": {},
    "The clock jumps": {},
    "A flood of log": {},
}


def as_markdown() -> str:
    lines = [f"| Fault | {' | '.join(PHASES)} |", f"|{' --- |' * (len(PHASES) + 1)}"]
    lines += [f"| {fault} | {' | '.join(_said(cells.get(p, '')) for p in PHASES)} |" for fault, cells in CELLS.items()]
    return "\n".join(lines)


def _said(test: str) -> str:
    return f"`{test.partition('::')[0]}`" if test else "not run"
