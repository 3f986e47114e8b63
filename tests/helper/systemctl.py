"""`systemctl` for machines without systemd: it runs nothing, but remembers what systemd would run, and with what.

It takes up unit files as systemd does, when it is told to read them anew; and variables when a unit starts.
"""

import fcntl
import json
import sys
from pathlib import Path
from typing import TypedDict

FOLDER = Path(sys.argv[0]).parent
UNITS = FOLDER / "system"
WANTS = UNITS / "multi-user.target.wants"
UNABLE = "/no/such/program"
KILLED = "/dies/at/once"


class State(TypedDict):
    loaded: dict[str, str]
    running: dict[str, list[str]]  # its text and its variables
    failed: list[str]


def main() -> int:
    options, _, services = " ".join(sys.argv[1:]).partition(" -- ")
    with (FOLDER / "turns").open("w") as turns:
        fcntl.flock(turns, fcntl.LOCK_EX)
        with (FOLDER / "calls").open("a") as calls:
            calls.write(" ".join(sys.argv[1:]) + "\n")
        file = FOLDER / "state.json"
        state: State = json.loads(file.read_text()) if file.exists() else State(loaded={}, running={}, failed=[])
        status = act(state, options.split()[1], services.split())
        file.write_text(json.dumps(state))
    return status


def act(state: State, verb: str, services: list[str]) -> int:
    if verb in {"daemon-reload", "enable"}:
        state["loaded"] = {path.name: path.read_text() for path in UNITS.glob("*.service")}
    match verb:
        case "show":
            sys.stdout.write("\n".join(shown(state, service) for service in services))
        case "enable":
            return enable(state, *services)
        case "disable":
            for service in services:
                (WANTS / service).unlink(missing_ok=True)
                state["running"].pop(service, None)
        case "reset-failed" if services[0] not in state["failed"]:
            sys.stderr.write(f"Failed to reset failed state of unit {services[0]}: Unit {services[0]} not loaded.\n")
            return 1
        case "reset-failed":
            state["failed"].remove(services[0])
    return 0


def enable(state: State, service: str) -> int:
    WANTS.mkdir(exist_ok=True)
    (WANTS / service).touch()
    text = state["loaded"][service]
    for program, how in ((UNABLE, "the control process exited with error code"), (KILLED, "a fatal signal")):
        if program in text:
            state["failed"].append(service)
            sys.stderr.write(f"Job for {service} failed because of {how}.\n")
            return 1
    if service not in state["running"]:
        file = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("EnvironmentFile="))
        state["running"][service] = [text, Path(file).read_text()]
    return 0


def shown(state: State, service: str) -> str:
    is_running, has_failed = service in state["running"], service in state["failed"]
    code, status = (2, 9) if KILLED in state["loaded"].get(service, "") else (1, 203)
    return (
        f"Id={service}\nActiveState={'active' if is_running else 'inactive'}\nMainPID={7 * is_running}\nNRestarts=0\n"
        f"ExecMainCode={code * has_failed}\nExecMainStatus={status * has_failed}\n"
    )


sys.exit(main())
