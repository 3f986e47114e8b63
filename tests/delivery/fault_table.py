"""Which faults are tried in which phase, and by which tests. What no test tries is not run, and the page says so.

A cell names its test as `file::test`, or some of its parameters as `file::test[one|another*]`.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

PHASES = ("Queued, fetch", "Build", "Start, check", "Switch", "Retire", "Afterwards")
FETCH, BUILD, START, SWITCH, RETIRE, AFTER = PHASES

_KILL = "delivery/test_kill.py::test_a_deployment_goes_on_after_a_kill"
_CUT = "delivery/test_cuts.py::test_a_deployment_goes_on_after_a_cut"
_UNDO_KILLED = "delivery/test_kill.py::test_what_a_failed_deployment_left_goes_although_bakery_is_killed_meanwhile"
_UNDO_LONG = "delivery/test_cuts.py::test_an_undoing_that_takes_long_does_not_look_interrupted_and_goes_on_after_a_cut"
_DATABASE = "faults/test_database_away.py::test_a_deployment_goes_on_when_its_database_was_killed"
_CANCEL_LATE = "delivery/test_kill.py::test_a_deployment_that_switches_traffic_is_not_cancelled_any_more"
_CANCELLED_AWAY = (
    "delivery/test_kill.py::test_a_deployment_that_was_cancelled_while_bakery_was_away_leaves_only_what_a_retry_takes"
)
_CANCELLED_BUILD = "delivery/test_pipeline.py::test_a_deployment_that_is_cancelled_while_it_is_tested_leaves_no_process"
_LAB = "lab/test_faults.py::test_what_breaks_on_a_node"
_CONTROL_DISK = "faults/test_full_disk.py::test_a_full_disk"
_CLOCK = "delivery/test_clock.py::test_a_deployment_goes_on_when_the_clock_jumps"

CELLS: Mapping[str, Mapping[str, str]] = {
    "Bakery is killed (SIGKILL)": {
        FETCH: f"{_KILL}[unpack.*]",
        BUILD: "delivery/test_kill.py::test_a_build_goes_on_while_bakery_is_away_and_is_adopted",
        START: f"{_KILL}[start.*|check.*]",
        SWITCH: f"{_KILL}[switch.*]",
        RETIRE: f"{_KILL}[retire.*|tidy.*]",
        AFTER: "faults/test_kill.py::test_people_sessions_and_a_running_deployment_outlive_it",
    },
    "Bakery is killed while it undoes": {START: _UNDO_KILLED},
    "The way to the node breaks, in our code": {
        FETCH: f"{_CUT}[unpack.*]",
        BUILD: "delivery/test_cuts.py::test_a_build_is_not_done_twice_after_a_cut",
        START: f"{_CUT}[start.*|check.*]",
        SWITCH: f"{_CUT}[switch.*]",
        RETIRE: f"{_CUT}[retire.*]",
    },
    "The way breaks while it undoes": {START: _UNDO_LONG},
    "The way to the node is cut (packets dropped)": {
        phase: f"{_LAB}[cut-{key}]"
        for phase, key in ((FETCH, "fetch"), (BUILD, "build"), (START, "start"), (SWITCH, "switch"), (RETIRE, "retire"))
    },
    "The node is rebooted": {
        FETCH: f"{_LAB}[reboot-fetch]",
        BUILD: f"{_LAB}[reboot-build]",
        START: f"{_LAB}[reboot-start]",
        SWITCH: f"{_LAB}[reboot-switch]",
        RETIRE: f"{_LAB}[reboot-retire]",
        AFTER: f"{_LAB}[reboot-steady]",
    },
    "Docker is restarted": {
        FETCH: f"{_LAB}[docker-fetch]",
        BUILD: f"{_LAB}[docker-build]",
        START: f"{_LAB}[docker-start]",
        SWITCH: f"{_LAB}[docker-switch]",
        RETIRE: f"{_LAB}[docker-retire]",
        AFTER: f"{_LAB}[docker-steady]",
    },
    "The database is killed": {
        FETCH: f"{_LAB}[database-fetch]",
        BUILD: f"{_LAB}[database-build]",
        START: _DATABASE,
        SWITCH: f"{_LAB}[database-switch]",
        RETIRE: f"{_LAB}[database-retire]",
        AFTER: "faults/test_database_away.py::test_an_embedded_server_that_is_killed_is_started_again",
    },
    "The node's disk is full": {
        FETCH: f"{_LAB}[disk-fetch]",
        BUILD: f"{_LAB}[disk-build]",
        START: f"{_LAB}[disk-start]",
        SWITCH: f"{_LAB}[disk-switch]",
        RETIRE: f"{_LAB}[disk-retire]",
    },
    "Bakery's own disk is full": {FETCH: _CONTROL_DISK, AFTER: _CONTROL_DISK},
    "The clock jumps": {START: _CLOCK, AFTER: _CLOCK},
    "nginx refuses another site's file": {SWITCH: f"{_LAB}[nginx-switch]"},
    "The repository is gone, or lets nobody in": {
        FETCH: "delivery/test_git_pipeline.py::test_a_repository_that_is_gone_is_told_and_harms_nothing"
    },
    "A build of too much memory, or a fork bomb": {
        BUILD: "lab/test_faults.py::test_a_build_that_takes_all_it_can_get_harms_nobody"
    },
    "A build without end": {BUILD: "delivery/test_bad_input.py::test_a_suite_of_tests_that_hangs"},
    "Never healthy": {START: "delivery/test_bad_input.py::test_a_port_that_is_never_opened"},
    "Healthy, then dies": {
        SWITCH: "lab/test_faults.py::test_an_app_that_dies_after_five_seconds_is_taken_back",
        AFTER: "delivery/test_watch.py::test_a_program_that_ends_again_and_again_is_one_state_and_one_line",
    },
    "An app of too much memory, or a fork bomb": {
        AFTER: "lab/test_faults.py::test_an_app_that_takes_all_it_can_get_harms_nobody"
    },
    "Taken up by another process": {
        START: "delivery/test_troubles.py::test_who_was_taken_for_dead_has_nothing_to_say_when_it_wakes_up",
    },
    "Two deployments of one app": {
        FETCH: "delivery/test_lifecycle.py::test_a_newer_deployment_takes_the_place_of_one_that_waits"
    },
    "A flood of log": {BUILD: "delivery/test_floods.py::test_a_flood_of_log_is_cut_and_what_is_missing_is_counted"},
    "Cancelled": {
        FETCH: f"{_CANCELLED_AWAY}[unpack-*]",
        BUILD: _CANCELLED_BUILD,
        START: f"{_CANCELLED_AWAY}[start-*|check-*]",
        SWITCH: _CANCEL_LATE,
    },
    "Cancelled in the moment of the switch": {
        SWITCH: "delivery/test_troubles.py::test_who_cancels_while_the_switch_begins_comes_too_late",
    },
    "The node is another machine (other host key)": {
        FETCH: "lab/test_nodes.py::test_a_changed_host_key_blocks_the_node_until_an_admin_accepts_it"
    },
}
RUNS = Path("docs/faults.json")  # how each cell went when all of them were tried last
HELD, BROKE = "held", "broke"

Runs = Mapping[str, Mapping[str, str]]  # for each fault and phase: “held 2026-11-25”


def cells_of(test: str) -> Iterator[tuple[str, str]]:
    """The faults and phases that a test tries. It is named as pytest does, below the folder of tests."""
    for fault, cells in CELLS.items():
        for phase, named in cells.items():
            if _is_of(test, named):
                yield fault, phase


def as_markdown() -> str:
    return _table({fault: {p: f"`{_file_of(test)}`" for p, test in cells.items()} for fault, cells in CELLS.items()})


def runs_as_markdown() -> str:
    return _table(last_runs())


def last_runs() -> Runs:
    """Of the cells that there are today."""
    found = json.loads(RUNS.read_text() or "{}") if RUNS.exists() else {}
    return {fault: {p: found.get(fault, {}).get(p, "") for p in cells} for fault, cells in CELLS.items()}


def write_runs(new: Runs) -> None:
    """What was not tried this time stays as it was."""
    with RUNS.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several runs may end at once
        before = last_runs()
        runs = {fault: {**before[fault], **new.get(fault, {})} for fault in CELLS}
        file.truncate(0)
        file.write(json.dumps(runs, indent=2, ensure_ascii=False) + "\n")


def _table(rows: Runs) -> str:
    lines = [f"| Fault | {' | '.join(PHASES)} |", f"|{' --- |' * (len(PHASES) + 1)}"]
    lines += [f"| {fault} | {' | '.join(cells.get(p) or 'not run' for p in PHASES)} |" for fault, cells in rows.items()]
    return "\n".join(lines)


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def _is_of(test: str, named: str) -> bool:
    name, _, ids = test.partition("[")
    wanted, _, patterns = named.partition("[")
    return name == wanted and (
        not patterns or any(fnmatchcase(ids[:-1], one) for one in patterns.removesuffix("]").split("|"))
    )
